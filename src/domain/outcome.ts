/** The outcomes of a probe: a closed set, and how each of them is counted. */

export const OUTCOMES = [
  "established",
  "refused",
  "timeout",
  "unreachable",
  "unresolved",
  "error",
] as const;

export type Outcome = typeof OUTCOMES[number];

/** A count for each outcome, all of them 0. */
export function noOutcomes(): Record<Outcome, number> {
  return { established: 0, refused: 0, timeout: 0, unreachable: 0, unresolved: 0, error: 0 };
}

/**
 * How an outcome is counted. `answered`: the target's host replied, be it with a refusal.
 * `lost`: sent, and no reply from the target (RFC 2681: the delay is undefined, not zero).
 * `unsent`: nothing went onto the wire, so the network is not to blame.
 */
export type Fate = "answered" | "lost" | "unsent";

export function fateOf(outcome: Outcome): Fate {
  switch (outcome) {
    case "established":
    case "refused":
      return "answered";
    case "timeout":
    case "unreachable":
      return "lost";
    case "unresolved":
    case "error":
      return "unsent";
    default:
      return outcome satisfies never;
  }
}
