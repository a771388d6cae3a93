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

/** One TCP handshake as the link saw it. */
export interface LinkHandshake {
  /** The port of the side that sent the SYN. */
  port: number;
  /** Wall clock in microseconds since 1970 when the first SYN came in. */
  startUs: number;
  /** SYNs seen, and how many of them the link did not deliver. */
  syns: number;
  synsLost: number;
  answer: "syn-ack" | "rst" | null;
  /** From the last SYN before the answer to the answer's delivery, in microseconds; null without an answer. */
  rttUs: number | null;
  /** How much of `rttUs` is the link's own lateness. */
  lateUs: number;
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
      const handshake = open.get(flow)?.handshake ?? begin(packet, sourcePort);
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
      asked.handshake.rttUs = packet.outUs - asked.syn.inUs;
      asked.handshake.lateUs = lateness(asked.syn) + lateness(packet);
      open.delete(`${destination} ${source}`);
    }
  }
  return found;
}

function begin(packet: CapturedPacket, port: number): LinkHandshake {
  return { port, startUs: packet.inUs, syns: 0, synsLost: 0, answer: null, rttUs: null, lateUs: 0 };
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
  seen: readonly { readonly lateUs: number }[],
): number[] {
  return values.filter((_, i) => seen[i].lateUs <= ON_TIME_US);
}
