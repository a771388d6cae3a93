/** What a message from a socket or its error queue means for the probe that it answers. */
import type {
  HopAnswerDetail,
  HopAnswerKind,
  IcmpErrorKind,
  SynAckFacts,
  Translation,
} from "../domain/path.ts";
import { addressText } from "../domain/address.ts";
import { NONE, type RttSource } from "../domain/probe_record.ts";
import type { Endpoint } from "../domain/target.ts";
import { SO_EE_RFC4884_FLAG_INVALID } from "../kernel/linux.ts";
import type { Message } from "../kernel/message_batch.ts";
import { clockUs, type Departure, kernelUs } from "../net/round_trip.ts";
import { findExtensions, NO_EXTENSIONS } from "../packet/icmp_extension.ts";
import { addressIs } from "../packet/ip.ts";
import type { Clock } from "../time/clock.ts";
import type { HopAnswer } from "./hop_prober.ts";

// <linux/errqueue.h>, struct sock_ee_data_rfc4884: length (u16), flags (u8).
const EXTENSION_FLAGS_SHIFT = 16;

export interface RoundTrip {
  readonly rttUs: number;
  readonly rttSource: RttSource | null;
}

export const NO_ROUND_TRIP: RoundTrip = { rttUs: NONE, rttSource: null };

/**
 * By the kernel's two stamps, however late this process reads them; by the clock where one is missing.
 * A connecting socket gives no stamp of its SYN: its departure is the same clock read just before the call.
 */
export function roundTrip(departure: Departure, stampUs: number, clock: Clock): RoundTrip {
  const atMostUs = clockUs(departure, clock);
  const rttUs = kernelUs(departure, stampUs, atMostUs, clock);
  return rttUs === NONE ? { rttUs: atMostUs, rttSource: "clock" } : { rttUs, rttSource: "kernel" };
}

/** What a quote tells beside the error. */
export interface QuoteOf {
  /** How much of the quoted packet lies before what the message holds. */
  readonly cutBytes: number;
  /** Where the quoted source address lies; -1 where it is not there. */
  readonly sourceAt: number;
  /** The source that was sent; null where that is not known. */
  readonly source: Uint8Array | null;
}

/** An ICMP error as an answer; null where its sender is not known. */
export function icmpAnswer(
  message: Message,
  detail: IcmpErrorKind,
  target: Endpoint,
  quote: QuoteOf,
  trip: RoundTrip,
): HopAnswer | null {
  const { bytes, offenderAt, offenderBytes, at, end, info, ttl } = message;
  if (offenderAt < 0) return null;
  const isTarget = addressIs(bytes, offenderAt, target.bytes);
  const kind = kindOf(detail, isTarget);
  return {
    kind,
    detail,
    address: isTarget ? target.address : addressText(bytes, offenderAt, offenderBytes),
    ...trip,
    mtuBytes: kind === "too big" ? info : 0,
    extensions: findExtensions(bytes, at, end, extensionAt(message.data), quote.cutBytes),
    ttl,
    translation: translationOf(message, target, quote),
    synAck: null,
  };
}

/** An answer that comes from the target itself. */
export function endAnswer(
  target: Endpoint,
  detail: HopAnswerDetail,
  trip: RoundTrip,
  ttl: number,
  synAck: SynAckFacts | null = null,
): HopAnswer {
  const { address } = target;
  return {
    kind: "end",
    detail,
    address,
    ...trip,
    mtuBytes: 0,
    extensions: NO_EXTENSIONS,
    ttl,
    translation: null,
    synAck,
  };
}

function kindOf(detail: IcmpErrorKind, isTarget: boolean): HopAnswerKind {
  // Behind a translated address there may be routers that answer with it.
  if (detail === "ttl exceeded") return "router";
  if (detail === "packet too big") return "too big";
  return isTarget ? "end" : "unreachable";
}

/** Where a router says that its extensions begin; 0 where it does not, or wrongly. */
function extensionAt(data: number): number {
  const invalid = (data >>> EXTENSION_FLAGS_SHIFT & SO_EE_RFC4884_FLAG_INVALID) !== 0;
  return invalid ? 0 : data & 0xffff;
}

function translationOf(
  { bytes, addressAt }: Message,
  target: Endpoint,
  { sourceAt, source }: QuoteOf,
): Translation | null {
  const length = target.bytes.length;
  const other = (at: number, sent: Uint8Array | null) =>
    at < 0 || sent === null || addressIs(bytes, at, sent) ? null : addressText(bytes, at, length);
  const seen = { source: other(sourceAt, source), destination: other(addressAt, target.bytes) };
  return seen.source === null && seen.destination === null ? null : seen;
}
