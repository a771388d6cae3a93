/** The answer to a question without a command: a headline, three lines, and the command for more. */
import type { Cause, Comparison, LiveFigures, Side } from "../domain/comparison.ts";
import { type Hop, isReached, silenceReason, type TraceReport } from "../domain/path.ts";
import { hostPort, type Target } from "../domain/target.ts";
import { counted, wrap } from "../text/words.ts";
import { millisOf, threeFigures } from "../text/number.ts";
import { comparisonObject } from "./compare_json.ts";
import { headline } from "./compare_headline.ts";
import { folded, painter, UNBROKEN } from "./compare_text.ts";
import { millis } from "./compare_sentences.ts";
import type { Paint } from "./paint.ts";

/** What was found, and the path; the path is the reason where there is none. */
export interface Answer {
  readonly comparison: Comparison;
  readonly path: TraceReport | string;
}

const NAME_COLUMN = 11;

/** Five lines; one that is longer than `columns` takes another one, but for the command, which can be copied. */
export function answerText(
  { comparison, path }: Answer,
  paint: Paint,
  columns: number,
): string {
  const line = (name: string, text: string) => named(name, text, columns);
  const lines = [
    ...folded(headline(comparison), painter(comparison, paint), columns),
    line("tcp", tcpText(comparison)),
    line("beside", besideText(comparison)),
    line("path", typeof path === "string" ? path : pathText(path)),
    "  more".padEnd(NAME_COLUMN) + moreCommand(comparison),
  ];
  return lines.join("\n") + "\n";
}

/** The same as one JSON object on a line: schema wire-probe.answer.v1. */
export function answerJson({ comparison, path }: Answer): string {
  const known = typeof path === "string" ? null : path;
  const object = {
    ...comparisonObject(comparison),
    schema: "wire-probe.answer.v1",
    path: known === null ? null : {
      reached: isReached(known),
      hops: known.end?.hops ?? null,
      rtt_ms: millisOf(known.end?.rttUs),
      addresses: known.hops.map(({ addresses }) => addresses[0]?.address ?? null),
      text: pathText(known),
    },
    more: moreCommand(comparison),
  };
  return JSON.stringify(object) + "\n";
}

/** Why no address is known, in the words of the look-up: `no such name`, `the name server fails (…)`. */
function unresolvedText({ host }: Target, reason: string): string {
  const missing = /^(?:no such name|no (?:IPv[46] )?address|name not known)$/.test(reason);
  return missing
    ? `No answer to that: ${host} has no address (${reason}); nothing was sent.`
    : `No answer to that: the address of ${host} is not known, as ${reason}; nothing was sent.`;
}

/** The headline alone where nothing could be asked. */
export function unresolvedAnswer(
  target: Target,
  reason: string,
  paint: Paint,
  columns: number,
): string {
  return folded(unresolvedText(target, reason), paint.bad, columns).join("\n") + "\n";
}

/** The same where nothing could be asked, as one JSON object on a line. */
export function unresolvedJson(target: Target, reason: string): string {
  return JSON.stringify({
    schema: "wire-probe.answer.v1",
    target: target.name,
    address: null,
    port: target.port,
    verdict: null,
    cause: null,
    sentence: unresolvedText(target, reason),
    findings: [],
    path: null,
    more: null,
  }) + "\n";
}

/** A name and its text, folded to the right of it. */
function named(name: string, text: string, columns: number): string {
  const lines = wrap(text.split(UNBROKEN), columns - NAME_COLUMN);
  return `  ${name}`.padEnd(NAME_COLUMN) + lines.join(`\n${" ".repeat(NAME_COLUMN)}`);
}

function tcpText({ sides: { handshake, cold, connect } }: Comparison): string {
  const { answered, sent, again, refused, delays } = handshake;
  if (delays === null) {
    const took = connect.delays === null ? "" : `, p50 ${millis(connect.delays.p50Us)}`;
    return refused > 0
      ? `${refused} of ${sent} handshakes refused${took}`
      : `${answered} of ${sent} handshakes answered`;
  }
  const coldText = cold.delays === null ? "" : `, cold ${millis(cold.delays.p50Us)}`;
  return `${answered}/${sent} handshakes, ${again} repeated; ` +
    `p50 ${threeFigures(delays.p50Us)}, max ${millis(delays.maxUs)}${coldText}`;
}

/**
 * Echoes, knocks and live connections with their p50; for echoes and knocks also that they are not
 * permitted, where that is so.
 */
function besideText({ sides: { ping, knock }, live }: Comparison): string {
  const left = [...(ping === null ? ["echoes"] : []), ...(knock === null ? ["knocks"] : [])];
  const texts = [
    ...(ping === null ? [] : [sideText("echoes", ping)]),
    ...(knock === null ? [] : [sideText("knocks", knock)]),
    liveText(live),
    ...(left.length === 0 ? [] : [`no ${left.join(" or ")}: not permitted (selfcheck)`]),
  ];
  return texts.join("; ");
}

function sideText(name: string, side: Side): string {
  const { answered, sent, refused, delays } = side;
  if (refused > 0) {
    return refused === answered
      ? `${name} ${refused}/${sent} refused`
      : `${name} ${answered}/${sent}, ${refused} of them refused`;
  }
  const p50 = delays === null ? "" : ` ${millis(delays.p50Us)}`;
  return `${name} ${answered}/${sent}${p50}`;
}

function liveText(live: LiveFigures | null): string {
  if (live === null) return "no live connections";
  const spread = live.rtt ?? live.replyRtt;
  const mark = live.rtt === null ? "~" : "";
  const delay = spread === null ? `min ${millis(live.minRttUs)}` : `${mark}${millis(spread.p50Us)}`;
  const { segmentsOut, segmentsRetransmitted } = live;
  const resent = segmentsRetransmitted === 0
    ? ""
    : `, resent ${segmentsRetransmitted}/${segmentsOut}`;
  return `${live.connections} live ${delay}${resent}`;
}

function pathText(report: TraceReport): string {
  const { end, hops } = report;
  const silence = silenceReason(report);
  if (end === null || silence !== null) return `${silence ?? "no hop has answered"}`;
  const to = end.address === report.address ? "" : ` to ${end.address}`;
  const reached = `${counted(end.hops, "hop")}${to} (${end.detail}), ${millis(end.rttUs)}`;
  const step = largestStep(hops);
  return step === null ? reached : `${reached}; ${millis(step.us)} of it ${step.where}`;
}

/** Between which two answers most of the way lies; null where one hop is all. */
function largestStep(hops: readonly Hop[]): { us: number; where: string } | null {
  let largest: { us: number; where: string } | null = null;
  let before = { us: 0, hop: 0, address: "here" };
  for (const { hops: hop, addresses } of hops) {
    const [first] = addresses;
    const us = first?.rtt.distribution()?.minUs;
    if (first === undefined || us === undefined) continue;
    const step = us - before.us;
    if (before.hop > 0 && (largest === null || step > largest.us)) {
      largest = { us: step, where: `behind hop ${before.hop} (${before.address})` };
    }
    if (before.hop === 0) largest = { us: step, where: `up to hop ${hop} (${first.address})` };
    before = { us, hop, address: first.address };
  }
  return before.hop < 2 ? null : largest;
}

/** What to type next. */
function moreCommand({ conclusion, target, address }: Comparison): string {
  const of = typed(target);
  const count = conclusion?.enoughSlots ?? 200;
  const MORE: Partial<Record<Cause, string>> = {
    all_silent: `trace ${of}`,
    port_silent: `trace ${of}`,
    refused: `trace ${of}`,
    prober: "selfcheck",
    nothing_sent: "selfcheck",
    server: `connections -c 5 --to ${hostPort(address, target.port)}`,
    queueing: `connections -c 5 --to ${hostPort(address, target.port)}`,
  };
  return `wire-probe ${
    (conclusion === null ? undefined : MORE[conclusion.cause]) ??
      `compare -c ${count} ${of}`
  }`;
}

function typed({ host, port }: Target): string {
  return hostPort(host, port);
}
