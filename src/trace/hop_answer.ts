/** What a message from a socket or its error queue means for the probe that it answers. */
import type { HopAnswerDetail, HopAnswerKind, IcmpErrorKind, MplsLabel } from "../domain/path.ts";
import { NONE, type RttSource } from "../domain/probe_record.ts";
import type { Endpoint } from "../domain/target.ts";
import type { Message, MessageReader } from "../kernel/error_queue.ts";
import type { HopSockets } from "../kernel/hop_socket.ts";
import { blankMplsStack, parseExtensions } from "../packet/icmp_extension.ts";
import { icmpErrorKind } from "../packet/icmp_kind.ts";
import { IPV4_HEADER_BYTES, IPV6_HEADER_BYTES } from "../packet/ip.ts";
import type { Clock } from "../time/clock.ts";
import { addressText } from "../domain/address.ts";
import type { HopAnswer } from "./hop_prober.ts";

/** RFC 4884, section 5: where senders that give no length put their extensions, from the quoted IP header on. */
const LEGACY_QUOTE_BYTES = 128;
/** A stamp of the wall clock that says more than the monotonic one, plus this, is of a clock that was set. */
const STEP_US = 1000;
const MAX_LABELS_KEPT = 8;

/** When a probe was sent, by both clocks. */
export interface SendTime {
  readonly realUs: number;
  readonly monotonicMs: number;
}

/** Read right before the send. */
export function sendTime(sockets: HopSockets, clock: Clock): SendTime {
  return { monotonicMs: clock.now(), realUs: sockets.realTimeUs() };
}

export interface RoundTrip {
  readonly rttUs: number;
  readonly rttSource: RttSource | null;
}

export const NO_ROUND_TRIP: RoundTrip = { rttUs: NONE, rttSource: null };

/**
 * By the kernel's time of arrival, however late this process reads it; by the clock where there is
 * none, or where the wall clock was set in between.
 */
export function roundTrip(sent: SendTime, arrivedUs: number, nowMs: number): RoundTrip {
  const clockUs = Math.max(0, Math.round((nowMs - sent.monotonicMs) * 1000));
  const kernelUs = Math.round(arrivedUs - sent.realUs);
  if (kernelUs >= 0 && kernelUs <= clockUs + STEP_US) {
    return { rttUs: kernelUs, rttSource: "kernel" };
  }
  return { rttUs: clockUs, rttSource: "clock" };
}

/**
 * The answer in the entry of an error queue that was just read, or null for what says nothing of
 * the path. `strippedBytes`: how much of the quoted transport header the kernel has cut off.
 */
export function icmpAnswer(
  reader: MessageReader,
  target: Endpoint,
  strippedBytes: number,
  trip: RoundTrip,
): HopAnswer | null {
  const { offence, mtuBytes } = reader.message;
  if (offence === null) return null;
  const detail = icmpErrorKind(target.family, offence.type, offence.code);
  if (detail === null) return null;
  const own = offence.offender.every((byte, i) => byte === target.bytes[i]);
  const kind = kindOf(detail, own);
  return {
    kind,
    detail,
    address: own ? target.address : addressText(offence.offender),
    ...trip,
    mtuBytes: kind === "too big" ? mtuBytes : 0,
    labels: labelsIn(reader.message, reader.messageBytesView, target.family, strippedBytes),
  };
}

/** An answer that comes from the target itself. */
export function endAnswer(target: Endpoint, detail: HopAnswerDetail, trip: RoundTrip): HopAnswer {
  return { kind: "end", detail, address: target.address, ...trip, mtuBytes: 0, labels: [] };
}

function kindOf(detail: IcmpErrorKind, own: boolean): HopAnswerKind {
  // Behind a translated address there may be routers that answer with it.
  if (detail === "ttl exceeded") return "router";
  if (detail === "packet too big") return "too big";
  return own ? "end" : "unreachable";
}

function labelsIn(
  message: Message,
  bytes: Uint8Array,
  family: 4 | 6,
  strippedBytes: number,
): MplsLabel[] {
  const told = message.offence?.extensionAt ?? 0;
  const ipBytes = family === 4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
  const legacyAt = LEGACY_QUOTE_BYTES - ipBytes - strippedBytes;
  const at = told > 0 ? told : legacyAt;
  const stack = blankMplsStack();
  if (at >= message.length || !parseExtensions(bytes, at, message.length, told === 0, stack)) {
    return [];
  }
  return stack.labels.slice(0, Math.min(stack.count, MAX_LABELS_KEPT)).map((of) => ({ ...of }));
}
