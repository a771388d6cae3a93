/** ICMP and ICMPv6 echo: requests written, replies read (RFC 792, RFC 4443 section 4). */
import { addBytes, checksumOf } from "./checksum.ts";
import { readU16, writeU16 } from "./network_order.ts";

export const ECHO_HEADER_BYTES = 8;
/** ICMP types by family. */
export const ECHO_REQUEST = { 4: 8, 6: 128 } as const;
export const ECHO_REPLY = { 4: 0, 6: 129 } as const;
const CHECKSUM_AT = 2;
export const ECHO_ID_AT = 4;
const SEQUENCE_AT = 6;

export interface Echo {
  id: number;
  sequence: number;
  /** Where the payload lies; it may be empty. */
  payloadAt: number;
  payloadEnd: number;
}

export function blankEcho(): Echo {
  return { id: 0, sequence: 0, payloadAt: 0, payloadEnd: 0 };
}

/**
 * Writes an echo request's header before `payloadBytes` that are there already. The checksum is
 * IPv4's; the one of ICMPv6 takes in the addresses, and the kernel writes it (RFC 3542).
 */
export function writeEchoRequest(
  out: Uint8Array,
  at: number,
  family: 4 | 6,
  id: number,
  sequence: number,
  payloadBytes: number,
): void {
  out[at] = ECHO_REQUEST[family];
  out[at + 1] = 0;
  writeU16(out, at + CHECKSUM_AT, 0);
  writeU16(out, at + ECHO_ID_AT, id);
  writeU16(out, at + SEQUENCE_AT, sequence);
  if (family === 6) return;
  const sum = addBytes(0, out, at, ECHO_HEADER_BYTES + payloadBytes);
  writeU16(out, at + CHECKSUM_AT, checksumOf(sum));
}

/**
 * Reads an echo of this type, ECHO_REQUEST or ECHO_REPLY of a family; false for anything else. An ICMP
 * error may cut the payload of the request that it quotes short.
 */
export function parseEcho(
  bytes: Uint8Array,
  at: number,
  end: number,
  type: number,
  out: Echo,
): boolean {
  const last = Math.min(end, bytes.length);
  if (at < 0 || at + ECHO_HEADER_BYTES > last) return false;
  if (bytes[at] !== type || bytes[at + 1] !== 0) return false;
  out.id = readU16(bytes, at + ECHO_ID_AT);
  out.sequence = readU16(bytes, at + SEQUENCE_AT);
  out.payloadAt = at + ECHO_HEADER_BYTES;
  out.payloadEnd = last;
  return true;
}
