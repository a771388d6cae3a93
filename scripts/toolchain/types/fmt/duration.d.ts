/** Types of `@std/fmt/duration`, where upstream's cannot be had. */

export interface FormatOptions {
  style?: "narrow" | "digital" | "full";
  ignoreZero?: boolean;
}

/** Milliseconds for people: 99674 is `0d 0h 1m 39s 674ms 0µs 0ns`. */
export declare function format(ms: number, options?: FormatOptions): string;
