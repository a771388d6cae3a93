/** Types of `@std/cli/parse-args`, where upstream's cannot be had: upstream infers more, so what checks here checks there. */

/** What was parsed: a value a flag, positional arguments in `_`, and those behind `--` when asked for. */
export type Args = Record<string, unknown> & {
  _: (string | number)[];
  "--"?: string[];
};

export interface ParseOptions {
  "--"?: boolean;
  alias?: Record<string, string | readonly string[]>;
  boolean?: boolean | string | readonly string[];
  default?: Record<string, unknown>;
  stopEarly?: boolean;
  string?: string | readonly string[];
  collect?: string | readonly string[];
  negatable?: string | readonly string[];
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

export declare function parseArgs(args: string[], options?: ParseOptions): Args;
