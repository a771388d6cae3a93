/** `heatmap`: draws the rows of a mesh as a matrix, in the terminal or in a file, and names what stands out. */
import { EXIT, type ExitCode, UsageError } from "../../domain/exit.ts";
import { coverageText, findingsText, terminalMatrix } from "../../format/heatmap/terminal.ts";
import { heatmapJson } from "../../format/heatmap/json.ts";
import { heatmapPage, MAX_PAGE_NODES, type PageOptions } from "../../format/heatmap/page.ts";
import { heatmapSvg } from "../../format/heatmap/svg.ts";
import { choosePaint } from "../../format/paint.ts";
import { revoke } from "../../kernel/process.ts";
import { coverage, type Matrix } from "../../domain/matrix.ts";
import type { Metric } from "../../format/heatmap/metric.ts";
import type { Finding } from "../../domain/finding.ts";
import { isAlarm, triage } from "../../mesh/triage/triage.ts";
import { readInputFile } from "../../input/file.ts";
import { loadNodes } from "../../input/nodes_file.ts";
import { fetchRow } from "../../mesh/row_fetch.ts";
import { outbox, say } from "../../run/outbox.ts";
import { stdoutColumns, stdoutWantsColour } from "../../sink/stdio.ts";
import { isSameFile, writeOutputFile } from "../../sink/output_file.ts";
import { systemClock } from "../../time/clock.ts";
import { quote } from "../../text/quote.ts";
import { OwnScreen } from "../../sink/own_screen.ts";
import { emptyMatrix, gatherRows, nodeOf, nodesOf, putRows, rowsOf } from "../../mesh/gather.ts";
import { LiveHeatmap } from "./live_heatmap.ts";

/** What `heatmap` is asked to do, checked and typed. */
export interface HeatmapOptions {
  /** The file of the mesh's nodes. They are asked for their rows unless `rowFiles` has them. Null for none. */
  readonly nodesFile: string | null;
  /** Files of rows; empty when the nodes are asked. */
  readonly rowFiles: readonly string[];
  /** Port of the rows of nodes whose line names none. */
  readonly httpPort: number;
  /** How long to wait for each node's answer. */
  readonly timeoutMs: number;
  readonly metric: Metric;
  /** The label by whose values nodes are grouped. */
  readonly groupBy: string;
  readonly html: string | null;
  readonly svg: string | null;
  readonly json: boolean;
  readonly triage: boolean;
  /** How often to gather again; null for once. */
  readonly watchMs: number | null;
  readonly noColor: boolean;
}

/** A larger file of rows is a mistake. */
const MAX_FILE_BYTES = 256 * 1024 * 1024;

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
  revoke("env", "ffi", "sys");
  const { html, svg } = options;
  if (html === null && svg === null) revoke("write");
  if (html !== null && svg !== null && await isSameFile(html, svg)) {
    throw new UsageError(`--html and --svg: both would write ${quote(html)}`);
  }
  if (options.rowFiles.length > 0) revoke("net");
  const { watchMs } = options;
  if (watchMs === null) {
    const picture = await gather(options);
    await show(picture, options);
    return verdict(picture);
  }
  return screen === null
    ? await watch(options, watchMs, (picture) => show(picture, options))
    : await watchOn(screen, options, watchMs);
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
): Promise<ExitCode> {
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

/** Gathers repeatedly until a signal, or until `quit` resolves. Returns the verdict of the last matrix. */
async function watch(
  options: HeatmapOptions,
  watchMs: number,
  shown: (picture: Picture) => Promise<void> | void,
  quit: Promise<void> | null = null,
): Promise<ExitCode> {
  let running = true;
  let stop = () => {};
  const end = () => {
    running = false;
    stop();
  };
  outbox.onEnd(end);
  /** The picture before is still being printed: a reader that has stopped gets no further ones. */
  let printing = false;
  const failures: unknown[] = [];
  void quit?.then(end);
  for (;;) {
    const startMs = systemClock.now();
    const picture = await gather(options);
    if (!printing) {
      printing = true;
      Promise.resolve(shown(picture)).catch((error) => {
        failures.push(error);
        end();
      }).finally(() => printing = false);
    }
    if (running) {
      await new Promise<void>((resolve) => {
        const cancel = systemClock.wakeAt(startMs + watchMs, resolve);
        stop = () => {
          cancel();
          resolve();
        };
      });
    }
    if (failures.length > 0) throw failures[0];
    if (!running) return verdict(picture);
  }
}

/** A mesh that was not measured in full is not well: rows missing, too old, or without any probe. */
function verdict({ matrix, findings }: Picture): ExitCode {
  const { missing, stale, idle } = coverage(matrix);
  return missing + stale + idle === 0 && !(findings ?? []).some(isAlarm) ? EXIT.ok : EXIT.failed;
}

async function gather(options: HeatmapOptions): Promise<Picture> {
  const matrix = await gatherMatrix(options);
  const time = new Date(systemClock.wall()).toISOString().replace(/\.[0-9]+Z$/, "Z");
  const found = options.triage || options.html !== null ? triage(matrix) : null;
  return {
    matrix,
    findings: options.triage ? found : null,
    page: options.html !== null ? found : null,
    time,
  };
}

async function gatherMatrix(options: HeatmapOptions): Promise<Matrix> {
  const { nodesFile, rowFiles, groupBy, timeoutMs, httpPort } = options;
  const entries = nodesFile === null ? null : await loadNodes(nodesFile, httpPort);
  if (rowFiles.length === 0) {
    const matrix = emptyMatrix((entries ?? []).map(nodeOf), groupBy);
    await gatherRows(entries ?? [], fetchRow, timeoutMs, ({ target }, { row, reason }) => {
      if (row === null) matrix.miss(matrix.indexOf(target.name), reason);
      else matrix.put(row, row.ageMs);
    });
    return matrix;
  }
  const texts: [string, string][] = [];
  for (const path of rowFiles) texts.push([path, await readInputFile(path, MAX_FILE_BYTES)]);
  const rows = rowsOf(texts);
  const matrix = emptyMatrix(entries?.map(nodeOf) ?? nodesOf(rows), groupBy);
  putRows(matrix, rows, systemClock.wall());
  return matrix;
}

async function show(picture: Picture, options: HeatmapOptions): Promise<void> {
  const { matrix, page, findings } = picture;
  const { html, svg, metric } = options;
  if (html !== null && page !== null) {
    await writePage(html, matrix, { metric, findings: page, time: picture.time });
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
  await writeOutputFile(path, heatmapPage(matrix, content));
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
  if (findings !== null) {
    const paint = choosePaint(stdoutWantsColour(), options.noColor);
    parts.push(findingsText(findings, of, paint, columns));
  }
  return parts.join("");
}
