/** Values of options: what text is accepted, and the typed value it becomes. */
import { UsageError } from "../domain/exit.ts";
import { parseLabel } from "../input/target_text.ts";
import { FEW_BOUNDS_US, MANY_BOUNDS_US, MAX_BOUNDS } from "../stats/buckets.ts";
import { durationText } from "../text/duration.ts";

/** How one kind of value is read. `parse` returns null for a text that is not accepted. */
export interface ValueKind<T> {
  /** Stands for the value in help: `N`, `DURATION`. */
  readonly placeholder: string;
  /** Completes "wants …" in messages. */
  readonly accepts: string;
  parse(text: string): T | null;
  /** The words that complete it in a shell, where they are few. */
  readonly words?: readonly string[];
  /** It names a file, for completion. */
  readonly file?: boolean;
}

/** A whole number in decimal, no leading zeros, within min..max. */
export function integer(min: number, max: number, placeholder = "N"): ValueKind<number> {
  return {
    placeholder,
    accepts: `a whole number from ${min} to ${max}`,
    parse: (text) => within(/^(0|[1-9][0-9]*)$/.test(text) ? Number(text) : NaN, min, max),
  };
}

/** A decimal number within min..max. */
export function decimal(min: number, max: number, placeholder: string): ValueKind<number> {
  return {
    placeholder,
    accepts: `a number from ${min} to ${max}`,
    parse: (text) => within(/^[0-9]+(\.[0-9]+)?$/.test(text) ? Number(text) : NaN, min, max),
  };
}

function within(value: number, min: number, max: number): number | null {
  return value >= min && value <= max ? value : null;
}

const UNIT_MS: Readonly<Record<string, number>> = {
  "": 1,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** A duration in ms, from `minMs` to `maxMs`: `250ms`, `1.5s`, `2m`, `1h`; bare is ms. */
export function duration(minMs: number, maxMs: number): ValueKind<number> {
  return {
    placeholder: "DURATION",
    accepts: `a duration from ${durationText(minMs)} to ${durationText(maxMs)}, ` +
      "such as 250ms, 1.5s or 2m",
    parse: (text) => {
      const match = /^([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|)$/.exec(text);
      return match === null ? null : within(Number(match[1]) * UNIT_MS[match[2]], minMs, maxMs);
    },
  };
}

/** One of a few words. */
export function choice<const W extends readonly string[]>(...words: W): ValueKind<W[number]> {
  return {
    placeholder: words.join("|"),
    accepts: `one of ${words.join(", ")}`,
    parse: (text) => words.find((word) => word === text) ?? null,
    words,
  };
}

/** Any text that is not empty. */
export function text(placeholder: string, accepts: string): ValueKind<string> {
  return { placeholder, accepts, parse: (given) => given === "" ? null : given };
}

/** The path of a file. */
export const file: ValueKind<string> = { ...text("FILE", "a file's path"), file: true };

/** A label, `key=value`. */
export const label: ValueKind<readonly [string, string]> = {
  placeholder: "KEY=VALUE",
  accepts: "key=value, the key of letters, digits and _, the value not empty",
  parse(given): readonly [string, string] | null {
    try {
      return parseLabel(given);
    } catch (error) {
      if (error instanceof UsageError) return null;
      throw error;
    }
  },
};

/** Upper bounds of a histogram's buckets in µs: `few`, `many`, or a list of times. */
export const buckets: ValueKind<readonly number[]> = {
  placeholder: "few|many|LIST",
  accepts: `few, many, or at most ${MAX_BOUNDS} ascending times such as 0.5ms,1ms,10ms,1s`,
  words: ["few", "many"],
  parse(given): readonly number[] | null {
    if (given === "few") return FEW_BOUNDS_US;
    if (given === "many") return MANY_BOUNDS_US;
    const bounds = given.split(",").map(boundOf);
    const good = bounds.length <= MAX_BOUNDS &&
      bounds.every((bound, i) => bound > (i === 0 ? 0 : bounds[i - 1]));
    return good ? bounds : null;
  },
};

const UNIT_US: Readonly<Record<string, number>> = { us: 1, ms: 1000, s: 1_000_000 };
/** No probe takes longer than its timeout of at most a minute. */
const MAX_BOUND_US = 60_000_000;

/** A time as whole µs; NaN for anything else, and for a time without its unit. */
function boundOf(text: string): number {
  const match = /^([0-9]+(?:\.[0-9]+)?)(us|ms|s)$/.exec(text);
  const us = match === null ? NaN : Number(match[1]) * UNIT_US[match[2]];
  return Math.abs(us - Math.round(us)) < 1e-6 && us <= MAX_BOUND_US ? Math.round(us) : NaN;
}

/** `true` or `false`, for options that are on unless told otherwise. */
export const onOff: ValueKind<boolean> = {
  placeholder: "true|false",
  accepts: "true or false",
  parse: (given) => given === "true" ? true : given === "false" ? false : null,
  words: ["true", "false"],
};
