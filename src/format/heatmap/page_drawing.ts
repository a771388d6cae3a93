/** The page's script, first part: data, layout and drawing. Plain JavaScript, as browsers run it. */

export const PAGE_DRAWING = String.raw`
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const size = data.nodes.length;
const byId = (id) => document.getElementById(id);
const stage = byId("stage"), base = byId("base"), overlay = byId("overlay");
const state = { metric: data.metric, from: -1, to: -1, finding: -1, pinned: -1 };
let layout = null;

/* The figure of a pair, null for none. */
const figure = (name, from, to) => {
  const all = data.figures[name];
  return all === null ? null : all[from * size + to];
};
const share = (part, whole) => part === null || !whole ? null : part / whole;
const value = (metric, from, to) => {
  switch (metric) {
    case "p50": return figure("rttP50", from, to);
    case "p99": return figure("rttP99", from, to);
    case "cold": return figure("coldP50", from, to);
    case "loss": return share(figure("lost", from, to), figure("sent", from, to));
    default: return share(figure("retransmits", from, to), figure("sent", from, to));
  }
};
const isShare = (metric) => metric === "loss" || metric === "retransmits";
const silent = (from, to) => figure("sent", from, to) > 0 && figure("answered", from, to) === 0;

const timeText = (us) => us >= 999500
  ? (us / 1e6).toFixed(us < 9950000 ? 1 : 0) + " s"
  : (us / 1000).toFixed(us < 999.5 ? 3 : us < 9995 ? 2 : us < 99950 ? 1 : 0) + " ms";
const shareText = (of) => of === 0 ? "0 %" : of < 0.001 ? "<0.1 %"
  : (of * 100).toFixed(of < 0.0995 ? 1 : 0) + " %";
const valueText = (metric, of) => of === null ? "–" : isShare(metric) ? shareText(of) : timeText(of);

const scaleOf = (metric) => data.metrics.find((one) => one.name === metric);
/* As in the command's own scale: logarithmic; a share above nothing starts at a quarter. */
const position = (metric, of, scale = scaleOf(metric)) => {
  const at = Math.log(Math.max(of, 1e-9) / scale.low) / Math.log(scale.high / scale.low);
  const within = Math.min(1, Math.max(0, at));
  return isShare(metric) ? 0.25 + 0.75 * within : within;
};
const isDark = () => {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
};
const shades = () => data.ramps[isDark() ? "dark" : "light"];
const variable = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const colourOf = (metric, of, { ramp, nothing } = shades()) => {
  return isShare(metric) && of === 0 ? nothing : ramp[Math.round(position(metric, of) * (ramp.length - 1))];
};
const inkOn = (colour) => {
  const linear = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] > 0.179 ? "#000000" : "#ffffff";
};

const FONT = '11px system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif';
const BOLD = "600 " + FONT;
const cutText = (context, text, room) => {
  if (context.measureText(text).width <= room) return text;
  const letters = [...text];
  while (letters.length > 1 && context.measureText(letters.join("") + "…").width > room) letters.pop();
  return letters.join("") + "…";
};

/* The largest cells that fit the width; from 11 pixels on, nodes have their names. */
const measure = () => {
  const context = base.getContext("2d");
  const room = byId("scroll").clientWidth - 24;
  const gap = data.groups.length > 40 ? 1 : 4;
  const gaps = (data.groups.length - 1) * gap;
  context.font = FONT;
  const longest = Math.min(150, Math.max(20, ...data.nodes.map((n) => context.measureText(n.name).width)));
  const names = Math.ceil(longest) + 12;
  context.font = BOLD;
  const groups = Math.ceil(Math.min(120, Math.max(20, ...data.groups.map((g) => context.measureText(g.name).width)))) + 12;
  const withNames = Math.floor((room - names - 18 - gaps) / size);
  const named = withNames >= 11;
  const cell = named ? Math.min(54, withNames) : Math.max(3, Math.floor((room - groups - gaps) / size));
  const left = named ? names + 18 : groups;
  const top = named ? names + 18 : 22;
  const at = [];
  let x = 0;
  for (const { from, to } of data.groups) {
    for (let node = from; node < to; node++, x += cell) at.push(x);
    x += gap;
  }
  const side = x - gap;
  return { cell, left, top, at, named, side, width: left + side + 2, height: top + side + 2 };
};

const prepare = (canvas) => {
  const ratio = devicePixelRatio || 1;
  canvas.width = Math.round(layout.width * ratio);
  canvas.height = Math.round(layout.height * ratio);
  canvas.style.width = layout.width + "px";
  canvas.style.height = layout.height + "px";
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
};

const hatch = (context) => {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 8;
  const pen = tile.getContext("2d");
  pen.strokeStyle = variable("--soft");
  pen.globalAlpha = 0.8;
  pen.lineWidth = 1;
  for (const shift of [-8, -4, 0, 4, 8]) {
    pen.beginPath();
    pen.moveTo(shift, 8);
    pen.lineTo(shift + 8, 0);
    pen.stroke();
  }
  return context.createPattern(tile, "repeat");
};

const drawLabels = (context) => {
  const { cell, left, top, at, named } = layout;
  context.fillStyle = variable("--soft");
  context.textBaseline = "middle";
  context.font = BOLD;
  for (const { name, from, to } of data.groups) {
    const begin = at[from], length = at[to - 1] + cell - begin, middle = begin + length / 2;
    context.textAlign = "center";
    const text = length < 14 ? "" : cutText(context, name, named ? length : Math.max(length, 24));
    context.fillText(text, left + middle, named ? 8 : top - 11);
    context.save();
    if (named) {
      context.translate(8, top + middle);
      context.rotate(-Math.PI / 2);
      context.fillText(text, 0, 0);
    } else {
      context.textAlign = "right";
      if (length >= 9) context.fillText(cutText(context, name, left - 10), left - 7, top + middle);
    }
    context.restore();
  }
  if (!named) return;
  context.font = FONT;
  data.nodes.forEach(({ name, off }, node) => {
    const middle = at[node] + cell / 2;
    const text = cutText(context, name, left - 28);
    context.fillStyle = variable(off ? "--critical" : "--ink");
    context.textAlign = "right";
    context.fillText(text, left - 6, top + middle);
    context.textAlign = "left";
    context.save();
    context.translate(left + middle, top - 6);
    context.rotate(-Math.PI / 2);
    context.fillText(text, 0, 0);
    context.restore();
  });
};

const cross = (context, x, y, side) => {
  const from = side * 0.32, to = side * 0.68;
  context.strokeStyle = variable("--card");
  context.lineWidth = Math.max(1, side / 16);
  context.beginPath();
  context.moveTo(x + from, y + from);
  context.lineTo(x + to, y + to);
  context.moveTo(x + to, y + from);
  context.lineTo(x + from, y + to);
  context.stroke();
};

/* Many small cells: a picture of a pixel a cell, enlarged block by block; then what has a pattern. */
const drawPixels = (context) => {
  const { cell, left, top, at } = layout;
  const { metric } = state;
  const palette = shades();
  const small = document.createElement("canvas");
  small.width = small.height = size;
  const pen = small.getContext("2d");
  const image = pen.createImageData(size, size);
  const words = new Uint32Array(image.data.buffer);
  const wordOf = (colour) => {
    const [r, g, b] = [1, 3, 5].map((from) => parseInt(colour.slice(from, from + 2), 16));
    return (0xff000000 | b << 16 | g << 8 | r) >>> 0;
  };
  const ramp = palette.ramp.map(wordOf), nothing = wordOf(palette.nothing);
  const self = wordOf(variable("--self")), dead = wordOf(variable("--silent"));
  const scale = scaleOf(metric), missing = [];
  for (let from = 0; from < size; from++) {
    for (let to = 0; to < size; to++) {
      const of = from === to ? null : value(metric, from, to);
      const i = from * size + to;
      if (from === to) words[i] = self;
      else if (of === null) {
        if (silent(from, to)) words[i] = dead;
        else missing.push(i);
      } else if (of === 0 && isShare(metric)) words[i] = nothing;
      else words[i] = ramp[Math.round(position(metric, of, scale) * (ramp.length - 1))];
    }
  }
  pen.putImageData(image, 0, 0);
  context.imageSmoothingEnabled = false;
  for (const row of data.groups) {
    for (const column of data.groups) {
      const [width, height] = [column.to - column.from, row.to - row.from];
      context.drawImage(small, column.from, row.from, width, height,
        left + at[column.from], top + at[row.from], width * cell, height * cell);
    }
  }
  context.fillStyle = hatch(context);
  for (const i of missing) {
    const from = Math.floor(i / size);
    context.fillRect(left + at[i - from * size], top + at[from], cell, cell);
  }
};

const drawCells = (context) => {
  if (layout.cell <= 5) return drawPixels(context);
  const { cell, left, top, at } = layout;
  const { metric } = state;
  const pattern = hatch(context);
  const self = variable("--self"), dead = variable("--silent"), palette = shades();
  const inner = cell - 1;
  context.font = FONT;
  context.textAlign = "center";
  for (let from = 0; from < size; from++) {
    for (let to = 0; to < size; to++) {
      const x = left + at[to], y = top + at[from];
      const of = from === to ? null : value(metric, from, to);
      const colour = of === null ? "" : colourOf(metric, of, palette);
      if (of !== null) context.fillStyle = colour;
      else context.fillStyle = from === to ? self : silent(from, to) ? dead : pattern;
      context.fillRect(x, y, inner, inner);
      if (of === null && from !== to && cell >= 10 && silent(from, to)) cross(context, x, y, inner);
      if (of === null || cell < 38) continue;
      context.fillStyle = inkOn(colour);
      context.fillText(valueText(metric, of).replace(" ms", ""), x + inner / 2, y + inner / 2, inner - 2);
    }
  }
};

const drawBase = () => {
  layout = measure();
  stage.style.width = layout.width + "px";
  stage.style.height = layout.height + "px";
  const context = prepare(base);
  drawLabels(context);
  drawCells(context);
  drawOverlay();
  drawFrames();
};

const everyNode = Array.from({ length: size }, (_, node) => node);

/* Everything but a finding's cells is veiled. */
const drawOverlay = () => {
  const { cell, left, top, at, side } = layout;
  const context = prepare(overlay);
  const shown = state.finding >= 0 ? state.finding : state.pinned;
  if (shown < 0 || data.findings[shown].regions.length === 0) return;
  context.globalAlpha = 0.72;
  context.fillStyle = variable("--card");
  context.fillRect(left, top, side, side);
  context.globalAlpha = 1;
  for (const { from, to } of data.findings[shown].regions) {
    for (const i of from ?? everyNode) {
      for (const j of to ?? everyNode) context.clearRect(left + at[j], top + at[i], cell, cell);
    }
  }
};

const place = (id, x, y, width, height) => {
  Object.assign(byId(id).style, { left: x + "px", top: y + "px", width: width + "px", height: height + "px" });
};

/* Frames around the pair in question, its row and its column: elements, so that nothing is redrawn. */
const drawFrames = () => {
  const hidden = state.from < 0;
  for (const id of ["row-frame", "column-frame", "cell-frame"]) byId(id).hidden = hidden;
  if (hidden) return;
  const { cell, left, top, at, side } = layout;
  const inner = cell > 5 ? cell - 1 : cell;
  const x = left + at[state.to], y = top + at[state.from];
  place("row-frame", left - 1, y - 1, side + 2, inner + 2);
  place("column-frame", x - 1, top - 1, inner + 2, side + 2);
  place("cell-frame", x - 2, y - 2, inner + 4, inner + 4);
};
`;
