/** Inputs that are nearly right: samples with bytes changed, cut, doubled, or joined with one another's. */
import type { Random } from "../../../tests/unit/random.ts";

/** Bytes on which parsers decide: ends, separators, quotes, highest values. */
const TELLING = [0, 9, 10, 13, 32, 34, 37, 44, 46, 47, 58, 61, 63, 91, 92, 93, 127, 128, 255];
const MAX_CHANGES = 6;
const MAX_BYTES = 70_000;

/** A sample, changed up to six times. */
export function mutated(samples: readonly Uint8Array[], random: Random): Uint8Array<ArrayBuffer> {
  let bytes = [...random.pick(samples)];
  for (let changes = random.int(0, MAX_CHANGES); changes > 0; changes--) {
    bytes = changed(bytes, samples, random);
  }
  return Uint8Array.from(bytes.slice(0, MAX_BYTES));
}

function changed(bytes: number[], samples: readonly Uint8Array[], random: Random): number[] {
  const at = random.int(0, Math.max(0, bytes.length - 1));
  const length = random.int(1, 40);
  switch (random.int(0, 6)) {
    case 0:
      return bytes.toSpliced(at, 1, random.int(0, 255));
    case 1:
      return bytes.toSpliced(at, 1, random.pick(TELLING));
    case 2:
      return bytes.toSpliced(at, 0, ...Array.from({ length }, () => random.int(0, 255)));
    case 3:
      return bytes.toSpliced(at, length);
    case 4:
      return bytes.toSpliced(at, 0, ...bytes.slice(at, at + length));
    case 5:
      // The same again and again: what grows faster than its input shows here.
      return bytes.toSpliced(at, 0, ...Array(random.int(1, 2000)).fill(random.pick(TELLING)));
    default: {
      const other = random.pick(samples);
      return [...bytes.slice(0, at), ...other.slice(random.int(0, Math.max(0, other.length - 1)))];
    }
  }
}
