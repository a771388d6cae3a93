/** The internet checksum (RFC 1071), with the pseudo headers of IPv4 (RFC 9293) and IPv6 (RFC 8200). */

/** Adds `length` bytes from `at` on to a sum of 16-bit words; an odd last byte counts as its high half. */
export function addBytes(sum: number, bytes: Uint8Array, at: number, length: number): number {
  const end = Math.min(at + length, bytes.length);
  let i = Math.max(at, 0);
  for (; i + 1 < end; i += 2) sum += bytes[i] << 8 | bytes[i + 1];
  if (i < end) sum += bytes[i] << 8;
  return folded(sum);
}

/**
 * The sum over the pseudo header: both addresses (4 or 16 bytes each), the protocol's number and the
 * length of what follows. The two families' layouts differ, their sums do not.
 */
export function pseudoHeaderSum(
  source: Uint8Array,
  destination: Uint8Array,
  protocol: number,
  length: number,
): number {
  const sum = addBytes(protocol + length, source, 0, source.length);
  return addBytes(sum, destination, 0, destination.length);
}

/** The checksum to be written for a sum; a sum over what bears a right one gives 0. */
export function checksumOf(sum: number): number {
  return ~folded(sum) & 0xffff;
}

function folded(sum: number): number {
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

/**
 * Whether a segment that fills `at` to `end` has a right checksum at `checksumAt`, over its pseudo
 * header too. A packet that never left this machine may bear the pseudo header's sum alone, which
 * the hardware was to complete (CHECKSUM_PARTIAL of <linux/skbuff.h>): it is as good as right.
 */
export function isSealed(
  bytes: Uint8Array,
  at: number,
  end: number,
  checksumAt: number,
  pseudoSum: number,
): boolean {
  if (checksumOf(addBytes(pseudoSum, bytes, at, end - at)) === 0) return true;
  return (bytes[checksumAt] << 8 | bytes[checksumAt + 1]) === folded(pseudoSum);
}
