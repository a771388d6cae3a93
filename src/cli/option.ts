/** What an option is: the one entry from which parsing, help and completions are made. */
import type { ValueKind } from "./value.ts";

/** An option whose typed value is a T. */
export interface Option<T> {
  readonly help: string;
  readonly short: string | null;
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

/** An option given at most once. */
export function once<T, const F>(
  kind: ValueKind<T>,
  fallback: F,
  help: string,
  more: { short?: string; shown?: string } = {},
): Option<T | F> {
  const shown = more.shown ?? (fallback === null ? "" : String(fallback));
  return { help, kind, fallback, arity: "once", short: more.short ?? null, shownFallback: shown };
}

/** An option that may be repeated; its values in the order given. */
export function many<T>(kind: ValueKind<T>, help: string, shown = ""): Option<readonly T[]> {
  return { help, kind, fallback: [], arity: "many", short: null, shownFallback: shown };
}

/** An option that is there or not. */
export function flag(help: string, short: string | null = null): Option<boolean> {
  return { help, kind: null, fallback: false, arity: "flag", short, shownFallback: "" };
}
