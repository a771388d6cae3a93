/** IP literals: from text to bytes and back (RFC 791, RFC 4291, RFC 5952, RFC 4007 for zones). */
import type { Endpoint } from "./target.ts";

/** Four numbers of one to three digits; none has a leading zero. */
const IPV4 = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/;
/** What Linux calls interfaces: up to IFNAMSIZ-1 characters (RFC 4007 section 11 leaves it open). */
const ZONE = /^[A-Za-z0-9._:@~-]{1,15}$/;
const IPV6_GROUP = /^[0-9a-fA-F]{1,4}$/;

/** The four bytes of a dotted quad without leading zeros, or null. */
export function parseIpv4(text: string): Uint8Array | null {
  const parts = IPV4.exec(text);
  if (parts === null) return null;
  const bytes = new Uint8Array(4);
  for (let i = 0; i < bytes.length; i++) {
    const value = Number(parts[i + 1]);
    if (value > 255) return null;
    bytes[i] = value;
  }
  return bytes;
}

/** The sixteen bytes of an IPv6 literal without brackets or zone, or null. */
export function parseIpv6(text: string): Uint8Array | null {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const head = groupsOf(halves[0], halves.length === 1);
  const tail = halves.length === 2 ? groupsOf(halves[1], true) : [];
  if (head === null || tail === null) return null;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail];
  const bytes = new Uint8Array(16);
  groups.forEach((group, i) => {
    bytes[2 * i] = group >> 8;
    bytes[2 * i + 1] = group & 255;
  });
  return bytes;
}

/** The 16-bit groups of one side of `::`; a dotted quad may stand for the last two. */
function groupsOf(text: string, last: boolean): number[] | null {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [i, part] of parts.entries()) {
    if (IPV6_GROUP.test(part)) {
      groups.push(parseInt(part, 16));
      continue;
    }
    const quad = last && i === parts.length - 1 ? parseIpv4(part) : null;
    if (quad === null) return null;
    groups.push(quad[0] << 8 | quad[1], quad[2] << 8 | quad[3]);
  }
  return groups;
}

/** Whether an IPv6 address is an IPv4 one in disguise, ::ffff:a.b.c.d (RFC 4291, section 2.5.5.2). */
function isMapped(bytes: Uint8Array): boolean {
  return bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 255 &&
    bytes[11] === 255;
}

/** An address as it is dialled: an IPv4-mapped IPv6 address is the IPv4 address, all else stays. */
export function unmapped(text: string): string {
  const bytes = text.startsWith(":") || text.startsWith("0") ? parseIpv6(text) : null;
  return bytes !== null && isMapped(bytes) ? bytes.subarray(12).join(".") : text;
}

/** The endpoint of an IP literal (an IPv6 one may carry `%zone`), or null for anything else. */
export function literalEndpoint(text: string, port: number): Endpoint | null {
  const v4 = parseIpv4(text);
  if (v4 !== null) return { address: text, family: 4, bytes: v4, port };
  const percent = text.indexOf("%");
  if (percent >= 0 && !ZONE.test(text.slice(percent + 1))) return null;
  const v6 = parseIpv6(percent < 0 ? text : text.slice(0, percent));
  return v6 === null ? null : { address: text, family: 6, bytes: v6, port };
}

/** The literal of the 4 or 16 bytes at `at`; by default, of the whole buffer. */
export function addressText(bytes: Uint8Array, at = 0, length: number = bytes.length): string {
  return length === 4 ? bytes.slice(at, at + 4).join(".") : ipv6Text(bytes, at);
}

function ipv6Text(bytes: Uint8Array, at: number): string {
  const groups = Array.from(
    { length: 8 },
    (_, i) => bytes[at + 2 * i] << 8 | bytes[at + 2 * i + 1],
  );
  const [start, count] = longestZeros(groups);
  const text = (part: number[]) => part.map((group) => group.toString(16)).join(":");
  // One zero group alone is not shortened (section 4.2.2).
  if (count < 2) return text(groups);
  return `${text(groups.slice(0, start))}::${text(groups.slice(start + count))}`;
}

/** Where the longest run of zero groups begins, the first of several, and how long it is. */
function longestZeros(groups: readonly number[]): readonly [start: number, count: number] {
  let best: readonly [number, number] = [0, 0];
  let start = 0;
  for (const [i, group] of groups.entries()) {
    if (group !== 0) start = i + 1;
    else if (i + 1 - start > best[1]) best = [start, i + 1 - start];
  }
  return best;
}
