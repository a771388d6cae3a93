/** `compare`: a target by TCP handshake, ICMP echo and knock, interleaved, and what they tell about one another. */
import type { Comparison, Extra } from "../../domain/comparison.ts";
import { type ExitCode, SystemError } from "../../domain/exit.ts";
import { messageOf } from "../../text/quote.ts";
import { comparisonJson } from "../../format/compare_json.ts";
import { comparisonText } from "../../format/compare_text.ts";
import { choosePaint } from "../../format/paint.ts";
import { textIntroduction } from "../../format/text.ts";
import { giveUpRawSockets, onSignal, revoke } from "../../kernel/process.ts";
import { TcpSockets } from "../../kernel/tcp_info.ts";
import { DEFAULT_ECHO_BYTES } from "../../net/echo_exchange.ts";
import { openKnockProber } from "../../net/knock_prober.ts";
import { openPingProber } from "../../net/ping_prober.ts";
import type { Prober } from "../../net/prober.ts";
import type { Family } from "../../net/resolver.ts";
import { TcpProber } from "../../net/tcp_prober.ts";
import { openGate } from "../../run/gate.ts";
import { outbox, say } from "../../run/outbox.ts";
import { stdoutWantsColour } from "../../sink/stdio.ts";
import { durationText } from "../../text/duration.ts";
import { systemClock } from "../../time/clock.ts";
import { connectorFor } from "../../net/open_connector.ts";
import { Progress } from "../../run/progress.ts";
import { sumUp } from "../../run/run_summary.ts";
import { NO_THRESHOLDS, verdict } from "../../run/verdict.ts";
import { type Diagnostics, Interleaved } from "./interleaved.ts";
import type { Endpoint, Target } from "../../domain/target.ts";

/** What `compare` is asked to do, checked and typed. */
export interface CompareOptions {
  readonly targets: readonly Target[];
  /** Number of slots; each slot has one turn of every diagnostic. */
  readonly count: number;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Handshakes in a row in each slot, the first of them cold. */
  readonly burst: number;
  readonly family: Family;
  /** The address to send from, or null for the kernel's choice. */
  readonly source: Endpoint | null;
  readonly output: "text" | "json";
  readonly noColor: boolean;
}

/** Runs until every slot was probed by every diagnostic, or until a signal; the result is the exit code. */
export async function compare(options: CompareOptions): Promise<ExitCode> {
  const gate = openGate();
  const { diagnostics, leftOut } = openDiagnostics(options);
  giveUpRawSockets();
  revoke("env", "ffi", "sys", "read", "write");
  const { count, burst } = options;
  const progress = Progress.open({
    schedule: { ...options, count: count * burst, durationMs: null },
    quiet: true,
    output: options.output,
  });
  const run = new Interleaved(options, {
    clock: systemClock,
    resolver: gate.resolver,
    diagnostics,
    onHandshake: (record) => progress?.record(record),
    onNotice: say,
  });
  const report = () => print(run.results().map((result) => ({ ...result, leftOut })), options);
  await run.prepare(options.targets);
  if (run.resolved) {
    for (const reason of Object.values(leftOut)) say(`left out: ${reason}`);
    if (options.output === "text") say(introduction(options, diagnostics));
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
  const stats = run.entries.map((entry) => entry.stats);
  const summary = sumUp(stats, 0, { thresholds: NO_THRESHOLDS, histogram: false });
  const { code, failures } = verdict(summary, NO_THRESHOLDS);
  for (const failure of failures) outbox.line(failure);
  return code;
}

interface Opened {
  readonly diagnostics: Diagnostics;
  /** Why the others could not be opened. */
  readonly leftOut: Partial<Record<Extra, string>>;
}

/** Opens the diagnostics. Handshakes are possible everywhere; the others are tried. */
function openDiagnostics({ timeoutMs, source }: CompareOptions): Opened {
  const sockets = TcpSockets.open();
  if (sockets === null) {
    say("this platform or its permissions offer no TCP_INFO: delays are the clock's");
  }
  const connector = connectorFor(
    { source, device: null, close: "fin", rate: 0, even: false },
    sockets,
  );
  const leftOut: Partial<Record<Extra, string>> = {};
  const tried = (name: Extra, open: () => Prober): Prober | null => {
    try {
      return open();
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      leftOut[name] = messageOf(error);
      return null;
    }
  };
  const options = { timeoutMs, source, clock: "auto" } as const;
  const echo = { ...options, payloadBytes: DEFAULT_ECHO_BYTES, ttl: null };
  const diagnostics = {
    handshake: new TcpProber(connector, systemClock, timeoutMs, options.clock),
    ping: tried("ping", () => openPingProber(echo, systemClock)),
    knock: tried("knock", () => openKnockProber(options, systemClock)),
  };
  return { diagnostics, leftOut };
}

function print(
  comparisons: readonly Comparison[],
  { output, noColor }: CompareOptions,
): Promise<void> {
  const paint = choosePaint(stdoutWantsColour(), noColor);
  const texts = comparisons.map((comparison) =>
    output === "json" ? comparisonJson(comparison) : comparisonText(comparison, paint)
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
