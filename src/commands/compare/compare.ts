/** `compare`: a target by TCP handshake, ICMP echo and knock, interleaved, and what they tell about one another. */
import type { Comparison } from "../../domain/comparison.ts";
import type { ExitCode } from "../../domain/exit.ts";
import { comparisonJson } from "../../format/compare_json.ts";
import { comparisonText } from "../../format/compare_text.ts";
import { choosePaint } from "../../format/paint.ts";
import { textIntroduction } from "../../format/naming.ts";
import { onSignal, revoke } from "../../kernel/process.ts";
import { giveUpRawSockets } from "../../kernel/raw_right.ts";
import { openGate } from "../../run/gate.ts";
import { outbox, say } from "../../run/outbox.ts";
import { Progress } from "../../run/progress.ts";
import { sumUp } from "../../run/run_summary.ts";
import { NO_THRESHOLDS, verdict } from "../../run/verdict.ts";
import { stdoutWantsColour, summaryColumns } from "../../sink/stdio.ts";
import { durationText } from "../../text/duration.ts";
import { Comparing, type ComparingOptions } from "./comparing.ts";
import type { Diagnostics } from "./interleaved.ts";

/** What `compare` is asked to do, checked and typed. */
export interface CompareOptions extends ComparingOptions {
  readonly output: "text" | "json";
  readonly noColor: boolean;
}

/** Runs until every slot was probed by every diagnostic, or until a signal; the result is the exit code. */
export async function compare(options: CompareOptions): Promise<ExitCode> {
  const { count, burst, output } = options;
  const progress = Progress.open({
    schedule: { ...options, count: count * burst, durationMs: null },
    quiet: true,
    output,
  });
  const run = new Comparing(options, {
    resolver: openGate().resolver,
    onHandshake: (record) => progress?.record(record),
  });
  giveUpRawSockets(null);
  revoke("env", "ffi", "sys", "read", "write");
  const report = () => print(run.results(), options);
  if (await run.prepare()) {
    for (const reason of Object.values(run.leftOut)) say(`left out: ${reason}`);
    if (output === "text") say(introduction(options, run.diagnostics));
    outbox.onEnd(() => run.stop());
    onSignal("SIGHUP", () => run.stop());
    onSignal("SIGQUIT", () => {
      if (progress === null) report();
      else progress.aside(report);
    });
    progress?.start(run.entries);
    await run.run();
    if (progress !== null) await outbox.within(progress.stop());
  }
  await outbox.within(report());
  const { code, failures } = handshakeVerdict(run);
  for (const failure of failures) outbox.line(failure);
  return code;
}

/** The exit code by the handshakes, and a line for each target that failed. */
export function handshakeVerdict(run: Comparing): ReturnType<typeof verdict> {
  const stats = run.entries.map((entry) => entry.stats);
  const summary = sumUp(stats, 0, { thresholds: NO_THRESHOLDS, histogram: false });
  return verdict(summary, NO_THRESHOLDS);
}

function print(
  comparisons: readonly Comparison[],
  { output, noColor }: CompareOptions,
): Promise<void> {
  const paint = choosePaint(stdoutWantsColour(), noColor);
  const columns = summaryColumns();
  const texts = comparisons.map((comparison) =>
    output === "json" ? comparisonJson(comparison) : comparisonText(comparison, paint, columns)
  );
  return outbox.print(texts.join(""));
}

function introduction(
  { targets, count, intervalMs, timeoutMs }: CompareOptions,
  { ping, knock }: Diagnostics,
): string {
  const ways = [
    "handshake",
    ...(ping === null ? [] : ["ping"]),
    ...(knock === null ? [] : ["knock"]),
  ];
  const schedule = `${count} times every ${durationText(intervalMs)} by ${ways.join(", ")}, ` +
    `timeout ${durationText(timeoutMs)}`;
  return textIntroduction(targets, schedule, { doing: "comparing" });
}
