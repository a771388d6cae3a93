/** Packets as bytes for the played network, written from the RFCs and with nothing of the code under test. */

export const ICMP = 1;
export const TCP = 6;
export const UDP = 17;
export const ICMP6 = 58;

export const SYN = 0x02;
export const RST = 0x04;
export const ACK = 0x10;

export type Bytes = Uint8Array<ArrayBuffer>;

/** A packet that came, read as far as routers and hosts look at it. */
export interface Packet {
  readonly bytes: Bytes;
  readonly family: 4 | 6;
  readonly protocol: number;
  readonly ttl: number;
  /** Of IPv6; 0 for IPv4. */
  readonly flowLabel: number;
  /** TOS or traffic class. */
  readonly trafficClass: number;
  readonly source: Bytes;
  readonly destination: Bytes;
  readonly transport: Bytes;
  /** Of TCP and UDP, else 0. */
  readonly sourcePort: number;
  readonly destinationPort: number;
}

export function concat(...parts: readonly ArrayLike<number>[]): Bytes {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

export function u16(value: number): number[] {
  return [value >> 8 & 255, value & 255];
}

export function u32(value: number): number[] {
  return [value >>> 24, value >>> 16 & 255, value >>> 8 & 255, value & 255];
}

export function at16(bytes: Uint8Array, at: number): number {
  return bytes[at] << 8 | bytes[at + 1];
}

export function at32(bytes: Uint8Array, at: number): number {
  return at16(bytes, at) * 65_536 + at16(bytes, at + 2);
}

/** The address of a literal: 4 or 16 bytes. */
export function addressBytes(text: string): Bytes {
  if (!text.includes(":")) return Uint8Array.from(text.split(".").map(Number));
  const [head, tail] = text.split("::");
  const groups = (part: string | undefined) =>
    (part ?? "").split(":").filter((group) => group !== "").map((group) => parseInt(group, 16));
  const [first, last] = [groups(head), groups(tail)];
  const zeros = new Array<number>(8 - first.length - last.length).fill(0);
  return Uint8Array.from([...first, ...zeros, ...last].flatMap(u16));
}

/** RFC 1071 */
export function checksum(...parts: readonly ArrayLike<number>[]): number {
  let sum = 0;
  for (const part of parts) {
    for (let i = 0; i < part.length; i += 2) sum += part[i] << 8 | (part[i + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

export function read(bytes: Bytes): Packet | null {
  const family = bytes[0] >> 4;
  if (family !== 4 && family !== 6) return null;
  const four = family === 4;
  const transport = bytes.slice(four ? (bytes[0] & 15) * 4 : 40);
  const protocol = bytes[four ? 9 : 6];
  const hasPorts = protocol === TCP || protocol === UDP;
  return {
    bytes,
    family,
    protocol,
    ttl: bytes[four ? 8 : 7],
    flowLabel: four ? 0 : at32(bytes, 0) % 2 ** 20,
    trafficClass: four ? bytes[1] : at16(bytes, 0) >> 4 & 255,
    source: bytes.slice(four ? 12 : 8, four ? 16 : 24),
    destination: bytes.slice(four ? 16 : 24, four ? 20 : 40),
    transport,
    sourcePort: hasPorts ? at16(transport, 0) : 0,
    destinationPort: hasPorts ? at16(transport, 2) : 0,
  };
}

/** An IP packet around a transport segment; `ttl` as it arrives. */
export function ip(
  source: Bytes,
  destination: Bytes,
  protocol: number,
  payload: Bytes,
  ttl = 60,
): Bytes {
  if (source.length === 16) {
    return concat(
      [0x60, 0, 0, 0],
      u16(payload.length),
      [protocol, ttl],
      source,
      destination,
      payload,
    );
  }
  const head = concat([0x45, 0], u16(20 + payload.length), [0, 0, 0x40, 0, ttl, protocol, 0, 0]);
  const whole = concat(head, source, destination);
  whole.set(u16(checksum(whole)), 10);
  return concat(whole, payload);
}

/** Writes the checksum of a transport segment that has one over the pseudo header (RFC 8200, RFC 9293). */
export function sealed(
  source: Bytes,
  destination: Bytes,
  protocol: number,
  segment: Bytes,
  at: number,
): Bytes {
  segment.set([0, 0], at);
  const pseudo = concat(source, destination, u32(segment.length), [0, 0, 0, protocol]);
  segment.set(u16(checksum(pseudo, segment)), at);
  return segment;
}

/** An ICMP message with its checksum; `rest` is the header's second word. */
export function icmp(
  source: Bytes,
  destination: Bytes,
  type: number,
  code: number,
  rest: readonly number[],
  body: Bytes,
): Bytes {
  const message = concat([type, code, 0, 0], rest, body);
  if (source.length === 16) return sealed(source, destination, ICMP6, message, 2);
  message.set(u16(checksum(message)), 2);
  return message;
}

/** RFC 4884, section 7: a header, then objects; `checksummed` false leaves the checksum 0. */
export function extensions(objects: readonly ArrayLike<number>[], checksummed = true): Bytes {
  const all = concat([0x20, 0, 0, 0], ...objects);
  if (checksummed) all.set(u16(checksum(all)), 2);
  return all;
}

/** RFC 4950: a label stack object. */
export function mplsObject(
  labels: readonly { label: number; trafficClass: number; ttl: number }[],
): Bytes {
  const entries = labels.flatMap(({ label, trafficClass, ttl }, i) =>
    u32(label * 4096 + trafficClass * 512 + (i === labels.length - 1 ? 256 : 0) + ttl)
  );
  return concat(u16(4 + entries.length), [1, 1], entries);
}

/** RFC 5837: the incoming interface (role 0) by ifIndex, IPv4 address, name and MTU. */
export function interfaceObject(index: number, address: Bytes, name: string, mtu: number): Bytes {
  const text = new TextEncoder().encode(name);
  const length = Math.ceil((1 + text.length) / 4) * 4;
  const nameBytes = concat([length], text, new Uint8Array(length - 1 - text.length));
  const family = concat(u16(address.length === 4 ? 1 : 2), [0, 0], address);
  const body = concat(u32(index), family, nameBytes, u32(mtu));
  return concat(u16(4 + body.length), [2, 0b0000_1111], body);
}

/** A SYN-ACK or RST that answers a SYN. */
export function tcpAnswer(syn: Packet, flags: number, options: readonly number[] = []): Bytes {
  const segment = concat(
    u16(syn.destinationPort),
    u16(syn.sourcePort),
    u32((flags & SYN) === 0 ? 0 : 0x1234_5678),
    u32((at32(syn.transport, 4) + 1) % 2 ** 32),
    [(20 + options.length) / 4 << 4, flags],
    u16((flags & RST) === 0 ? 28_960 : 0),
    [0, 0, 0, 0],
    options,
  );
  return sealed(syn.destination, syn.source, TCP, segment, 16);
}
