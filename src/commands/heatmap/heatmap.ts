/** `heatmap`: draws the rows of a mesh as a matrix, in the terminal or in a file, and names what stands out. */
import { EXIT, type ExitCode, UsageError } from "../../domain/exit.ts";
import {
  coverageText,
  dayText,
  findingsText,
  terminalMatrix,
} from "../../format/heatmap/terminal.ts";
import { heatmapJson } from "../../format/heatmap/json.ts";
import { heatmapPage, MAX_PAGE_NODES, type PageOptions } from "../../format/heatmap/page.ts";
import { heatmapSvg } from "../../format/heatmap/svg.ts";
import { choosePaint } from "../../format/paint.ts";
import { revoke } from "../../kernel/process.ts";
import { coverage, type Matrix, rowTrouble, settledNodes, unprobed } from "../../domain/matrix.ts";
import type { Metric } from "../../format/heatmap/metric.ts";
import type { Finding } from "../../domain/finding.ts";
import { isAlarm, triageSteps } from "../../mesh/triage/triage.ts";
import { Failures } from "../../run/failures.ts";
import { outbox, say } from "../../run/outbox.ts";
import { stdoutColumns, stdoutWantsColour } from "../../sink/stdio.ts";
import { isSameFile, writeOutputFile } from "../../sink/output_file.ts";
import { systemClock } from "../../time/clock.ts";
import { quote } from "../../text/quote.ts";
import { listText, wrap } from "../../text/words.ts";
import { OwnScreen } from "../../sink/own_screen.ts";
import { inSlices } from "../../time/slices.ts";
import { openGate } from "../../run/gate.ts";
import { LiveHeatmap } from "./live_heatmap.ts";
import { MatrixSource, type SourceOptions } from "./source.ts";

/** What `heatmap` is asked to do, checked and typed. */
export interface HeatmapOptions extends SourceOptions {
  readonly metric: Metric;
  readonly html: string | null;
  readonly svg: string | null;
  readonly json: boolean;
  readonly triage: boolean;
  /** How often to gather again; null for once. */
  readonly watchMs: number | null;
  readonly noColor: boolean;
}

/** The matrix as gathered, and its findings. */
interface Picture {
  readonly matrix: Matrix;
  /** Null where nobody asked. */
  readonly findings: readonly Finding[] | null;
  /** Findings for a page, which always has them: its reader cannot ask for them later. Null without a page. */
  readonly page: readonly Finding[] | null;
  readonly time: string;
}

/** Draws once, or repeatedly until a signal. The code is 1 when a row is missing or triage has an alarm. */
export async function heatmap(options: HeatmapOptions): Promise<ExitCode> {
  const screen = screenFor(options);
  // It may need FFI.
  if (options.rowFiles.length === 0) openGate();
  revoke("env", "ffi", "sys");
  const { html, svg } = options;
  if (html === null && svg === null) revoke("write");
  if (html !== null && svg !== null && await isSameFile(html, svg)) {
    throw new UsageError(`--html and --svg: both would write ${quote(html)}`);
  }
  if (options.rowFiles.length > 0) revoke("net");
  const { watchMs } = options;
  if (watchMs === null) {
    const source = new MatrixSource(options, say);
    const picture = await gather(source, options, new AbortController().signal);
    await show(picture, options);
    return verdict(picture);
  }
  return verdict(
    screen === null
      ? await watch(options, watchMs, (picture) => show(picture, options))
      : await watchOn(screen, options, watchMs),
  );
}

/** The screen of a watched matrix. Null without a terminal: then matrices are printed one after another. */
function screenFor({ watchMs, json, html, svg }: HeatmapOptions): OwnScreen | null {
  if (watchMs === null || json || html !== null || svg !== null) return null;
  const screen = OwnScreen.open(outbox);
  return screen instanceof OwnScreen ? screen : null;
}

/** Redraws on the terminal until the user has seen enough, and leaves the last picture there. */
async function watchOn(
  screen: OwnScreen,
  options: HeatmapOptions,
  watchMs: number,
): Promise<Picture> {
  let last: Picture | null = null;
  const quit = Promise.withResolvers<void>();
  const content = new LiveHeatmap({
    clock: systemClock,
    metric: options.metric,
    keys: screen.keys,
    text: (metric, columns) => last === null ? null : textOf(last, options, metric, columns),
    notice: (nowMs) => screen.notice(nowMs),
  });
  screen.start(content, { onQuit: quit.resolve, onBroken: () => quit.resolve() });
  try {
    return await watch(options, watchMs, (picture) => {
      last = picture;
      screen.redraw();
      return Promise.resolve();
    }, quit.promise);
  } finally {
    await screen.stop();
    if (last !== null) await outbox.within(show(last, options));
    screen.rethrow();
  }
}

/** Gathers repeatedly until a signal, or until `quit` resolves. Returns the last picture. */
async function watch(
  options: HeatmapOptions,
  watchMs: number,
  shown: (picture: Picture) => Promise<void> | void,
  quit: Promise<void> | null = null,
): Promise<Picture> {
  const stopped = new AbortController();
  const end = () => stopped.abort();
  outbox.onEnd(end);
  /** The picture before is still being printed: a reader that has stopped gets no further ones. */
  let printing = false;
  const failures: unknown[] = [];
  void quit?.then(end);
  const source = new MatrixSource(options, say);
  let last: Picture | null = null;
  for (;;) {
    const startMs = systemClock.now();
    const picture = await gather(source, options, stopped.signal);
    // A gathering that was broken off says less than the one before it.
    if (last !== null && stopped.signal.aborted) return last;
    last = picture;
    if (!printing) {
      printing = true;
      Promise.resolve(shown(picture)).catch((error) => {
        failures.push(error);
        end();
      }).finally(() => printing = false);
    }
    await pauseUntil(startMs + watchMs, stopped.signal);
    if (failures.length > 0) throw failures[0];
    if (stopped.signal.aborted) return picture;
  }
}

/** Waits until a moment of the monotonic clock, or until the signal is aborted. */
function pauseUntil(atMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const cancel = systemClock.wakeAt(atMs, resolve);
    signal.addEventListener("abort", () => {
      cancel();
      resolve();
    }, { once: true });
  });
}

/**
 * A mesh that was not measured in full is not well: rows missing, too old, or without any probe. Says
 * what failed.
 */
function verdict({ matrix, findings }: Picture): ExitCode {
  const failures = new Failures();
  const settled = settledNodes(matrix);
  for (const [node, { name }] of matrix.nodes.entries()) {
    const reasons = [rowReason(matrix, node), probeReason(matrix, node, settled)];
    failures.note(name, reasons.filter((reason) => reason !== null));
  }
  for (const { layer, text } of (findings ?? []).filter(isAlarm)) failures.note(layer, [text]);
  for (const line of failures.lines("failures")) outbox.line(line);
  return failures.count === 0 ? EXIT.ok : EXIT.failed;
}

/** Why a node's row fails the run; null where it does not. */
function rowReason(matrix: Matrix, node: number): string | null {
  const trouble = rowTrouble(matrix, node);
  const state = matrix.row(node);
  switch (trouble) {
    case null:
      return null;
    case "missing":
      return `no row: ${state.kind === "missing" ? state.reason : trouble}`;
    case "stale":
      return "its row is too old";
    case "idle":
      return "its row holds no probe";
    default:
      return trouble satisfies never;
  }
}

/** The nodes that a node should have probed and did not, as a reason; null for none. */
function probeReason(matrix: Matrix, node: number, settled: readonly boolean[]): string | null {
  const names = unprobed(matrix, node, settled).map((other) => matrix.nodes[other].name);
  return names.length === 0 ? null : `it has not probed ${listText(names)}`;
}

async function gather(
  source: MatrixSource,
  options: HeatmapOptions,
  signal: AbortSignal,
): Promise<Picture> {
  const matrix = await source.matrix(signal);
  const time = new Date(systemClock.wall()).toISOString().replace(/\.[0-9]+Z$/, "Z");
  const wanted = options.triage || options.html !== null;
  const found = wanted ? await inSlices(triageSteps(matrix), systemClock) : null;
  return {
    matrix,
    findings: options.triage ? found : null,
    page: options.html !== null ? found : null,
    time,
  };
}

async function show(picture: Picture, options: HeatmapOptions): Promise<void> {
  const { matrix, page, findings } = picture;
  const { html, svg, metric, watchMs } = options;
  if (html !== null && page !== null) {
    const again = watchMs === null ? {} : { everyMs: watchMs };
    await writePage(html, matrix, { metric, findings: page, time: picture.time, ...again });
  }
  if (svg !== null) await writeOutputFile(svg, heatmapSvg(matrix, metric, findings));
  if (html !== null || svg !== null) {
    const files = [html, svg].filter((file) => file !== null);
    say(`${files.join(" and ")}: ${coverageText(coverage(matrix))}`);
  }
  if (options.json) return await outbox.print(heatmapJson(matrix, findings, picture.time));
  await outbox.print(textOf(picture, options, metric, stdoutColumns()));
}

async function writePage(path: string, matrix: Matrix, content: PageOptions): Promise<void> {
  if (matrix.size > MAX_PAGE_NODES) {
    throw new UsageError(`--html: a page has at most ${MAX_PAGE_NODES} nodes, not ${matrix.size}`);
  }
  await writeOutputFile(path, await heatmapPage(matrix, content));
}

/** The text for stdout. Where the matrix goes to a file, only the findings are printed. */
function textOf(
  { matrix, findings, time }: Picture,
  options: HeatmapOptions,
  metric: Metric,
  columns: number,
): string {
  const colour = stdoutWantsColour() && !options.noColor;
  const of = coverage(matrix);
  const parts: string[] = [];
  if (options.watchMs !== null) parts.push(`--- ${time} ---\n`);
  if (options.html === null && options.svg === null) {
    parts.push(terminalMatrix(matrix, metric, { columns, colour }));
    if (findings === null) parts.push(`${coverageText(of)}\n`);
  }
  const day = dayText(matrix);
  if (day !== null) parts.push(`${wrap(day.split(" "), columns).join("\n")}\n`);
  if (findings !== null) {
    const paint = choosePaint(stdoutWantsColour(), options.noColor);
    parts.push(findingsText(findings, of, paint, columns));
  }
  return parts.join("");
}
