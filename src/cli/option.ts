/** What an option is: the one entry from which parsing, help and completions are made. */
import type { ValueKind } from "./value.ts";

/** An option whose typed value is a T. */
export interface Option<T> {
  readonly help: string;
  readonly short: string | null;
  /** Further letters that users of other tools type. */
  readonly also: readonly string[];
  /** Null for a flag, which takes no value. */
  readonly kind: ValueKind<unknown> | null;
  /** How often it may be given. */
  readonly arity: "flag" | "once" | "many";
  /** The value where it is not given. */
  readonly fallback: T;
  /** How help shows the fallback; empty for not at all. */
  readonly shownFallback: string;
}

/** Options by their long name without the dashes. */
export type OptionTable = Readonly<Record<string, Option<unknown>>>;

/** The typed values of a table. */
export type ValuesOf<T extends OptionTable> = {
  readonly [K in keyof T]: T[K] extends Option<infer V> ? V : never;
};

/** An option with one value; given again, the last one counts. */
export function once<T, const F>(
  kind: ValueKind<T>,
  fallback: F,
  help: string,
  more: { short?: string; shown?: string; also?: readonly string[] } = {},
): Option<T | F> {
  const { short = null, also = [] } = more;
  const shown = more.shown ?? (fallback === null ? "" : String(fallback));
  return { help, kind, fallback, arity: "once", short, also, shownFallback: shown };
}

/** An option that may be repeated; its values in the order given. */
export function many<T>(kind: ValueKind<T>, help: string, shown = ""): Option<readonly T[]> {
  return { help, kind, fallback: [], arity: "many", short: null, also: [], shownFallback: shown };
}

/** An option that is there or not. */
export function flag(help: string, short: string | null = null): Option<boolean> {
  return { help, kind: null, fallback: false, arity: "flag", short, also: [], shownFallback: "" };
}
