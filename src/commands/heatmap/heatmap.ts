/** `heatmap`: the rows of a mesh as a matrix, in the terminal or in a file, and what stands out in it. */
import { EXIT, type ExitCode, UsageError } from "../../domain/exit.ts";
import { findingsText } from "../../format/heatmap/findings.ts";
import { heatmapJson } from "../../format/heatmap/json.ts";
import { heatmapPage, MAX_PAGE_NODES } from "../../format/heatmap/page.ts";
import { heatmapSvg } from "../../format/heatmap/svg.ts";
import { coverageText, terminalMatrix } from "../../format/heatmap/terminal.ts";
import { choosePaint } from "../../format/paint.ts";
import { revoke } from "../../kernel/permissions.ts";
import { onSignal } from "../../kernel/signals.ts";
import { coverage, type Matrix } from "../../mesh/matrix.ts";
import type { Finding } from "../../mesh/triage/finding.ts";
import { isAlarm, triage } from "../../mesh/triage/triage.ts";
import { loadNodes } from "../../net/nodes_file.ts";
import { fetchRow } from "../../net/row_fetch.ts";
import { stdoutColumns } from "../../sink/columns.ts";
import { printText, say, stdoutWantsColour } from "../../sink/stdio.ts";
import { readTextFile, writeTextFile } from "../../sink/text_file.ts";
import { systemClock } from "../../time/system_clock.ts";
import { emptyMatrix, gatherRows, nodeOf, nodesOf, putRows, rowsOf } from "./gather.ts";
import type { HeatmapOptions } from "./options.ts";

/** A larger file of rows is a mistake. */
const MAX_FILE_BYTES = 256 * 1024 * 1024;

/** Draws once, or again and again until a signal; 1 when a row is missing or triage has an alarm. */
export async function heatmap(options: HeatmapOptions): Promise<ExitCode> {
  revoke("env", "ffi", "sys");
  if (options.html === null && options.svg === null) revoke("write");
  if (options.rowFiles.length > 0) revoke("net");
  let stop = () => {};
  let running = true;
  const end = () => {
    running = false;
    stop();
  };
  if (options.watchMs !== null) {
    onSignal("SIGINT", end);
    onSignal("SIGTERM", end);
  }
  for (;;) {
    const startMs = systemClock.now();
    const matrix = await gather(options);
    const code = show(matrix, options);
    if (options.watchMs === null || !running) return code;
    const nextMs = startMs + options.watchMs;
    await new Promise<void>((resolve) => {
      const cancel = systemClock.wakeAt(nextMs, resolve);
      stop = () => {
        cancel();
        resolve();
      };
    });
    if (!running) return code;
  }
}

async function gather(options: HeatmapOptions): Promise<Matrix> {
  const { nodesFile, rowFiles, groupBy, timeoutMs, httpPort } = options;
  const entries = nodesFile === null ? null : loadNodes(nodesFile, httpPort);
  if (rowFiles.length === 0) {
    const matrix = emptyMatrix((entries ?? []).map(nodeOf), groupBy);
    await gatherRows(entries ?? [], fetchRow, timeoutMs, ({ target }, { row, reason }) => {
      if (row === null) matrix.miss(matrix.indexOf(target.name), reason);
      else matrix.put(row, row.ageMs);
    });
    return matrix;
  }
  const rows = rowsOf(rowFiles.map((path) => [path, readTextFile(path, MAX_FILE_BYTES)]));
  const matrix = emptyMatrix(entries?.map(nodeOf) ?? nodesOf(rows), groupBy);
  putRows(matrix, rows, systemClock.wall());
  return matrix;
}

function show(matrix: Matrix, options: HeatmapOptions): ExitCode {
  const time = new Date(systemClock.wall()).toISOString().replace(/\.[0-9]+Z$/, "Z");
  // The page always has it: whoever looks there cannot ask for it any more.
  const found = options.triage || options.html !== null ? triage(matrix) : [];
  const findings = options.triage ? found : null;
  if (options.html !== null) writePage(options.html, matrix, options, found, time);
  if (options.svg !== null) {
    writeTextFile(options.svg, heatmapSvg(matrix, options.metric, findings));
  }
  printText(textOf(matrix, options, findings, time));
  const complete = coverage(matrix).missing === 0;
  return complete && !(findings ?? []).some(isAlarm) ? EXIT.ok : EXIT.failed;
}

function writePage(
  path: string,
  matrix: Matrix,
  { metric }: HeatmapOptions,
  findings: readonly Finding[],
  time: string,
): void {
  if (matrix.size > MAX_PAGE_NODES) {
    throw new UsageError(`--html: a page has at most ${MAX_PAGE_NODES} nodes, not ${matrix.size}`);
  }
  writeTextFile(path, heatmapPage(matrix, { metric, findings, time }));
}

/** What goes to stdout; a file in its place leaves only a word about what was gathered. */
function textOf(
  matrix: Matrix,
  options: HeatmapOptions,
  findings: readonly Finding[] | null,
  time: string,
): string {
  if (options.json) return heatmapJson(matrix, findings, time);
  const colour = stdoutWantsColour() && !options.noColor;
  const columns = stdoutColumns();
  const of = coverage(matrix);
  const parts: string[] = [];
  if (options.watchMs !== null) parts.push(`--- ${time} ---\n`);
  if (options.html !== null || options.svg !== null) {
    const files = [options.html, options.svg].filter((file) => file !== null);
    say(`${files.join(" and ")}: ${coverageText(of)}`);
  } else {
    parts.push(terminalMatrix(matrix, options.metric, { columns, colour }));
    if (findings === null) parts.push(`${coverageText(of)}\n`);
  }
  if (findings !== null) {
    const paint = choosePaint(stdoutWantsColour(), options.noColor);
    parts.push(findingsText(findings, of, paint, columns));
  }
  return parts.join("");
}
