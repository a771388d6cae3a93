/** What the types and codes of ICMP and ICMPv6 errors mean: one closed set for both. */
import type { IcmpErrorKind } from "../domain/path.ts";

// RFC 792
const UNREACHABLE_4 = 3;
const TIME_EXCEEDED_4 = 11;
const PARAMETER_4 = 12;
// RFC 4443
const UNREACHABLE_6 = 1;
const TOO_BIG_6 = 2;
const TIME_EXCEEDED_6 = 3;
const PARAMETER_6 = 4;

/** Codes of type 3: RFC 792, RFC 1122 section 3.2.2.1, RFC 1812 section 5.2.7.1. */
const UNREACHABLE_CODES_4: readonly IcmpErrorKind[] = [
  "network unreachable",
  "host unreachable",
  "protocol unreachable",
  "port unreachable",
  "packet too big",
  "source route failed",
  "network unreachable",
  "host unreachable",
  "host unreachable",
  "administratively prohibited",
  "administratively prohibited",
  "network unreachable",
  "host unreachable",
  "administratively prohibited",
  "administratively prohibited",
  "administratively prohibited",
];

/** Codes of type 1: RFC 4443 section 3.1, RFC 6550 section 20.19 and RFC 8883 for the last two. */
const UNREACHABLE_CODES_6: readonly IcmpErrorKind[] = [
  "network unreachable",
  "administratively prohibited",
  "wrong source address",
  "host unreachable",
  "port unreachable",
  "wrong source address",
  "network unreachable",
  "source route failed",
  "parameter problem",
];

const CODE_REASSEMBLY = 1;
/** "Unrecognized next header type encountered" is what IPv4 calls protocol unreachable. */
const CODE_NEXT_HEADER_6 = 1;

/** Null for what is no error that a packet met: replies, redirects, quenches, unknown types. */
export function icmpErrorKind(family: 4 | 6, type: number, code: number): IcmpErrorKind | null {
  return family === 4 ? kindOf4(type, code) : kindOf6(type, code);
}

function kindOf4(type: number, code: number): IcmpErrorKind | null {
  switch (type) {
    case UNREACHABLE_4:
      return UNREACHABLE_CODES_4[code] ?? "host unreachable";
    case TIME_EXCEEDED_4:
      return code === CODE_REASSEMBLY ? "reassembly time exceeded" : "ttl exceeded";
    case PARAMETER_4:
      return "parameter problem";
    default:
      return null;
  }
}

function kindOf6(type: number, code: number): IcmpErrorKind | null {
  switch (type) {
    case UNREACHABLE_6:
      return UNREACHABLE_CODES_6[code] ?? "host unreachable";
    case TOO_BIG_6:
      return "packet too big";
    case TIME_EXCEEDED_6:
      return code === CODE_REASSEMBLY ? "reassembly time exceeded" : "ttl exceeded";
    case PARAMETER_6:
      return code === CODE_NEXT_HEADER_6 ? "protocol unreachable" : "parameter problem";
    default:
      return null;
  }
}
