/** Packets for tests: built field by field, with none of the code under test but the checksum. */
import { addBytes, checksumOf } from "../../../src/packet/checksum.ts";

export interface Ipv4Fields {
  readonly protocol: number;
  readonly payload: readonly number[];
  readonly options?: readonly number[];
  readonly ttl?: number;
  /** The total length as the header claims it. */
  readonly claimed?: number;
  readonly fragmentOffset?: number;
}

export const SOURCE4 = [192, 0, 2, 1];
export const TARGET4 = [198, 51, 100, 7];
export const SOURCE6 = [0x20, 1, 0xd, 0xb8, ...new Array<number>(11).fill(0), 1];
export const TARGET6 = [0x20, 1, 0xd, 0xb8, ...new Array<number>(11).fill(0), 7];

export function ipv4(fields: Ipv4Fields): number[] {
  const { protocol, payload, options = [], ttl = 64, fragmentOffset = 0 } = fields;
  const headerBytes = 20 + options.length;
  const claimed = fields.claimed ?? headerBytes + payload.length;
  const header = [4 << 4 | headerBytes / 4, 0, ...u16(claimed), 0, 0, ...u16(fragmentOffset)];
  return [...header, ttl, protocol, 0, 0, ...SOURCE4, ...TARGET4, ...options, ...payload];
}

/** `extensions`: of each its number and its bytes after the one that names the next. */
export function ipv6(
  protocol: number,
  payload: readonly number[],
  extensions: readonly (readonly [number: number, ...rest: number[]])[] = [],
): number[] {
  const numbers = [...extensions.map(([number]) => number), protocol];
  const chain = extensions.flatMap(([, ...rest], i) => [numbers[i + 1], ...rest]);
  const length = chain.length + payload.length;
  return [
    0x60,
    0,
    0,
    0,
    ...u16(length),
    numbers[0],
    64,
    ...SOURCE6,
    ...TARGET6,
    ...chain,
    ...payload,
  ];
}

/** An ICMP error around the head of a packet; `rest` is the header's second word. */
export function icmpError(
  type: number,
  code: number,
  rest: readonly number[],
  quoted: readonly number[],
): number[] {
  return [type, code, 0, 0, ...rest, ...quoted];
}

/** An extension structure of RFC 4884 with its checksum. */
export function extensions(...objects: readonly (readonly number[])[]): number[] {
  const bytes = Uint8Array.from([0x20, 0, 0, 0, ...objects.flat()]);
  const sum = checksumOf(addBytes(0, bytes, 0, bytes.length));
  return [0x20, 0, ...u16(sum), ...bytes.slice(4)];
}

/** An object of RFC 4950: entries as label, traffic class, bottom of stack, TTL. */
export function mplsObject(...entries: readonly (readonly number[])[]): number[] {
  const body = entries.flatMap(([label, trafficClass, bottom, ttl]) => [
    label >> 12,
    label >> 4 & 255,
    (label & 15) << 4 | trafficClass << 1 | bottom,
    ttl,
  ]);
  return [...u16(4 + body.length), 1, 1, ...body];
}

export function u16(value: number): number[] {
  return [value >> 8, value & 255];
}

export function padded(bytes: readonly number[], length: number): number[] {
  return [...bytes, ...new Array<number>(Math.max(0, length - bytes.length)).fill(0)];
}

/** Bytes that throw when anything outside `at` to `end` is read or anything at all is written. */
export function guarded(bytes: Uint8Array, at: number, end: number): Uint8Array {
  return new Proxy(bytes, {
    get(target, name): unknown {
      if (typeof name === "string" && /^-?\d+$/.test(name)) {
        const index = Number(name);
        if (index < at || index >= end) throw new RangeError(`read ${index} of ${at}..${end}`);
      }
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
    set(): never {
      throw new TypeError("written to");
    },
  });
}
