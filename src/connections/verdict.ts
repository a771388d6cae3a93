/**
 * What stands out in a group, with the figures that it rests on. Each threshold is stated here and in
 * the README. Too little traffic gives no verdict.
 */
import type {
  AcceptQueues,
  ConnectionVerdict,
  ConnectionVerdictName,
  RttSpread,
} from "../domain/connection.ts";
import { shortPercent, threeFigures } from "../text/number.ts";
import { counted } from "../text/words.ts";
import { HELD_BACK_SHARE } from "./differences.ts";
import { SUM } from "./group_table.ts";
import { isQueueing } from "./round_trips.ts";

/** A group's figures, and what is known beside. */
export interface Evidence {
  /** The figure of a reading by its place in `SUM`. */
  sum(place: number): number;
  readonly queues: (AcceptQueues & { readonly port: number; readonly full: boolean }) | null;
  /** Whether accept queues overflowed in this network namespace; ports drop for other reasons too. */
  readonly overflowed: boolean;
  readonly handshake: RttSpread | null;
}

/** In the order in which they matter. */
export function verdictsOn(evidence: Evidence): ConnectionVerdict[] {
  const found: ConnectionVerdict[] = [];
  const add = (verdict: ConnectionVerdictName, text: string | null) => {
    if (text !== null) found.push({ verdict, evidence: text });
  };
  add("accept_queue", acceptQueue(evidence));
  add("connect", connects(evidence));
  add("loss", loss(evidence));
  add("queueing", queueing(evidence));
  add("receiver", heldBack(evidence, SUM.heldByReceiver, "the peer reads too slowly"));
  add("sender", heldBack(evidence, SUM.heldBySendBuffer, "this side writes too slowly"));
  add("close_wait", closeWait(evidence));
  return found;
}

function acceptQueue({ queues, overflowed }: Evidence): string | null {
  if (queues === null || !(queues.full || queues.drops > 0 && overflowed)) return null;
  const { port, waiting, limit, drops } = queues;
  const holds = `accept queue holds ${waiting} of ${limit}: its process accepts too slowly`;
  return drops === 0
    ? `port ${port}'s ${holds}`
    : `port ${port} dropped ${counted(drops, "connection")}, its ${holds}`;
}

/** connect: SYNs sent again in vain, over all connects that wait. One alone may be chance. */
const MIN_SYNS_REPEATED = 2;

function connects({ sum }: Evidence): string | null {
  const repeated = sum(SUM.synsRepeated);
  if (repeated < MIN_SYNS_REPEATED) return null;
  const waiting = sum(SUM.connecting);
  return `${waiting === 1 ? "1 connect waits" : `${waiting} connects wait`} for an answer, ` +
    `the SYN sent again up to ${times(sum(SUM.mostSynsRepeated))}`;
}

/** loss: this share of the segments with data, and at least so many, were lost and sent again. */
export const LOSS_SHARE = 0.01;
export const MIN_LOST = 3;

function loss({ sum }: Evidence): string | null {
  const lost = sum(SUM.retransmitted) - sum(SUM.duplicates);
  const sent = sum(SUM.dataSegmentsOut);
  if (lost < MIN_LOST || sent === 0 || lost < LOSS_SHARE * sent) return null;
  return `the path lost ${lost} of ${sent} segments (${shortPercent(lost / sent)})`;
}

/** queueing: this share of the connections that sent in bulk, or so many handshakes beside. */
const QUEUEING_SHARE = 0.5;
const MIN_HANDSHAKES = 3;

function queueing({ sum, handshake }: Evidence): string | null {
  const queueing = sum(SUM.queueing);
  const bulk = sum(SUM.bulk);
  if (queueing > 0 && queueing >= QUEUEING_SHARE * bulk) {
    const rtt = threeFigures(sum(SUM.queueingRtt) / queueing);
    const minimum = threeFigures(sum(SUM.queueingMin) / queueing);
    return `packets wait on the way: ${queueing} of ${bulk} bulk senders have a round trip of ` +
      `${rtt} ms over a minimum of ${minimum} ms`;
  }
  const minimumUs = sum(SUM.minRtt);
  if (handshake === null || handshake.count < MIN_HANDSHAKES || minimumUs === 0) return null;
  if (!isQueueing(handshake.p50Us, minimumUs)) return null;
  return `packets wait on the way: a handshake takes ${threeFigures(handshake.p50Us)} ms (p50 of ` +
    `${handshake.count}) over a minimum of ${threeFigures(minimumUs)} ms`;
}

function heldBack({ sum }: Evidence, place: number, why: string): string | null {
  const held = sum(place);
  if (held === 0) return null;
  const connections = counted(sum(SUM.connections), "connection");
  const by = place === SUM.heldByReceiver ? "the peer's window" : "this side's send buffer";
  return `${held} of ${connections} with data to send waited for ${by} for ` +
    `${shortPercent(HELD_BACK_SHARE)} of the time or more: ${why}`;
}

/** close_wait: connections that stay in CLOSE_WAIT for an interval or longer. */
const MIN_CLOSE_WAIT = 10;

function closeWait({ sum }: Evidence): string | null {
  const long = sum(SUM.closeWaitLong);
  if (long < MIN_CLOSE_WAIT) return null;
  return `${long} connections stay in CLOSE_WAIT: the peer has closed them, the process here does not`;
}

function times(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}
