/** `selfcheck`: what this tool adds on this machine, and what it may do here. */
import { EXIT, type ExitCode } from "../../domain/exit.ts";
import { type HostPressure, RESOURCE_NAMES } from "../../domain/host_pressure.ts";
import { percent } from "../../text/number.ts";
import { wrap } from "../../text/words.ts";
import { outbox } from "../../run/outbox.ts";
import { summaryColumns } from "../../sink/stdio.ts";
import { revoke } from "../../kernel/process.ts";
import { type Finding, findings } from "./findings.ts";
import { type Figures, measure } from "./measure.ts";

/** Where what a finding says begins. */
const DETAIL_COLUMN = 24;

export interface SelfcheckOptions {
  readonly output: "text" | "json";
}

/** Takes about two seconds; touches nothing but loopback. */
export async function selfcheck(options: SelfcheckOptions): Promise<ExitCode> {
  revoke("env");
  const figures = await measure();
  const found = findings();
  await outbox.print(options.output === "json" ? json(figures, found) : text(figures, found));
  return EXIT.ok;
}

function json(figures: Figures, found: readonly Finding[]): string {
  return JSON.stringify({ schema: "wire-probe.selfcheck.v1", ...figures, findings: found }) + "\n";
}

function text(figures: Figures, found: readonly Finding[]): string {
  const { handshakes, rtt_ms, connect_ms, timer_lag_ms, encoder, rss_mib, pressure } = figures;
  const pair = (of: { p50: number | null; p99: number | null }) =>
    of.p50 === null ? "not available" : `p50 ${of.p50} ms, p99 ${of.p99} ms`;
  const lines = [
    `what this tool adds here, over ${handshakes} loopback handshakes`,
    `  kernel RTT     ${pair(rtt_ms)}`,
    `  connect time   ${pair(connect_ms)}`,
    `  timer lag      ${pair(timer_lag_ms)}`,
    `  encoder        ${encoder.ns_per_line} ns and ${encoder.heap_bytes_per_line} heap bytes a line`,
    `  memory (RSS)   ${rss_mib} MiB`,
    `  host pressure  ${pressureText(pressure)}`,
    "",
    "what it may do here",
    ...found.flatMap(({ name, ok, detail, remedy }) => [
      `  ${ok ? "yes" : "no "}  ${name}`.padEnd(DETAIL_COLUMN) + folded(detail),
      ...(remedy === null ? [] : [`       to allow it: ${remedy}`]),
    ]),
  ];
  return lines.join("\n") + "\n";
}

/** A text behind a finding's name, in lines that fit. */
function folded(text: string): string {
  const lines = wrap(text.split(" "), summaryColumns() - DETAIL_COLUMN);
  return lines.join(`\n${"".padEnd(DETAIL_COLUMN)}`);
}

/** Shares of the time, of those that the kernel tells. */
function pressureText(pressure: HostPressure | null): string {
  const told = RESOURCE_NAMES.flatMap((name) => {
    const share = pressure?.[name] ?? null;
    return share === null ? [] : [`${name} ${percent(share)}`];
  });
  return told.length === 0 ? "not available" : told.join(", ");
}
