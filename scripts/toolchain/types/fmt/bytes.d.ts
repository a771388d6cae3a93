/** Types of `@std/fmt/bytes`, where upstream's cannot be had. */

export interface FormatOptions {
  bits?: boolean;
  binary?: boolean;
  signed?: boolean;
  locale?: boolean | string | string[];
  minimumFractionDigits?: number;
  maximumFractionDigits?: number;
}

/** A number of bytes for people: 1337 is `1.34 kB`. */
export declare function format(num: number, options?: FormatOptions): string;
