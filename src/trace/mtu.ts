/** The next smaller packet to try when one was too big for a link (RFC 1191, RFC 8201). */

/** What links take, for routers that do not say (RFC 1191, section 7.1). */
const PLATEAUS: readonly number[] = [
  32_000,
  17_914,
  9000,
  8166,
  4352,
  2002,
  1492,
  1280,
  1006,
  508,
  296,
  68,
];

/** A size below `sizeBytes`: the one that the router gave, or else the next plateau; null for none. */
export function nextMtu(sizeBytes: number, givenBytes: number): number | null {
  const least = PLATEAUS[PLATEAUS.length - 1];
  if (givenBytes >= least && givenBytes < sizeBytes) return givenBytes;
  return PLATEAUS.find((plateau) => plateau < sizeBytes) ?? null;
}
