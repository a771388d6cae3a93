/** TCP segments: a SYN as a client of today sends it, and the answers to it (RFC 9293). */
import { PROTOCOL_TCP } from "./ip.ts";
import { addBytes, checksumOf, pseudoHeaderSum } from "./checksum.ts";
import { readU16, readU32, writeU16, writeU32 } from "./network_order.ts";

// RFC 9293, section 3.1
export const TCP_CHECKSUM_AT = 16;
export const TCP_SYN = 0x02;
export const TCP_RST = 0x04;
export const TCP_ACK = 0x10;
const MIN_HEADER_BYTES = 20;
const AT = { sequence: 4, acknowledgment: 8, offset: 12, flags: 13, window: 14 } as const;

/** The fields of a SYN that differ from probe to probe. */
export interface Syn {
  sourcePort: number;
  destinationPort: number;
  sequence: number;
  /** The largest segment we would take. */
  maxSegmentBytes: number;
  /** The clock of RFC 7323: any 32 bits. */
  timestamp: number;
}

/** What Linux offers in its SYNs: the largest window that needs no scaling. */
const WINDOW = 64_240;
/**
 * Options in the order of Linux, which middleboxes know: maximum segment size (RFC 9293), SACK
 * permitted (RFC 2018), timestamps and window scale (RFC 7323).
 */
const OPTIONS = [2, 4, 0, 0, 4, 2, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3, 7];
const MSS_AT = MIN_HEADER_BYTES + 2;
const TIMESTAMP_AT = MIN_HEADER_BYTES + 8;
export const SYN_BYTES = MIN_HEADER_BYTES + OPTIONS.length;

/** Writes a SYN of SYN_BYTES at `at`, where there is room for it; its checksum is left 0. */
export function writeSyn(out: Uint8Array, at: number, syn: Syn): void {
  out.fill(0, at, at + MIN_HEADER_BYTES);
  writeU16(out, at, syn.sourcePort);
  writeU16(out, at + 2, syn.destinationPort);
  writeU32(out, at + AT.sequence, syn.sequence);
  out[at + AT.offset] = SYN_BYTES / 4 << 4;
  out[at + AT.flags] = TCP_SYN;
  writeU16(out, at + AT.window, WINDOW);
  out.set(OPTIONS, at + MIN_HEADER_BYTES);
  writeU16(out, at + MSS_AT, syn.maxSegmentBytes);
  writeU32(out, at + TIMESTAMP_AT, syn.timestamp);
}

/** Writes the checksum of a segment of `length` bytes at `at` between two addresses of one family. */
export function sealTcp(
  out: Uint8Array,
  at: number,
  length: number,
  source: Uint8Array,
  destination: Uint8Array,
): void {
  writeU16(out, at + TCP_CHECKSUM_AT, 0);
  const pseudo = pseudoHeaderSum(source, destination, PROTOCOL_TCP, length);
  writeU16(out, at + TCP_CHECKSUM_AT, checksumOf(addBytes(pseudo, out, at, length)));
}

/** A segment's header. */
export interface TcpSegment {
  sourcePort: number;
  destinationPort: number;
  sequence: number;
  acknowledgment: number;
  flags: number;
  window: number;
  /** Where the options begin and end. */
  optionsAt: number;
  optionsEnd: number;
}

export function blankTcpSegment(): TcpSegment {
  return {
    sourcePort: 0,
    destinationPort: 0,
    sequence: 0,
    acknowledgment: 0,
    flags: 0,
    window: 0,
    optionsAt: 0,
    optionsEnd: 0,
  };
}

/** Reads a segment's header; false for what is too short for one, or has a wrong header length. */
export function parseTcp(bytes: Uint8Array, at: number, end: number, out: TcpSegment): boolean {
  const last = Math.min(end, bytes.length);
  if (at < 0 || at + MIN_HEADER_BYTES > last) return false;
  const headerBytes = (bytes[at + AT.offset] >> 4) * 4;
  if (headerBytes < MIN_HEADER_BYTES || at + headerBytes > last) return false;
  out.sourcePort = readU16(bytes, at);
  out.destinationPort = readU16(bytes, at + 2);
  out.sequence = readU32(bytes, at + AT.sequence);
  out.acknowledgment = readU32(bytes, at + AT.acknowledgment);
  out.flags = bytes[at + AT.flags];
  out.window = readU16(bytes, at + AT.window);
  out.optionsAt = at + MIN_HEADER_BYTES;
  out.optionsEnd = at + headerBytes;
  return true;
}

// RFC 9293, section 3.2; RFC 7323, section 2.2
const OPTION_END = 0;
const OPTION_NOTHING = 1;
const OPTION_MSS = 2;
const OPTION_WINDOW_SCALE = 3;

/** What a SYN or SYN-ACK offers; null where the option is missing. */
export interface SynOffer {
  readonly maxSegmentBytes: number | null;
  readonly windowScale: number | null;
}

/**
 * The options of a segment that was just read. An option that is cut, or has a wrong length, ends
 * them.
 */
export function synOffer(bytes: Uint8Array, { optionsAt, optionsEnd }: TcpSegment): SynOffer {
  let maxSegmentBytes: number | null = null;
  let windowScale: number | null = null;
  for (let at = optionsAt; at < optionsEnd && bytes[at] !== OPTION_END;) {
    if (bytes[at] === OPTION_NOTHING) {
      at++;
      continue;
    }
    // An option's kind may be the last byte that there is.
    const length = at + 1 < optionsEnd ? bytes[at + 1] : 0;
    if (length < 2 || at + length > optionsEnd) break;
    if (bytes[at] === OPTION_MSS && length === 4) maxSegmentBytes = readU16(bytes, at + 2);
    if (bytes[at] === OPTION_WINDOW_SCALE && length === 3) windowScale = bytes[at + 2];
    at += length;
  }
  return { maxSegmentBytes, windowScale };
}
