/** Reads from a raw IPv4 or IPv6 packet what the link's rules and counters ask for, without allocating. */

// Places in a `facts` array.
export const VERSION = 0;
export const PROTOCOL = 1;
export const KIND = 2;
export const TCP_FLAGS = 3;
export const ICMP_TYPE = 4;
export const ICMP_ERROR = 5;
export const FACTS = 6;

// Kinds: each has its own queue, since each may have its own delay.
export const KIND_REST = 0;
export const KIND_TCP = 1;
export const KIND_ICMP = 2;
export const KINDS = 3;

// IANA protocol numbers
export const PROTOCOL_ICMP = 1;
export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;
export const PROTOCOL_ICMP6 = 58;

// RFC 9293, section 3.1
export const TCP_FIN = 0x01;
export const TCP_SYN = 0x02;
export const TCP_RST = 0x04;
export const TCP_ACK = 0x10;
const TCP_FLAGS_AT = 13;

// RFC 8200, section 4: hop-by-hop, routing and destination options are walked over, 8-byte units
const V6_HEADER_BYTES = 40;
const V6_NEXT_AT = 6;
const V6_EXTENSIONS_MAX = 4;

/** Fills `facts` from the `length` bytes at `at`. Fragments other than the first, and what is cut short, are `KIND_REST`. */
export function readFacts(bytes: Uint8Array, at: number, length: number, facts: Int32Array): void {
  facts.fill(0);
  if (length < 20) return;
  const version = bytes[at] >> 4;
  facts[VERSION] = version;
  let payloadAt = 0;
  if (version === 4) {
    const fragmentOffset = ((bytes[at + 6] & 0x1f) << 8) | bytes[at + 7];
    facts[PROTOCOL] = bytes[at + 9];
    if (fragmentOffset !== 0) return;
    payloadAt = (bytes[at] & 0xf) * 4;
  } else if (version === 6 && length >= V6_HEADER_BYTES) {
    payloadAt = V6_HEADER_BYTES;
    let next = bytes[at + V6_NEXT_AT];
    for (let i = 0; i < V6_EXTENSIONS_MAX && (next === 0 || next === 43 || next === 60); i++) {
      if (payloadAt + 8 > length) return;
      next = bytes[at + payloadAt];
      payloadAt += (bytes[at + payloadAt + 1] + 1) * 8;
    }
    facts[PROTOCOL] = next;
  } else return;
  readPayload(bytes, at + payloadAt, length - payloadAt, facts);
}

function readPayload(bytes: Uint8Array, at: number, length: number, facts: Int32Array): void {
  const protocol = facts[PROTOCOL];
  if (protocol === PROTOCOL_TCP && length > TCP_FLAGS_AT) {
    facts[KIND] = KIND_TCP;
    facts[TCP_FLAGS] = bytes[at + TCP_FLAGS_AT];
  } else if (protocol === PROTOCOL_ICMP && length > 0) {
    const type = bytes[at];
    facts[KIND] = KIND_ICMP;
    facts[ICMP_TYPE] = type;
    // RFC 792: unreachable 3, source quench 4, redirect 5, time exceeded 11, parameter problem 12
    facts[ICMP_ERROR] = (type >= 3 && type <= 5) || type === 11 || type === 12 ? 1 : 0;
  } else if (protocol === PROTOCOL_ICMP6 && length > 0) {
    facts[KIND] = KIND_ICMP;
    facts[ICMP_TYPE] = bytes[at];
    // RFC 4443, section 2.1: error messages have the high bit clear
    facts[ICMP_ERROR] = bytes[at] < 128 ? 1 : 0;
  }
}

/** Whether the packet at `at`, of IP version `version`, was sent from one of the `count` 16-byte addresses in `list`. */
export function isFrom(
  bytes: Uint8Array,
  at: number,
  version: number,
  list: Uint8Array,
  count: number,
): boolean {
  const sourceAt = at + (version === 4 ? 12 : 8);
  const size = version === 4 ? 4 : 16;
  for (let i = 0; i < count; i++) {
    let same = list[i * 17] === version;
    for (let k = 0; same && k < size; k++) same = list[i * 17 + 1 + k] === bytes[sourceAt + k];
    if (same) return true;
  }
  return false;
}

/** An address in the form `isFrom` compares: its version, then its 4 or 16 bytes. */
export function addressBytes(text: string): number[] {
  if (!text.includes(":")) return [4, ...text.split(".").map(Number)];
  const [head, tail] = text.split("::").map((half) => half === "" ? [] : half.split(":"));
  const zeros = tail === undefined ? 0 : 8 - head.length - tail.length;
  const groups = [...head, ...Array<string>(zeros).fill("0"), ...(tail ?? [])].map((group) =>
    parseInt(group, 16)
  );
  return [6, ...groups.flatMap((group) => [group >> 8, group & 0xff])];
}
