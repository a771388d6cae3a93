/** A target without a command: "is it the network?", answered in ten seconds. */
import { literalEndpoint } from "../../domain/address.ts";
import { EXIT, type ExitCode, SystemError } from "../../domain/exit.ts";
import type { TraceReport } from "../../domain/path.ts";
import { type Endpoint, hostPort, type Target } from "../../domain/target.ts";
import {
  type Answer,
  answerJson,
  answerText,
  unresolvedAnswer,
  unresolvedJson,
} from "../../format/answer_text.ts";
import { choosePaint } from "../../format/paint.ts";
import { ErrnoError } from "../../kernel/errno.ts";
import { revoke } from "../../kernel/process.ts";
import { giveUpRawSockets } from "../../kernel/raw_right.ts";
import type { Family } from "../../net/resolver.ts";
import { openGate } from "../../run/gate.ts";
import { outbox, say } from "../../run/outbox.ts";
import { stdoutWantsColour, summaryColumns } from "../../sink/stdio.ts";
import { durationText } from "../../text/duration.ts";
import { messageOf } from "../../text/quote.ts";
import { systemClock } from "../../time/clock.ts";
import { PeerTracer } from "../../trace/peer_tracer.ts";
import { handshakeVerdict } from "./compare.ts";
import { Comparing } from "./comparing.ts";

/** What is asked, checked and typed. */
export interface QuestionOptions {
  readonly target: Target;
  readonly family: Family;
  readonly output: "text" | "json";
  readonly noColor: boolean;
}

/** Slots, and how far they lie apart at most; less where the look-up of the name took long. */
const COUNT = 20;
const BURST = 2;
const INTERVAL_MS = 250;
const TIMEOUT_MS = 1500;
/** Everything under way is ended this long after the start: the answer comes within ten seconds. */
const DEADLINE_MS = 9000;

/** Looks, and answers; the exit code is that of `compare`. */
export async function question(options: QuestionOptions): Promise<ExitCode> {
  const { target, output, noColor } = options;
  const startMs = systemClock.now();
  const gate = openGate();
  const paint = choosePaint(stdoutWantsColour(), noColor);
  const endpoint = await resolve(options, (host, family) => gate.resolver.resolve(host, family));
  if (typeof endpoint === "string") {
    const text = output === "json"
      ? unresolvedJson(target, endpoint)
      : unresolvedAnswer(target, endpoint, paint, summaryColumns());
    await outbox.within(outbox.print(text));
    outbox.line(`FAIL ${target.name}: cannot resolve ${target.host}: ${endpoint}`);
    return EXIT.unresolved;
  }
  const leftMs = DEADLINE_MS - (systemClock.now() - startMs) - TIMEOUT_MS;
  const intervalMs = Math.round(Math.min(INTERVAL_MS, leftMs / COUNT));
  const tracer = PeerTracer.open();
  const run = new Comparing({
    targets: [target],
    count: COUNT,
    intervalMs,
    timeoutMs: TIMEOUT_MS,
    burst: BURST,
    family: options.family,
    source: null,
  }, {
    // The name was looked up before. All parts use that address.
    resolver: { resolve: () => Promise.resolve([endpoint.address]) },
    onHandshake: () => {},
  });
  giveUpRawSockets(null);
  revoke("env", "sys", "read", "write");
  if (output === "text") say(introduction(target, endpoint, COUNT * intervalMs));
  const stop = () => {
    run.stop();
    tracer.stop();
  };
  outbox.onEnd(stop);
  const cancel = systemClock.wakeAt(startMs + DEADLINE_MS, stop);
  await run.prepare();
  const [path] = await Promise.all([pathTo(endpoint, tracer), run.run()]);
  cancel();
  const [comparison] = run.results();
  const answer: Answer = { comparison, path };
  const text = output === "json" ? answerJson(answer) : answerText(answer, paint, summaryColumns());
  await outbox.within(outbox.print(text));
  const { code, failures } = handshakeVerdict(run);
  for (const failure of failures) outbox.line(failure);
  return code;
}

/** The address that all parts use, or why there is none, without the name. */
async function resolve(
  { target: { host, port }, family }: QuestionOptions,
  lookUp: (host: string, family: Family) => Promise<string[]>,
): Promise<Endpoint | string> {
  const literal = literalEndpoint(host, port);
  if (literal !== null) return literal;
  try {
    const [address] = await lookUp(host, family);
    return literalEndpoint(address, port) ?? "no address";
  } catch (error) {
    const reason = messageOf(error);
    const known = `cannot resolve ${host}: `;
    return reason.startsWith(known) ? reason.slice(known.length) : reason;
  }
}

/** One trace by TCP, or why there is none. */
async function pathTo(target: Endpoint, tracer: PeerTracer): Promise<TraceReport | string> {
  try {
    return (await tracer.trace({ target, protocol: "tcp" })).report;
  } catch (error) {
    if (!(error instanceof SystemError || error instanceof ErrnoError)) throw error;
    return messageOf(error);
  }
}

function introduction({ host, port }: Target, { address }: Endpoint, ms: number): string {
  const at = host === address ? "" : ` (${address})`;
  const time = durationText(Math.ceil(ms / 1000) * 1000);
  return `is it the network? asking ${hostPort(host, port)}${at} for ${time}`;
}
