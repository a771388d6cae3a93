/**
 * The extensions of ICMP errors (RFC 4884): the MPLS label stack (RFC 4950) and interface
 * information (RFC 5837). Other objects are counted.
 */
import type { IcmpExtensions, InterfaceInfo, InterfaceRole, MplsLabel } from "../domain/path.ts";
import { addressText } from "../domain/address.ts";
import { addBytes, checksumOf } from "./checksum.ts";
import { readU16, readU32 } from "./network_order.ts";

// RFC 4884, section 7: version 2 in the first four bits, twelve bits of zero, a checksum.
const HEADER_BYTES = 4;
const VERSION_AND_ZEROS = 0x2000;
const CHECKSUM_AT = 2;
// RFC 4884, section 7.1
const OBJECT_HEADER_BYTES = 4;
/** More labels or interfaces than this are left out. */
export const MAX_MPLS_LABELS = 8;
export const MAX_INTERFACES = 4;
/** RFC 4884, section 5: a quote that has extensions behind it is at least so long. */
export const LEAST_QUOTE_BYTES = 128;

export const NO_EXTENSIONS: IcmpExtensions = { labels: [], interfaces: [], others: 0 };

/** How sure it is that extensions begin somewhere: the router says so, or that is only where they may. */
export type Placement = "told" | "guessed";

/**
 * The extension structure that fills `at` to `end`; null for what is none: another version, a wrong
 * checksum, an object that ends outside. A checksum of 0 was not computed (RFC 4884, section 7). At a
 * guessed place, only what could hardly be anything else is taken: its objects end where it ends.
 */
export function parseExtensions(
  bytes: Uint8Array,
  at: number,
  end: number,
  placement: Placement,
): IcmpExtensions | null {
  const last = Math.min(end, bytes.length);
  if (at < 0 || at + HEADER_BYTES > last) return null;
  const first = readU16(bytes, at);
  if (placement === "told" ? first >> 12 !== 2 : first !== VERSION_AND_ZEROS) return null;
  const isSummed = readU16(bytes, at + CHECKSUM_AT) !== 0;
  if (isSummed && checksumOf(addBytes(0, bytes, at, last - at)) !== 0) return null;
  const found: Found = { labels: [], interfaces: [], others: 0 };
  let object = at + HEADER_BYTES;
  // Each object has a header's length at least, so this ends.
  for (; object + OBJECT_HEADER_BYTES <= last; object += readU16(bytes, object)) {
    const objectBytes = readU16(bytes, object);
    if (objectBytes < OBJECT_HEADER_BYTES || object + objectBytes > last) return null;
    readObject(bytes, object, object + objectBytes, found);
  }
  const isFilled = object === last && object > at + HEADER_BYTES;
  return placement === "guessed" && !isFilled ? null : found;
}

/**
 * The extensions behind a quote that fills `at` to `end` together with them. `toldAt`: where the
 * router says that they begin, from `at` on; 0 where it does not, or cannot be right. `cutBytes`: how
 * much of the quoted packet's head lies before `at`.
 */
export function findExtensions(
  bytes: Uint8Array,
  at: number,
  end: number,
  toldAt: number,
  cutBytes: number,
): IcmpExtensions {
  if (toldAt > 0) {
    const told = parseExtensions(bytes, at + toldAt, end, "told");
    if (told !== null) return told;
  }
  return parseExtensions(bytes, at + LEAST_QUOTE_BYTES - cutBytes, end, "guessed") ?? NO_EXTENSIONS;
}

// RFC 4950, section 7
const MPLS_CLASS = 1;
const MPLS_INCOMING_STACK = 1;
const ENTRY_BYTES = 4;

/** What was read so far. */
interface Found {
  readonly labels: MplsLabel[];
  readonly interfaces: InterfaceInfo[];
  others: number;
}

function readObject(bytes: Uint8Array, at: number, end: number, out: Found): void {
  const [objectClass, type, body] = [bytes[at + 2], bytes[at + 3], at + OBJECT_HEADER_BYTES];
  if (objectClass === MPLS_CLASS && type === MPLS_INCOMING_STACK) {
    readStack(bytes, body, end, out.labels);
  } else if (objectClass === INTERFACE_CLASS) {
    const told = readInterface(bytes, body, end, type);
    if (told === null || out.interfaces.length >= MAX_INTERFACES) out.others++;
    else out.interfaces.push(told);
  } else out.others++;
}

function readStack(bytes: Uint8Array, from: number, end: number, labels: MplsLabel[]): void {
  for (let at = from; at + ENTRY_BYTES <= end && labels.length < MAX_MPLS_LABELS; at += 4) {
    const entry = readU32(bytes, at);
    labels.push({ label: entry >>> 12, trafficClass: entry >>> 9 & 7, ttl: entry & 255 });
  }
}

// RFC 5837, section 4.1: what the C-Type's bits say is there.
const INTERFACE_CLASS = 2;
const ROLES: readonly InterfaceRole[] = ["incoming", "incoming subnet", "outgoing", "next hop"];
const HAS_INDEX = 8;
const HAS_ADDRESS = 4;
const HAS_NAME = 2;
const HAS_MTU = 1;
/** RFC 5837, section 4.2: address family numbers of IANA. */
const AFI_4 = 1;
const AFI_6 = 2;
/** RFC 5837, section 4.3: the length's own byte included. */
const MAX_NAME_BYTES = 64;

/** Its parts come in the order of the bits; null where one of them is cut. */
function readInterface(
  bytes: Uint8Array,
  from: number,
  end: number,
  type: number,
): InterfaceInfo | null {
  const role = ROLES[type >> 6];
  let at = from;
  let index: number | null = null;
  let address: string | null = null;
  let name: string | null = null;
  let mtuBytes: number | null = null;
  if ((type & HAS_INDEX) !== 0) {
    if (at + 4 > end) return null;
    index = readU32(bytes, at);
    at += 4;
  }
  if ((type & HAS_ADDRESS) !== 0) {
    if (at + 4 > end) return null;
    const family = readU16(bytes, at);
    const length = family === AFI_4 ? 4 : family === AFI_6 ? 16 : 0;
    if (length === 0 || at + 4 + length > end) return null;
    address = addressText(bytes, at + 4, length);
    at += 4 + length;
  }
  if ((type & HAS_NAME) !== 0) {
    const length = bytes[at];
    if (at >= end || length === 0 || length > MAX_NAME_BYTES || at + length > end) return null;
    name = new TextDecoder().decode(bytes.slice(at + 1, at + length)).replace(/\0+$/, "");
    at += length;
  }
  if ((type & HAS_MTU) !== 0) {
    if (at + 4 > end) return null;
    mtuBytes = readU32(bytes, at);
  }
  return { role, index, address, name, mtuBytes };
}
