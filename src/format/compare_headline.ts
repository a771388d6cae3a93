/** The answer to "is it the network?" in one line. */
import type { Comparison, Conclusion, Finding, Question, Side } from "../domain/comparison.ts";
import { percent } from "../text/number.ts";
import { droppedText, excess, millis, sentenceOf, tailOf } from "./compare_sentences.ts";

/** What a run of few slots may miss is shown as this share or less by the number it asks for. */
const SHOWN = "2%";

/** Begins with yes, no, or another short answer. */
export function headline(comparison: Comparison): string {
  const { conclusion, address, target } = comparison;
  if (address === "") return `The name ${target.host} did not resolve.`;
  if (conclusion === null) return "Nothing was measured.";
  return `${answerText(conclusion, comparison)}${further(conclusion)}`;
}

function answerText({ cause }: Conclusion, comparison: Comparison): string {
  const { sides: { handshake, ping }, target, live } = comparison;
  const { sent, lost, again, answered } = handshake;
  const p50 = `p50 ${millis(handshake.delays?.p50Us ?? null)}`;
  const drops = droppedText({ count: lost + again, of: sent });
  switch (cause) {
    case "none":
      return `No sign that it is the network${usual(handshake)}: ${sent} handshakes, none lost, ` +
        `${p50}, ${tailOf(handshake)}.`;
    case "loss":
      return live?.loss !== null && live?.loss !== undefined && lost + again === 0
        ? `Yes, packets get lost: of live connections ${live.loss}.`
        : `Yes, packets get lost: ${drops} (on the way, or at a full accept queue).`;
    case "spikes":
      return spikesText(comparison);
    case "queueing":
      return `Yes, packets queue: ${live?.queueing ?? "-"}.`;
    case "perhaps_loss":
      return `Perhaps: ${drops}; too few to be sure.`;
    case "perhaps_spikes":
      return `Perhaps: spikes, but too few to be sure: ${tailOf(handshake)} against ${p50}.`;
    case "set_up":
      return `For new flows alone: ${told(comparison, "set_up")}`;
    case "prober":
      return `No, it is this machine: ${told(comparison, "prober")}`;
    case "server":
      return `No, it lies behind the network: ${told(comparison, "connections")}`;
    case "ping":
      return `No, it is ICMP: ${told(comparison, "ping")}`;
    case "knock":
      return `No, not for connections: ${told(comparison, "knock")}`;
    case "perhaps_ping":
      return `Not as TCP meets it so far: ${told(comparison, "ping")}`;
    case "refused":
      return `No: nothing listens on port ${target.port}; ${answered} of ${sent} handshakes were ` +
        `refused, so the way there and back is open.`;
    case "port_silent":
      return `TCP alone is silent: 0 of ${sent} handshakes were answered, ${
        ping?.answered ?? 0
      } of ` +
        `${ping?.sent ?? 0} echoes were: a firewall, or the service's accept queue is full.`;
    case "all_silent":
      return `No answer at all: ${lost} of ${sent} handshakes` +
        `${ping === null ? "" : ` and ${ping.lost} of ${ping.sent} echoes`} lost: ` +
        `${silenceText(comparison)}.`;
    case "too_few":
      return "Too few samples to tell.";
    case "nothing_sent":
      return `Nothing was measured: no handshake could be sent${
        comparison.handshake.lastError === null ? "" : ` (${comparison.handshake.lastError})`
      }.`;
    default:
      return cause satisfies never;
  }
}

/**
 * From this round trip on, the headline asks whether it is usual: within a region none takes so
 * long.
 */
const LONG_US = 20_000;

/** No trouble was seen. Only the user can say whether the whole way is slower than it was. */
function usual({ delays }: Side): string {
  return delays === null || delays.p50Us < LONG_US
    ? ""
    : `, if ${millis(delays.p50Us)} is usual here`;
}

/** Spikes, or jitter: there many handshakes lie between the fastest and the slow ones. */
function spikesText(comparison: Comparison): string {
  const { handshake } = comparison.sides;
  const { spikes, delays } = handshake;
  const figures = `min ${millis(delays?.minUs ?? null)}, ${tailOf(handshake)}`;
  if (!isJitter(handshake)) {
    return `Yes, TCP meets spikes of ${excess(handshake)}: ${spikes.count} of ${spikes.of} ` +
      `handshakes (${figures})${echoes(comparison, "echoes meet them too")}.`;
  }
  return `Yes, TCP's round trips vary by ${excess(handshake)}: ` +
    `p50 ${millis(delays?.p50Us ?? null)} of ${spikes.of} handshakes (${figures})` +
    `${echoes(comparison, "those of echoes vary too")}.`;
}

/**
 * The limit for jitter: the share of slow handshakes, and how far the median lies from the fastest
 * and from the p90.
 */
const JITTER_COUNT = 0.2;
const JITTER_MARGIN = 0.2;

function isJitter({ spikes, delays }: Side): boolean {
  if (delays === null || spikes.count < JITTER_COUNT * spikes.of) return false;
  const median = (delays.p50Us - delays.minUs) / Math.max(1, delays.p90Us - delays.minUs);
  return median > JITTER_MARGIN && median < 1 - JITTER_MARGIN;
}

/** Whether echoes meet what TCP does; nothing where that is not known. */
function echoes({ findings }: Comparison, same: string): string {
  const tail = findings.find(({ question, aspect }) => question === "ping" && aspect === "tail");
  if (tail?.answer === "same") return `; ${same}`;
  return tail?.answer === "less" ? "; echoes do not" : "";
}

/** Why nothing answers: what a router said, where one did. */
function silenceText({ handshake, ping }: Comparison): string {
  const said = [handshake, ping].find((of) => of !== null && of.unreachable > 0)?.lastError;
  return said === undefined || said === null
    ? "the host is down, unreachable or filtered"
    : `the way there is closed (${said})`;
}

/** The first finding of a question that has something to say. */
function told(comparison: Comparison, question: Question): string {
  const says = ({ answer }: Finding) =>
    answer !== "same" && answer !== "too_few" && answer !== "unclear";
  const finding = comparison.findings.find((of) => of.question === question && says(of));
  if (finding === undefined) return "-";
  // The text after the semicolon says how sure it is; the sentences below the headline repeat it.
  const [figures] = sentenceOf(finding, comparison).split(";");
  return lowered(figures.endsWith(".") ? figures : `${figures}.`);
}

/** A sentence behind a colon; names of protocols stay as they are. */
function lowered(sentence: string): string {
  return /^[A-Z][a-z ]/.test(sentence) ? sentence[0].toLowerCase() + sentence.slice(1) : sentence;
}

function further({ cause, enoughSlots, unseenShare }: Conclusion): string {
  if (enoughSlots === null) return "";
  return cause === "none"
    ? ` Loss or spikes below ${percent(unseenShare)} would be missed; ` +
      `-c ${enoughSlots} would show ${SHOWN}.`
    : ` -c ${enoughSlots} would tell.`;
}
