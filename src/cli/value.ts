/** Values of options: what text is accepted, and the typed value it becomes. */
import { UsageError } from "../domain/exit.ts";
import { isHost, parseLabel } from "../input/target_text.ts";
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
  /** A better message for a text that is not accepted; null for the usual one. */
  hint?(text: string): string | null;
  /** The same values in the original tool's spelling. */
  readonly original?: ValueKind<T>;
}

/** A whole number in decimal, no leading zeros, within min..max. */
export function integer(min: number, max: number, placeholder = "N"): ValueKind<number> {
  return {
    placeholder,
    accepts: `a whole number from ${min} to ${max}`,
    parse: (text) => within(/^(0|[1-9][0-9]*)$/.test(text) ? Number(text) : NaN, min, max),
  };
}

/** A share in percent, with or without its sign: `5`, `5%`, `.1 %`. */
export const percentage: ValueKind<number> = {
  placeholder: "PCT",
  accepts: "a number from 0 to 100, in percent",
  parse: (text) => {
    const match = /^([0-9]+(?:\.[0-9]+)?|\.[0-9]+) ?%?$/.exec(text);
    return match === null ? null : within(Number(match[1]), 0, 100);
  },
};

const MAX_MILLISECONDS = 1e6;

/** A time in ms, with or without a unit: `20`, `20ms`, `500us`, `0.5s`, `1m`. */
export const milliseconds = millisecondsFrom(0);

/** The same from a least time on. */
export function millisecondsFrom(min: number): ValueKind<number> {
  return {
    placeholder: "MS",
    accepts: `a number from ${min} to ${MAX_MILLISECONDS}, in milliseconds unless it has a unit`,
    parse: (text) => {
      if (BARE.test(text)) return within(Number(text), min, MAX_MILLISECONDS);
      const micros = /^([0-9]+(?:\.[0-9]+)?|\.[0-9]+)us$/i.exec(text);
      const ms = micros === null ? unitsMs(text) : Number(micros[1]) / 1000;
      return within(ms, min, MAX_MILLISECONDS);
    },
  };
}

function within(value: number, min: number, max: number): number | null {
  return value >= min && value <= max ? value : null;
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const DURATION = /^(?:(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:ms|s|m|h))+$/i;
const DURATION_PART = /([0-9.]+)(ms|s|m|h)/gi;
const BARE = /^(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)$/;
/** A bare interval or timeout above this many seconds was probably meant in ms. */
const MAX_BARE_SECONDS = 60;

/**
 * A duration in ms, from `minMs` to `maxMs`: `250ms`, `1.5s`, `1m30s`, `2h`, units in either case. A
 * bare number is seconds, as in ping, mtr and tcping. `guarded`: a bare number above 60 is refused.
 */
export function duration(
  minMs: number,
  maxMs: number,
  { guarded = false }: { guarded?: boolean } = {},
): ValueKind<number> {
  const bareMs = (text: string, unitMs: number) => BARE.test(text) ? Number(text) * unitMs : NaN;
  const kind = (bareUnitMs: number) => ({
    placeholder: "DURATION",
    // Made when it is wanted: each start makes all kinds.
    get accepts() {
      const range = `a duration from ${durationText(minMs)} to ${durationText(maxMs)}`;
      const unit = bareUnitMs === 1 ? "ms" : "seconds";
      return `${range}, such as 250ms, 1.5s or 1m30s; a bare number is ${unit}`;
    },
    parse: (text: string) => {
      const bare = bareMs(text, bareUnitMs);
      if (guarded && bareUnitMs > 1 && bare > MAX_BARE_SECONDS * bareUnitMs) return null;
      return within(Number.isNaN(bare) ? unitsMs(text) : bare, minMs, maxMs);
    },
  });
  return Object.assign(kind(UNIT_MS.s), {
    hint: (text: string) => {
      const seconds = bareMs(text, 1);
      if (!guarded || !(seconds > MAX_BARE_SECONDS)) return null;
      const readings = [[`${text}ms`, seconds], [`${text}s`, seconds * UNIT_MS.s]] as const;
      const good = readings.filter(([, ms]) => within(ms, minMs, maxMs) !== null);
      return good.length === 0 ? null : `say ${good.map(([reading]) => reading).join(" or ")}`;
    },
    original: kind(1),
  });
}

/** The sum of a duration's parts in ms; NaN for what is no duration. */
function unitsMs(text: string): number {
  if (!DURATION.test(text)) return NaN;
  const ms = [...text.matchAll(DURATION_PART)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * UNIT_MS[unit.toLowerCase()],
    0,
  );
  // Decimal fractions are not exact: 0.2 s is 200 ms.
  return Math.round(ms * 1e6) / 1e6;
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

/** What requests call a host. */
export const hostName: ValueKind<string> = {
  placeholder: "NAME",
  accepts: "a host's name, without scheme and port",
  parse: (given) => isHost(given) ? given : null,
};

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
