/** The extensions of ICMP errors (RFC 4884), and the MPLS label stack that they carry (RFC 4950). */
import type { MplsLabel } from "../domain/path.ts";
import { addBytes, checksumOf } from "./checksum.ts";
import { readU16, readU32 } from "./network_order.ts";

// RFC 4884, section 7
const HEADER_BYTES = 4;
const VERSION = 2;
const CHECKSUM_AT = 2;
// RFC 4884, section 7.1
const OBJECT_HEADER_BYTES = 4;
// RFC 4950, section 7
const MPLS_CLASS = 1;
const MPLS_INCOMING_STACK = 1;
const ENTRY_BYTES = 4;
/** A stack deeper than this is cut. */
export const MAX_MPLS_LABELS = 8;

/** The label stack that a packet bore when it came to the router; `labels[0]` is the top. */
export interface MplsStack {
  count: number;
  readonly labels: readonly MplsLabel[];
}

export function blankMplsStack(): MplsStack {
  const labels = Array.from(
    { length: MAX_MPLS_LABELS },
    () => ({ label: 0, trafficClass: 0, ttl: 0 }),
  );
  return { count: 0, labels };
}

/**
 * Reads the extension structure that fills `at` to `end`. False, with an empty stack, for what is
 * none: another version, a wrong checksum, an object that ends outside. `checksumNeeded`: a sender
 * that does not say where the structure lies must at least have summed it up.
 */
export function parseExtensions(
  bytes: Uint8Array,
  at: number,
  end: number,
  checksumNeeded: boolean,
  out: MplsStack,
): boolean {
  out.count = 0;
  const last = Math.min(end, bytes.length);
  if (at < 0 || at + HEADER_BYTES > last || bytes[at] >> 4 !== VERSION) return false;
  const summed = readU16(bytes, at + CHECKSUM_AT) !== 0;
  if (summed ? checksumOf(addBytes(0, bytes, at, last - at)) !== 0 : checksumNeeded) return false;
  // Each object has a header's length at least, so this ends.
  for (let object = at + HEADER_BYTES; object + OBJECT_HEADER_BYTES <= last;) {
    const objectBytes = readU16(bytes, object);
    if (objectBytes < OBJECT_HEADER_BYTES || object + objectBytes > last) {
      out.count = 0;
      return false;
    }
    if (bytes[object + 2] === MPLS_CLASS && bytes[object + 3] === MPLS_INCOMING_STACK) {
      readStack(bytes, object + OBJECT_HEADER_BYTES, object + objectBytes, out);
    }
    object += objectBytes;
  }
  return true;
}

function readStack(bytes: Uint8Array, at: number, end: number, out: MplsStack): void {
  for (; at + ENTRY_BYTES <= end && out.count < MAX_MPLS_LABELS; at += ENTRY_BYTES) {
    const entry = readU32(bytes, at);
    const label = out.labels[out.count++];
    label.label = entry >>> 12;
    label.trafficClass = entry >>> 9 & 7;
    label.ttl = entry & 255;
  }
}
