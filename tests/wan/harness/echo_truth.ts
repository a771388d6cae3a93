/** Reads from captured packets what each echo took on the link: the truth of a ping, packet by packet. */

import type { CapturedPacket } from "./capture.ts";
import { FACTS, ICMP_TYPE, KIND, KIND_ICMP, readFacts } from "./packet.ts";
import { type LinkRoundTrip, roundTrip, UNANSWERED } from "./truth.ts";

// RFC 792 and RFC 4443
const REQUESTS = [8, 128];
const REPLIES = [0, 129];
const V6_HEADER_BYTES = 40;
/** Of the echo's header and payload: id and sequence, and what follows. */
const ID_AT = 4;
const KEY_BYTES = 12;

/** One echo as the link saw it. */
export interface LinkEcho extends LinkRoundTrip {
  /** The target's address, its bytes joined by commas. */
  target: string;
  /** Of the request, with its IP header. */
  length: number;
}

/** The echoes whose requests went in `direction` (0: from the link's first host to its second), by time. */
export function echoesIn(packets: readonly CapturedPacket[], direction = 0): LinkEcho[] {
  const facts = new Int32Array(FACTS);
  const found: LinkEcho[] = [];
  const open = new Map<string, { echo: LinkEcho; request: CapturedPacket }>();
  for (const packet of packets) {
    readFacts(packet.bytes, 0, packet.bytes.length, facts);
    if (facts[KIND] !== KIND_ICMP) continue;
    const { source, target, key } = partsOf(packet.bytes);
    if (packet.direction === direction && REQUESTS.includes(facts[ICMP_TYPE])) {
      const echo: LinkEcho = { target, length: packet.length, ...UNANSWERED };
      found.push(echo);
      open.set(`${target} ${key}`, { echo, request: packet });
    } else if (packet.direction !== direction && REPLIES.includes(facts[ICMP_TYPE])) {
      const asked = open.get(`${source} ${key}`);
      if (asked === undefined || packet.outUs === null) continue;
      Object.assign(asked.echo, roundTrip(asked.request, packet));
      open.delete(`${source} ${key}`);
    }
  }
  return found;
}

function partsOf(bytes: Uint8Array): { source: string; target: string; key: string } {
  const four = bytes[0] >> 4 === 4;
  const [at, size] = four ? [12, 4] : [8, 16];
  const echoAt = (four ? (bytes[0] & 0xf) * 4 : V6_HEADER_BYTES) + ID_AT;
  return {
    source: bytes.slice(at, at + size).join(),
    target: bytes.slice(at + size, at + 2 * size).join(),
    key: bytes.slice(echoAt, echoAt + KEY_BYTES).join(),
  };
}
