/** ICMP and ICMPv6 errors: what they say, the packet they quote, the labels they carry. */
import type { IcmpErrorKind } from "../domain/path.ts";
import { blankMplsStack, type MplsStack, parseExtensions } from "./icmp_extension.ts";
import { icmpErrorKind } from "./icmp_kind.ts";
import { blankIpPacket, type IpPacket, parseIp } from "./ip.ts";
import { readU16, readU32 } from "./network_order.ts";

// RFC 792, RFC 4443: an error's own header, then the packet that met it.
const HEADER_BYTES = 8;
/** RFC 1191, section 4: in the last 16 bits of the header; RFC 4443, section 3.2: 32 bits. */
const MTU_AT_4 = 6;
const MTU_AT_6 = 4;
/** RFC 4884, section 4: the quote's length in words of 4 bytes, or of 8. */
const LENGTH_AT_4 = 5;
const LENGTH_AT_6 = 4;
const LENGTH_UNIT_4 = 4;
const LENGTH_UNIT_6 = 8;
/** RFC 4884, section 5: where senders that give no length put their extensions. */
const LEGACY_QUOTE_BYTES = 128;
/** RFC 792: what a quote holds of the transport header at least. */
const QUOTED_TRANSPORT_BYTES = 8;

/** An error as it was read; places are offsets into the buffer it was read from. */
export interface IcmpError {
  kind: IcmpErrorKind;
  type: number;
  code: number;
  /** The next hop's MTU of "packet too big"; 0 where the router does not give it. */
  mtuBytes: number;
  /** The header of the packet that met the error; `payloadAt` is its transport header. */
  readonly quoted: IpPacket;
  readonly mpls: MplsStack;
}

export function blankIcmpError(): IcmpError {
  return {
    kind: "host unreachable",
    type: 0,
    code: 0,
    mtuBytes: 0,
    quoted: blankIpPacket(),
    mpls: blankMplsStack(),
  };
}

/**
 * Reads an ICMP message (without the IP header before it). True for an error that quotes the head
 * of an IP packet with 8 bytes of its transport header at least; else false, `out` undefined.
 */
export function parseIcmpError(
  bytes: Uint8Array,
  at: number,
  end: number,
  family: 4 | 6,
  out: IcmpError,
): boolean {
  const last = Math.min(end, bytes.length);
  if (at < 0 || at + HEADER_BYTES > last) return false;
  const kind = icmpErrorKind(family, bytes[at], bytes[at + 1]);
  if (kind === null) return false;
  out.kind = kind;
  out.type = bytes[at];
  out.code = bytes[at + 1];
  out.mtuBytes = kind === "packet too big" ? mtuOf(bytes, at, family) : 0;
  const quoteEnd = readExtensions(bytes, at, last, family, out);
  const { quoted } = out;
  if (!parseIp(bytes, at + HEADER_BYTES, quoteEnd, quoted)) return false;
  if (quoted.version !== family) return false;
  return quoted.payloadAt + QUOTED_TRANSPORT_BYTES <= quoted.payloadEnd;
}

function mtuOf(bytes: Uint8Array, at: number, family: 4 | 6): number {
  return family === 4 ? readU16(bytes, at + MTU_AT_4) : readU32(bytes, at + MTU_AT_6);
}

/** Reads what follows the quote, and returns where the quote ends. */
function readExtensions(
  bytes: Uint8Array,
  at: number,
  end: number,
  family: 4 | 6,
  out: IcmpError,
): number {
  const quoteAt = at + HEADER_BYTES;
  out.mpls.count = 0;
  // That field is part of the MTU in the one kind of ICMPv6 error that has no extensions.
  if (family === 6 && out.kind === "packet too big") return end;
  const quoteBytes = family === 4
    ? bytes[at + LENGTH_AT_4] * LENGTH_UNIT_4
    : bytes[at + LENGTH_AT_6] * LENGTH_UNIT_6;
  const legacy = quoteBytes === 0;
  const extensionAt = quoteAt + (legacy ? LEGACY_QUOTE_BYTES : quoteBytes);
  if (extensionAt >= end) return end;
  return parseExtensions(bytes, extensionAt, end, legacy, out.mpls) ? extensionAt : end;
}
