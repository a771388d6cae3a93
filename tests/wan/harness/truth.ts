/** Reads from captured packets what happened on the link: the truth of each handshake, packet by packet. */

import { type CapturedPacket, lateness } from "./capture.ts";
import {
  FACTS,
  KIND,
  KIND_TCP,
  readFacts,
  TCP_ACK,
  TCP_FLAGS,
  TCP_RST,
  TCP_SYN,
} from "./packet.ts";

/** What the link saw of a packet and its answer. */
export interface LinkRoundTrip {
  /** From the last packet before the answer to the answer's leaving, in microseconds; null without an answer. */
  rttUs: number | null;
  /** How long the answer was then handed to the host: so much later it may have had it. */
  handingUs: number;
  /** How much of `rttUs` is the link's own lateness. */
  lateUs: number;
}

/** One TCP handshake as the link saw it; its round trip is the last SYN's. */
export interface LinkHandshake extends LinkRoundTrip {
  /** The address that the SYN went to, its bytes joined by commas. */
  target: string;
  /** The port of the side that sent the SYN. */
  port: number;
  /** Wall clock in microseconds since 1970 when the first SYN came in. */
  startUs: number;
  /** SYNs seen, and how many of them the link did not deliver. */
  syns: number;
  synsLost: number;
  answer: "syn-ack" | "rst" | null;
}

export const UNANSWERED: LinkRoundTrip = { rttUs: null, handingUs: 0, lateUs: 0 };

/** Of a packet and its answer, which left. */
export function roundTrip(asked: CapturedPacket, answer: CapturedPacket): LinkRoundTrip {
  const { outUs, handedUs } = answer;
  if (outUs === null || handedUs === null) return UNANSWERED;
  return {
    rttUs: outUs - asked.inUs,
    handingUs: handedUs - outUs,
    lateUs: lateness(asked) + lateness(answer),
  };
}

/** How far a round trip in ms lies off what the link saw: off the nearest that this leaves possible. */
export function errorMs(rttMs: number | null, { rttUs, handingUs }: LinkRoundTrip): number {
  const leastMs = (rttUs ?? NaN) / 1000;
  const mostMs = leastMs + handingUs / 1000;
  const ms = rttMs ?? NaN;
  return Math.max(leastMs - ms, ms - mostMs, 0);
}

/** The handshakes whose SYNs went in `direction` (0: from the link's first host to its second), by time. */
export function handshakesIn(packets: CapturedPacket[], direction = 0): LinkHandshake[] {
  const facts = new Int32Array(FACTS);
  const found: LinkHandshake[] = [];
  const open = new Map<string, { handshake: LinkHandshake; syn: CapturedPacket }>();
  for (const packet of packets) {
    readFacts(packet.bytes, 0, packet.bytes.length, facts);
    if (facts[KIND] !== KIND_TCP) continue;
    const { source, destination, sourcePort } = endsOf(packet.bytes);
    const synFlags = facts[TCP_FLAGS] & (TCP_SYN | TCP_ACK);
    if (packet.direction === direction && synFlags === TCP_SYN) {
      const flow = `${source} ${destination}`;
      const handshake = open.get(flow)?.handshake ?? begin(packet, sourcePort, destination);
      if (!open.has(flow)) found.push(handshake);
      open.set(flow, { handshake, syn: packet });
      handshake.syns += 1;
      if (packet.outUs === null) handshake.synsLost += 1;
    } else if (packet.direction !== direction && packet.outUs !== null) {
      const reset = (facts[TCP_FLAGS] & TCP_RST) !== 0;
      if (!reset && synFlags !== (TCP_SYN | TCP_ACK)) continue;
      const asked = open.get(`${destination} ${source}`);
      if (asked === undefined) continue;
      asked.handshake.answer = reset ? "rst" : "syn-ack";
      Object.assign(asked.handshake, roundTrip(asked.syn, packet));
      open.delete(`${destination} ${source}`);
    }
  }
  return found;
}

function begin(packet: CapturedPacket, port: number, destination: string): LinkHandshake {
  const [target] = destination.split(":");
  return { target, port, startUs: packet.inUs, syns: 0, synsLost: 0, answer: null, ...UNANSWERED };
}

/** Address and port of both ends of a TCP packet. */
function endsOf(bytes: Uint8Array): { source: string; destination: string; sourcePort: number } {
  const four = bytes[0] >> 4 === 4;
  const size = four ? 4 : 16;
  const at = four ? 12 : 8;
  const portsAt = four ? (bytes[0] & 0xf) * 4 : 40;
  const sourcePort = (bytes[portsAt] << 8) | bytes[portsAt + 1];
  const destinationPort = (bytes[portsAt + 2] << 8) | bytes[portsAt + 3];
  return {
    source: `${bytes.slice(at, at + size)}:${sourcePort}`,
    destination: `${bytes.slice(at + size, at + 2 * size)}:${destinationPort}`,
    sourcePort,
  };
}

/** The link's thread goes before all others: where it was later than this, the machine stood still. */
const ON_TIME_US = 100;

/** Of values for these handshakes or echoes those in whose time the machine did not stand still. */
export function whileOnTime(
  values: readonly number[],
  seen: readonly LinkRoundTrip[],
): number[] {
  return values.filter((_, i) => seen[i].lateUs <= ON_TIME_US);
}
