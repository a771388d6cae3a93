/**
 * A target's last probes, one character each: a height for a time, a sign for a probe without a
 * time.
 */
import type { Paint } from "./paint.ts";

/** Marks of probes that have no height. All are below any time. */
export const MARK = {
  lost: -1,
  refused: -2,
  /** Never left this machine. */
  unsent: -3,
  /** A slot of the schedule without its probe. */
  skipped: -4,
  /** Answered after a SYN retransmit: its time says nothing about the network. */
  retransmitted: -5,
} as const;

/** From low to high: each step is twice the time of the one before it. */
export const HEIGHTS = "▁▂▃▄▅▆▇█";

interface Sign {
  readonly text: string;
  readonly looks: keyof Paint | null;
}

const SIGNS: ReadonlyMap<number, Sign> = new Map([
  [MARK.lost, { text: "×", looks: "bad" }],
  [MARK.refused, { text: "r", looks: "warn" }],
  [MARK.unsent, { text: "?", looks: "bad" }],
  [MARK.skipped, { text: "·", looks: null }],
  [MARK.retransmitted, { text: "!", looks: "warn" }],
]);

/** What heights and signs mean, in phrases. */
export const SPARKLINE_LEGEND: readonly string[] = [
  `${HEIGHTS} from the target's best time up, each step doubles it`,
  "× lost",
  "! answered after a SYN retransmit",
  "r refused",
  "? not sent",
  "· skipped",
];

/**
 * One character for each of `values`, times in µs or marks, in their order. The lowest height is
 * `leastUs`, so that the same shape is the same ratio on every line.
 */
export function sparkline(values: Iterable<number>, leastUs: number, paint: Paint): string {
  let line = "";
  // Neighbours of one colour share its escape sequences.
  let run = "";
  let runLooks: keyof Paint | null = null;
  const endRun = () => {
    line += runLooks === null || run === "" ? run : paint[runLooks](run);
    run = "";
  };
  for (const value of values) {
    const sign = SIGNS.get(value);
    const looks = sign?.looks ?? null;
    if (looks !== runLooks) endRun();
    runLooks = looks;
    run += sign?.text ?? height(value, leastUs);
  }
  endRun();
  return line;
}

function height(us: number, leastUs: number): string {
  const steps = Math.round(Math.log2(Math.max(1, us) / Math.max(1, leastUs)));
  return HEIGHTS[Math.min(HEIGHTS.length - 1, Math.max(0, steps))];
}
