/** A format whose lines are no more than the record's number, padded to a length of one's choice. */
import type { RecordFormat } from "../../../src/format/record_format.ts";

/** `lineBytes` with the newline; a window makes three lines: `w1` to `w3`. */
export function seqFormat(lineBytes = 0): RecordFormat {
  return {
    record: (out, { seq }) => {
      out.int(seq);
      out.padTo(lineBytes - 1);
      out.byte(10);
    },
    window: (out) => {
      out.ascii("w1\nw2\nw3\n");
    },
  };
}

/** The numbers in a text of such lines. */
export function numbersOf(text: string): number[] {
  return text.split("\n").slice(0, -1).map(Number);
}

/** from, from+1, … to */
export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}
