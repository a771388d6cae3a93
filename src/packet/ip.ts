/** IPv4 and IPv6 headers: read from any bytes whatever, written for packets of our own. */
import { addBytes, checksumOf } from "./checksum.ts";
import { readU16, writeU16 } from "./network_order.ts";

// Protocol numbers (IANA, Assigned Internet Protocol Numbers).
export const PROTOCOL_ICMP = 1;
export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;
export const PROTOCOL_ICMPV6 = 58;

export const IPV4_HEADER_BYTES = 20;
export const IPV6_HEADER_BYTES = 40;
/** A packet with more extension headers than this is not followed. */
export const MAX_EXTENSION_HEADERS = 8;

/** The length of a header without options or extension headers, in bytes. */
export function ipHeaderBytes(family: 4 | 6): number {
  return family === 4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
}

// Where a header has what both versions have: RFC 791, section 3.1; RFC 8200, section 3.
const V4 = {
  version: 4,
  ttlAt: 8,
  protocolAt: 9,
  sourceAt: 12,
  destinationAt: 16,
  bytes: 4,
} as const;
const V6 = {
  version: 6,
  ttlAt: 7,
  protocolAt: 6,
  sourceAt: 8,
  destinationAt: 24,
  bytes: 16,
} as const;

/** What an IP header says; places are offsets into the buffer it was read from. */
export interface IpPacket {
  version: 4 | 6;
  /** Of what is carried, behind IPv6's extension headers. */
  protocol: number;
  /** TTL or hop limit, as it arrived. */
  ttl: number;
  sourceAt: number;
  destinationAt: number;
  /** 4 or 16. */
  addressBytes: number;
  /** Where what is carried begins, and where it ends: by its length or where the buffer's bytes do. */
  payloadAt: number;
  payloadEnd: number;
  /** The packet's length as its header has it, which a quoted or cut packet's bytes do not reach. */
  claimedBytes: number;
}

export function blankIpPacket(): IpPacket {
  return {
    version: 4,
    protocol: 0,
    ttl: 0,
    sourceAt: 0,
    destinationAt: 0,
    addressBytes: 4,
    payloadAt: 0,
    payloadEnd: 0,
    claimedBytes: 0,
  };
}

/** A packet as it came, or as an ICMP error quotes it. */
export type IpOrigin = "received" | "quoted";

/**
 * Reads the header at `at` of a packet that has bytes up to `end`. False, with `out` undefined, for
 * what is no IP packet, is cut within its headers, or is a fragment other than the first. Some hosts
 * quote an IPv4 header with its fragment field in their own byte order. A quote is never of a later
 * fragment (RFC 1122, section 3.2.2), so there the field says nothing.
 */
export function parseIp(
  bytes: Uint8Array,
  at: number,
  end: number,
  out: IpPacket,
  origin: IpOrigin = "received",
): boolean {
  const last = Math.min(end, bytes.length);
  if (at < 0 || at >= last) return false;
  switch (bytes[at] >> 4) {
    case 4:
      if (origin === "received" && isLaterFragment(bytes, at, last)) return false;
      return parseV4(bytes, at, last, out);
    case 6:
      return parseV6(bytes, at, last, out);
    default:
      return false;
  }
}

// RFC 791, section 3.1
const V4_TOTAL_LENGTH_AT = 2;
const V4_FLAGS_AT = 6;
const V4_CHECKSUM_AT = 10;
const V4_DONT_FRAGMENT = 0x4000;
const V4_FRAGMENT_OFFSET = 0x1fff;

function isLaterFragment(bytes: Uint8Array, at: number, end: number): boolean {
  return at + IPV4_HEADER_BYTES <= end &&
    (readU16(bytes, at + V4_FLAGS_AT) & V4_FRAGMENT_OFFSET) !== 0;
}

function parseV4(bytes: Uint8Array, at: number, end: number, out: IpPacket): boolean {
  const headerBytes = (bytes[at] & 0xf) * 4;
  if (headerBytes < IPV4_HEADER_BYTES || at + headerBytes > end) return false;
  const claimed = readU16(bytes, at + V4_TOTAL_LENGTH_AT);
  readFields(bytes, at, V4, out);
  out.payloadAt = at + headerBytes;
  // A length shorter than the header is wrong (or a router's quote in its own byte order).
  out.payloadEnd = claimed < headerBytes ? end : Math.min(end, at + claimed);
  out.claimedBytes = claimed;
  return true;
}

/** Reads what both versions have, from a header that lies in the buffer. */
function readFields(bytes: Uint8Array, at: number, of: typeof V4 | typeof V6, out: IpPacket): void {
  out.version = of.version;
  out.protocol = bytes[at + of.protocolAt];
  out.ttl = bytes[at + of.ttlAt];
  out.sourceAt = at + of.sourceAt;
  out.destinationAt = at + of.destinationAt;
  out.addressBytes = of.bytes;
}

// RFC 8200, section 3
const V6_PAYLOAD_LENGTH_AT = 4;

function parseV6(bytes: Uint8Array, at: number, end: number, out: IpPacket): boolean {
  if (at + IPV6_HEADER_BYTES > end) return false;
  const claimed = readU16(bytes, at + V6_PAYLOAD_LENGTH_AT);
  readFields(bytes, at, V6, out);
  out.payloadAt = at + IPV6_HEADER_BYTES;
  // Zero is a jumbogram's (RFC 2675), whose length is elsewhere.
  out.payloadEnd = claimed === 0 ? end : Math.min(end, out.payloadAt + claimed);
  out.claimedBytes = IPV6_HEADER_BYTES + claimed;
  for (let i = 0; i < MAX_EXTENSION_HEADERS; i++) {
    if (!isExtension(out.protocol)) return true;
    if (!skipExtension(bytes, out)) return false;
  }
  return !isExtension(out.protocol);
}

// RFC 8200, section 4; RFC 4302 for the authentication header
const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const AUTHENTICATION = 51;
const DESTINATION_OPTIONS = 60;

function isExtension(protocol: number): boolean {
  return protocol === HOP_BY_HOP || protocol === ROUTING || protocol === FRAGMENT ||
    protocol === AUTHENTICATION || protocol === DESTINATION_OPTIONS;
}

// RFC 8200, section 4.5
const V6_FRAGMENT_OFFSET = 0xfff8;

function skipExtension(bytes: Uint8Array, out: IpPacket): boolean {
  const at = out.payloadAt;
  if (at + 8 > out.payloadEnd) return false;
  let headerBytes = 8;
  if (out.protocol === FRAGMENT) {
    if ((readU16(bytes, at + 2) & V6_FRAGMENT_OFFSET) !== 0) return false;
  } else if (out.protocol === AUTHENTICATION) headerBytes = (bytes[at + 1] + 2) * 4;
  else headerBytes = (bytes[at + 1] + 1) * 8;
  if (at + headerBytes > out.payloadEnd) return false;
  out.protocol = bytes[at];
  out.payloadAt = at + headerBytes;
  return true;
}

/** Whether the address at `at` of a buffer is this one; false where it does not lie in the buffer. */
export function addressIs(bytes: Uint8Array, at: number, address: Uint8Array): boolean {
  if (at < 0 || at + address.length > bytes.length) return false;
  for (let i = 0; i < address.length; i++) if (bytes[at + i] !== address[i]) return false;
  return true;
}

/**
 * Writes an IPv4 header without options, its checksum included, for a packet of `totalBytes` that
 * no router may fragment. `out` has room for IPV4_HEADER_BYTES at `at`; addresses are 4 bytes.
 */
export function writeIpv4Header(
  out: Uint8Array,
  at: number,
  source: Uint8Array,
  destination: Uint8Array,
  protocol: number,
  ttl: number,
  totalBytes: number,
  tos = 0,
): void {
  out.fill(0, at, at + IPV4_HEADER_BYTES);
  out[at] = 4 << 4 | IPV4_HEADER_BYTES / 4;
  out[at + 1] = tos;
  writeU16(out, at + V4_TOTAL_LENGTH_AT, totalBytes);
  writeU16(out, at + V4_FLAGS_AT, V4_DONT_FRAGMENT);
  out[at + V4.ttlAt] = ttl;
  out[at + V4.protocolAt] = protocol;
  out.set(source, at + V4.sourceAt);
  out.set(destination, at + V4.destinationAt);
  writeU16(out, at + V4_CHECKSUM_AT, checksumOf(addBytes(0, out, at, IPV4_HEADER_BYTES)));
}
