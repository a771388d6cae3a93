/** What is beside the matrix: a pair's figures, the tip at the pointer, the legend, the findings. */
import { shortPercent } from "../../../text/number.ts";
import { counted } from "../../../text/words.ts";
import type { Figure } from "../../../domain/matrix.ts";
import {
  isShare,
  MARK_TEXTS,
  markOf,
  METRIC_TITLES,
  shortText,
  valueOf,
  valueText,
} from "../metric.ts";
import { position, type Scale, SHARE_FLOOR, ticks } from "../scale.ts";
import type { PageData, PageFinding, PageMatrix, PageWindow } from "../page_data.ts";
import { button, byId, element } from "./document.ts";
import { gradient, shades } from "./shades.ts";

/** A pair of nodes by their indexes; -1 for none. */
export interface Pair {
  readonly from: number;
  readonly to: number;
}

const NONE = "–";
const MAX_TABLE_NODES = 64;
const HINT = "Point at a cell, or focus the matrix and use the arrow keys.";

type Cell = (matrix: PageMatrix, from: number, to: number) => string;

const time = (figure: Figure): Cell => (matrix, from, to) => {
  const us = matrix.figure(figure, from, to);
  return Number.isNaN(us) ? NONE : valueText("p50", us);
};
const count = (figure: Figure): Cell => (matrix, from, to) => {
  const found = matrix.figure(figure, from, to);
  return Number.isNaN(found) ? NONE : String(found);
};
const part = (figure: Figure): Cell => (matrix, from, to) => {
  const found = matrix.figure(figure, from, to);
  const share = found / matrix.figure("sent", from, to);
  return Number.isNaN(found) ? NONE : found === 0 ? "0" : `${found} (${shortPercent(share)})`;
};

const LINES: readonly (readonly [title: string, cell: Cell])[] = [
  ["RTT p50", time("rttP50")],
  ["RTT p99", time("rttP99")],
  ["cold RTT p50", time("coldP50")],
  ["connect p50", time("connectP50")],
  ["connect p99", time("connectP99")],
  ["probes", count("sent")],
  ["lost", part("lost")],
  ["refused", count("refused")],
  ["SYN retransmits", part("retransmits")],
  ["ICMP p50", time("icmpP50")],
  ["ICMP lost", count("icmpLost")],
];

export function showDetails(data: PageData, matrix: PageMatrix, scale: Scale, pair: Pair): void {
  const panel = byId("details");
  const { from, to } = pair;
  if (from < 0) {
    panel.replaceChildren(
      element("h2", METRIC_TITLES[scale.metric]),
      element("p", "from the node of the row to that of the column"),
      element("p", HINT, "hint"),
    );
    return;
  }
  const [a, b] = [data.nodes[from].name, data.nodes[to].name];
  if (from === to) {
    panel.replaceChildren(element("h2", a), element("p", nodeText(data, from)));
    return;
  }
  panel.replaceChildren(
    element("h2", `${a} → ${b}`),
    element("p", `from ${nodeText(data, from) || a}`),
    element("p", `to ${nodeText(data, to) || b}`),
    pairTable(matrix, pair),
  );
}

function nodeText({ nodes }: PageData, node: number): string {
  const { labels, note } = nodes[node];
  return [labels, note].filter((text) => text !== "").join(", ");
}

function pairTable(matrix: PageMatrix, { from, to }: Pair): HTMLElement {
  const head = element("thead");
  head.append(tableRow("th", ["", "→", "← back"]));
  const body = element("tbody");
  for (const [title, cell] of LINES) {
    const [there, back] = [cell(matrix, from, to), cell(matrix, to, from)];
    if (there === NONE && back === NONE && title.startsWith("ICMP")) continue;
    body.append(tableRow("td", [title, there, back]));
  }
  const table = element("table");
  table.append(head, body);
  return table;
}

function tableRow(tag: "td" | "th", [title, ...texts]: readonly string[]): HTMLElement {
  const row = element("tr");
  const of = tag === "th" ? heading("col") : (text: string) => element("td", text);
  row.append(heading(tag === "th" ? "col" : "row")(title), ...texts.map(of));
  return row;
}

/** A screen reader tells a cell's headings by their scope. */
function heading(scope: "row" | "col"): (text: string) => HTMLElement {
  return (text) => {
    const made = element("th", text);
    made.setAttribute("scope", scope);
    return made;
  };
}

/** At a place of the window; hidden without a pair. */
export function showTip(
  data: PageData,
  matrix: PageMatrix,
  scale: Scale,
  { from, to }: Pair,
  [x, y]: readonly [number, number],
): void {
  const tip = byId("tip");
  tip.hidden = from < 0;
  if (from < 0) return;
  const [a, b] = [data.nodes[from].name, data.nodes[to].name];
  tip.replaceChildren(
    `${from === to ? a : `${a} → ${b}`}  `,
    element("b", cellText(matrix, scale, from, to)),
  );
  const box = tip.getBoundingClientRect();
  const top = y + 18 + box.height > innerHeight ? y - box.height - 10 : y + 18;
  tip.style.left = `${Math.min(x + 14, innerWidth - box.width - 8)}px`;
  tip.style.top = `${top}px`;
}

function cellText(matrix: PageMatrix, { metric }: Scale, from: number, to: number): string {
  const mark = markOf(matrix, metric, from, to);
  return mark === null ? valueText(metric, valueOf(matrix, metric, from, to)) : MARK_TEXTS[mark];
}

export function showLegend(scale: Scale): void {
  const bar = element("i");
  bar.style.background = gradient(shades(), scale);
  const share = isShare(scale.metric);
  const marks = ticks(scale).map((tick) => ({
    at: position(scale, tick),
    text: shortText(scale.metric, tick),
  }));
  if (share) marks.unshift({ at: SHARE_FLOOR / 2, text: "0" });
  const spans = marks.map(({ at, text }, i) => {
    const mark = element("span", i === marks.length - 1 && !share ? `${text} ms` : text);
    mark.style.left = `${at * 100}%`;
    return mark;
  });
  byId("ramp").replaceChildren(bar, ...spans);
}

/** What the pointer and the user do with the findings. */
export interface FindingEvents {
  /** The pointer is over one; null when it has left. */
  over(finding: PageFinding | null): void;
  /** One was chosen; null when it was chosen again. */
  chosen(finding: PageFinding | null): void;
}

export function showFindings(
  findings: readonly PageFinding[] | null,
  before: PageFinding | null,
  events: FindingEvents,
): void {
  const list = byId("findings");
  const { activeElement } = document;
  const focused = activeElement instanceof HTMLElement && list.contains(activeElement)
    ? activeElement.dataset.key
    : undefined;
  list.replaceChildren();
  if (findings?.length === 0) {
    const line = element("p", "", "notice");
    line.append(element("span", "triage", "severity"), element("span", "", "layer"));
    line.append(element("span", "nothing stands out"));
    list.append(item(line));
  }
  /** The one that is pressed. */
  let chosen: HTMLElement | null = null;
  for (const finding of findings ?? []) {
    const line = button("", finding.severity);
    line.dataset.key = keyOf(finding);
    line.setAttribute("aria-pressed", String(finding === before));
    if (finding === before) chosen = line;
    line.append(
      element("span", finding.severity, "severity"),
      element("span", finding.layer, "layer"),
      element("span", finding.text),
    );
    line.addEventListener("pointerenter", () => events.over(finding));
    line.addEventListener("pointerleave", () => events.over(null));
    line.addEventListener("click", () => {
      chosen?.setAttribute("aria-pressed", "false");
      chosen = chosen === line ? null : line;
      chosen?.setAttribute("aria-pressed", "true");
      events.chosen(chosen === null ? null : finding);
    });
    list.append(item(line));
    // New data leave the focus where it is, for users of the keyboard.
    if (line.dataset.key === focused) line.focus();
  }
}

/** The same for a finding of the next data, whose figures may be others. */
export function keyOf({ layer, regions }: PageFinding): string {
  return JSON.stringify([layer, regions]);
}

function item(content: HTMLElement): HTMLElement {
  const made = element("li");
  made.append(content);
  return made;
}

/** The matrix for screen readers; of a larger mesh the findings say more. */
export function showTable(data: PageData, matrix: PageMatrix, scale: Scale): void {
  const table = byId("table");
  table.replaceChildren();
  if (matrix.size > MAX_TABLE_NODES) return;
  const caption = element("caption", `${METRIC_TITLES[scale.metric]}, from row to column`);
  const head = tableRow("th", ["", ...data.nodes.map(({ name }) => name)]);
  const rows = data.nodes.map(({ name }, from) =>
    tableRow("td", [name, ...data.nodes.map((_, to) => cellText(matrix, scale, from, to))])
  );
  table.append(caption, head, ...rows);
}

/** Below the chosen pair's figures: its last day, or why it is not to be had. */
export function drawHistory(windows: readonly PageWindow[] | null, trouble: string): void {
  const panel = byId("details");
  panel.querySelector(".history")?.remove();
  const box = element("div", trouble, "history");
  if (windows !== null) box.append(...barsOf(windows, "the last day"));
  panel.append(box);
}

/** The last day of all pairs from the node whose page it is. */
export function showDay({ day }: PageData): void {
  const box = byId("day");
  box.hidden = day === null || day.windows.length === 0;
  box.replaceChildren(
    ...(day === null ? [] : barsOf(day.windows, `the last day as ${day.node} saw it`)),
  );
}

/** Pixels of the width of a bar, as in the style sheet. */
const MAX_BAR = 12;

/**
 * One bar for each five minutes, as high as its mean RTT. It has another colour where not all
 * handshakes were established, and is red where none was.
 */
function barsOf(windows: readonly PageWindow[], title: string): HTMLElement[] {
  const most = Math.max(...windows.map(({ mean_ms }) => mean_ms ?? 0), Number.MIN_VALUE);
  const bars = element("div", "", "bars");
  for (const { time, mean_ms, sent, established } of windows) {
    const bar = element("i", "", established === 0 ? "down" : established < sent ? "lossy" : "");
    bar.style.height = `${mean_ms === null ? 100 : Math.max(4, 100 * mean_ms / most)}%`;
    const mean = mean_ms === null ? MARK_TEXTS.silent : `${mean_ms} ms`;
    bar.title = `${time}: ${mean}, ${established} of ${sent} established`;
    bars.append(bar);
  }
  const lost = windows.reduce((sum, { sent, established }) => sum + sent - established, 0);
  const text = `${title}: ${counted(windows.length, "window")} of five minutes, up to ${
    valueText("p50", most * 1000)
  }, ${counted(lost, "handshake")} not established`;
  const ends = element("p", "", "ends");
  // As wide as the bars, which are few on a young node.
  ends.style.maxWidth = `${MAX_BAR * windows.length}px`;
  const times = windows.filter((_, i) => i === 0 || i === windows.length - 1);
  // As the time above, in UTC.
  ends.append(
    ...times.map(({ time }) => element("span", `${time.slice(5, 16).replace("T", " ")}Z`)),
  );
  return [bars, ends, element("p", text, "hint")];
}
