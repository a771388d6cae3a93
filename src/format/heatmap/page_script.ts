/** The page's script, second part: the switch, the findings, and what follows pointer and keys. */

export const PAGE_SCRIPT = String.raw`
const element = (tag, text, className) => {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className !== undefined) made.className = className;
  return made;
};

const ROWS = [
  ["RTT p50", (i, j) => time("rttP50", i, j)],
  ["RTT p99", (i, j) => time("rttP99", i, j)],
  ["cold RTT p50", (i, j) => time("coldP50", i, j)],
  ["connect p50", (i, j) => time("connectP50", i, j)],
  ["connect p99", (i, j) => time("connectP99", i, j)],
  ["probes", (i, j) => count("sent", i, j)],
  ["lost", (i, j) => part("lost", i, j)],
  ["refused", (i, j) => count("refused", i, j)],
  ["SYN retransmits", (i, j) => part("retransmits", i, j)],
  ["ICMP p50", (i, j) => time("icmpP50", i, j)],
  ["ICMP lost", (i, j) => count("icmpLost", i, j)],
];
const time = (name, i, j) => figure(name, i, j) === null ? "–" : timeText(figure(name, i, j));
const count = (name, i, j) => figure(name, i, j) === null ? "–" : String(figure(name, i, j));
const part = (name, i, j) => {
  const of = figure(name, i, j), sent = figure("sent", i, j);
  return of === null ? "–" : of === 0 ? "0" : of + " (" + shareText(of / sent) + ")";
};

const HINT = "Point at a cell, or focus the matrix and use the arrow keys.";

const nodeText = (node) => {
  const { labels, note } = data.nodes[node];
  return [labels, note].filter((text) => text !== "").join(", ");
};

const showDetails = () => {
  const panel = byId("details");
  panel.replaceChildren();
  const { from, to } = state;
  if (from < 0) {
    panel.append(element("h2", scaleOf(state.metric).title), element("p", "from the node of the row to that of the column"), element("p", HINT, "hint"));
    return;
  }
  const [a, b] = [data.nodes[from].name, data.nodes[to].name];
  if (from === to) {
    panel.append(element("h2", a), element("p", nodeText(from)));
    return;
  }
  panel.append(element("h2", a + " → " + b));
  panel.append(element("p", "from " + (nodeText(from) || a)), element("p", "to " + (nodeText(to) || b)));
  const table = element("table"), head = element("tr");
  head.append(element("th", ""), element("th", "→"), element("th", "← back"));
  const top = element("thead");
  top.append(head);
  const body = element("tbody");
  for (const [title, of] of ROWS) {
    const there = of(from, to), back = of(to, from);
    if (there === "–" && back === "–" && title.startsWith("ICMP")) continue;
    const row = element("tr");
    row.append(element("th", title), element("td", there), element("td", back));
    body.append(row);
  }
  table.append(top, body);
  panel.append(table);
};

const showTip = (x, y) => {
  const tip = byId("tip");
  const { from, to, metric } = state;
  tip.hidden = from < 0;
  if (from < 0) return;
  const of = from === to ? null : value(metric, from, to);
  const text = from === to ? "itself" : of !== null ? valueText(metric, of)
    : silent(from, to) ? "no answer" : "not measured";
  const names = from === to ? data.nodes[from].name : data.nodes[from].name + " → " + data.nodes[to].name;
  tip.replaceChildren(names + "  ", element("b", text));
  const box = tip.getBoundingClientRect();
  tip.style.left = Math.min(x + 14, innerWidth - box.width - 8) + "px";
  tip.style.top = (y + 18 + box.height > innerHeight ? y - box.height - 10 : y + 18) + "px";
};

const select = (from, to) => {
  if (from === state.from && to === state.to) return false;
  state.from = from;
  state.to = to;
  drawFrames();
  showDetails();
  return true;
};

/* The node whose cells a coordinate lies in, or -1 between them. */
const nodeAt = (offset) => {
  let low = 0, high = size - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (layout.at[middle] <= offset) low = middle;
    else high = middle - 1;
  }
  const within = offset - layout.at[low];
  return within >= 0 && within < layout.cell ? low : -1;
};

stage.addEventListener("pointermove", (event) => {
  const box = stage.getBoundingClientRect();
  const to = nodeAt(event.clientX - box.left - layout.left);
  const from = nodeAt(event.clientY - box.top - layout.top);
  if (from < 0 || to < 0) return;
  select(from, to);
  showTip(event.clientX, event.clientY);
});
stage.addEventListener("pointerleave", () => {
  byId("tip").hidden = true;
  if (document.activeElement !== stage) select(-1, -1);
});
stage.addEventListener("keydown", (event) => {
  const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Home: [0, -size], End: [0, size] };
  if (event.key === "Escape") {
    byId("tip").hidden = true;
    select(-1, -1);
    return;
  }
  const step = steps[event.key];
  if (step === undefined) return;
  event.preventDefault();
  const within = (of) => Math.min(size - 1, Math.max(0, of));
  if (state.from < 0) select(0, Math.min(1, size - 1));
  else select(within(state.from + step[0]), within(state.to + step[1]));
  const box = stage.getBoundingClientRect();
  showTip(box.left + layout.left + layout.at[state.to] + layout.cell, box.top + layout.top + layout.at[state.from] + layout.cell);
});
stage.addEventListener("blur", () => {
  byId("tip").hidden = true;
});

const showLegend = () => {
  const ramp = document.querySelector(".ramp");
  const metric = state.metric, { ramp: colours, nothing } = shades();
  const stops = isShare(metric)
    ? [nothing + " 0 25%"].concat(colours.slice(16).map((c, i, all) => c + " " + (25 + 75 * i / (all.length - 1)) + "%"))
    : colours;
  ramp.firstElementChild.style.background = "linear-gradient(to right, " + stops.join(", ") + ")";
  while (ramp.lastElementChild !== ramp.firstElementChild) ramp.lastElementChild.remove();
  const marks = scaleOf(metric).ticks.map(({ at, text }) => ({ at, text }));
  if (isShare(metric)) marks.unshift({ at: 0.125, text: "0" });
  marks.forEach(({ at, text }, i) => {
    const last = i === marks.length - 1 && !isShare(metric);
    const mark = element("span", last ? text + " ms" : text);
    mark.style.left = at * 100 + "%";
    ramp.append(mark);
  });
};

const choose = (metric) => {
  state.metric = metric;
  for (const button of byId("metrics").children) {
    const chosen = button.dataset.metric === metric;
    button.setAttribute("aria-checked", String(chosen));
    button.tabIndex = chosen ? 0 : -1;
  }
  showLegend();
  drawBase();
  showDetails();
};

const METRIC_NAMES = { p50: "p50", p99: "p99", loss: "loss", cold: "cold", retransmits: "SYN retransmits" };
for (const { name, title } of data.metrics) {
  const button = element("button", METRIC_NAMES[name]);
  button.type = "button";
  button.title = title;
  button.dataset.metric = name;
  button.setAttribute("role", "radio");
  button.addEventListener("click", () => choose(name));
  byId("metrics").append(button);
}
byId("metrics").addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (step === undefined) return;
  event.preventDefault();
  const names = data.metrics.map(({ name }) => name);
  const next = names[(names.indexOf(state.metric) + step + names.length) % names.length];
  choose(next);
  byId("metrics").querySelector('[aria-checked="true"]').focus();
});

const showFindings = () => {
  const list = byId("findings");
  if (data.findings === null) return;
  if (data.findings.length === 0) {
    const item = element("li"), line = element("p", undefined, "notice");
    line.append(element("span", "triage", "severity"), element("span", "", "layer"), element("span", "nothing stands out"));
    item.append(line);
    list.append(item);
  }
  data.findings.forEach(({ severity, layer, text }, i) => {
    const item = element("li"), button = element("button", undefined, severity);
    button.type = "button";
    button.setAttribute("aria-pressed", "false");
    button.append(element("span", severity, "severity"), element("span", layer, "layer"), element("span", text));
    const point = (at) => () => {
      state.finding = at;
      drawOverlay();
    };
    button.addEventListener("pointerenter", point(i));
    button.addEventListener("pointerleave", point(-1));
    button.addEventListener("click", () => {
      state.pinned = state.pinned === i ? -1 : i;
      list.querySelectorAll("button").forEach((other, at) => other.setAttribute("aria-pressed", String(at === state.pinned)));
      drawOverlay();
    });
    item.append(button);
    list.append(item);
  });
};

const nameTheme = () => {
  byId("theme").textContent = isDark() ? "light" : "dark";
};
byId("theme").addEventListener("click", () => {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  nameTheme();
  choose(state.metric);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  nameTheme();
  choose(state.metric);
});
let drawnFor = innerWidth;
addEventListener("resize", () => {
  if (innerWidth === drawnFor) return;
  drawnFor = innerWidth;
  drawBase();
});

byId("coverage").textContent = data.coverage;
nameTheme();
showFindings();
choose(data.metric);
`;
