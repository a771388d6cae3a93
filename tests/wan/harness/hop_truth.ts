/** Reads from captured packets who answered which probe of a trace, and how long that took on the link. */

import type { CapturedPacket } from "./capture.ts";
import {
  FACTS,
  ICMP_ERROR,
  KIND,
  KIND_ICMP,
  KIND_TCP,
  readFacts,
  TCP_ACK,
  TCP_FLAGS,
  TCP_RST,
  TCP_SYN,
  VERSION,
} from "./packet.ts";
import { type LinkRoundTrip, roundTrip } from "./truth.ts";

/** RFC 792 and RFC 4443: type, code, checksum and 4 bytes more, then the packet that met the error. */
const ICMP_HEADER_BYTES = 8;
/** What of a transport header every router quotes. */
const QUOTED_BYTES = 8;

/** A probe that a router answered with an ICMP error, as the link next to the prober saw it. */
export interface LinkHop extends LinkRoundTrip {
  /** The hop limit with which the probe was sent. */
  hops: number;
  /** The router, as its bytes in decimal. */
  from: string;
}

/** By the time of the answers. Probes go in direction 0. */
export function hopsIn(packets: CapturedPacket[]): LinkHop[] {
  const facts = new Int32Array(FACTS);
  const sent = new Map<string, CapturedPacket>();
  const found: LinkHop[] = [];
  for (const packet of packets) {
    const { bytes } = packet;
    readFacts(bytes, 0, bytes.length, facts);
    const four = facts[VERSION] === 4;
    const payloadAt = four ? (bytes[0] & 0xf) * 4 : 40;
    // What the kernel resets bears a sequence number that may be a later probe's.
    const probing = packet.direction === 0 && (facts[TCP_FLAGS] & TCP_RST) === 0;
    if (probing) sent.set(headOf(bytes, payloadAt), packet);
    if (packet.direction === 0 || facts[KIND] !== KIND_ICMP || facts[ICMP_ERROR] === 0) continue;
    const quoteAt = payloadAt + ICMP_HEADER_BYTES;
    const probe = sent.get(headOf(bytes, quoteAt + (four ? (bytes[quoteAt] & 0xf) * 4 : 40)));
    if (probe === undefined || packet.outUs === null) continue;
    found.push({
      hops: probe.bytes[four ? 8 : 7],
      from: (four ? bytes.slice(12, 16) : bytes.slice(8, 24)).join("."),
      ...roundTrip(probe, packet),
    });
  }
  return found;
}

/** From the first probe of a trace to the last one that is new, in ms: a SYN that is sent again is none. */
export function sendingMs(packets: readonly CapturedPacket[]): number {
  const facts = new Int32Array(FACTS);
  const begun = new Map<string, number>();
  for (const { direction, bytes, inUs } of packets) {
    readFacts(bytes, 0, bytes.length, facts);
    const isProbe = facts[KIND] !== KIND_TCP ||
      (facts[TCP_FLAGS] & (TCP_SYN | TCP_ACK)) === TCP_SYN;
    const payloadAt = facts[VERSION] === 4 ? (bytes[0] & 0xf) * 4 : 40;
    const head = headOf(bytes, payloadAt);
    if (direction === 0 && isProbe && !begun.has(head)) begun.set(head, inUs);
  }
  const times = [...begun.values()];
  return (Math.max(...times) - Math.min(...times)) / 1000;
}

function headOf(bytes: Uint8Array, at: number): string {
  return bytes.slice(at, at + QUOTED_BYTES).join(" ");
}
