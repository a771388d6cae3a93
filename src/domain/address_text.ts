/** IP addresses from bytes to text: dotted quads, and IPv6 as RFC 5952 wants it. */

/** The literal of the 4 or 16 bytes at `at`: without it, of the whole of them. */
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
