/** Exit codes, and the two errors that main turns into one line and a code. */

export const EXIT = {
  /** Every target answered and no threshold was crossed. */
  ok: 0,
  /** A target never answered, or a threshold was crossed. */
  failed: 1,
  unresolved: 2,
  usage: 3,
  system: 4,
} as const;

export type ExitCode = typeof EXIT[keyof typeof EXIT];

/** What the user typed or wrote in a file cannot be used; the message names it. */
export class UsageError extends Error {
  /** For who tells errors apart by their names. */
  override readonly name = "UsageError";
}

/** The system refuses what is needed: a port in use, a missing permission. */
export class SystemError extends Error {
  /** For who tells errors apart by their names. */
  override readonly name = "SystemError";
}
