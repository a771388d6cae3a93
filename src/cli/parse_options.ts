/**
 * Turns arguments into typed values by an option table. @std/cli's parseArgs does not fit: it
 * accepts unknown short flags inside bundles, takes an empty value for a missing one and reads
 * `007` as 7.
 */
import { quote } from "../text/quote.ts";
import { UsageError } from "../domain/exit.ts";
import { redacted } from "../input/connection_text.ts";
import { nearest } from "./nearest.ts";
import type { Option, OptionTable, ValuesOf } from "./option.ts";

export interface Parsed<T extends OptionTable> {
  readonly values: ValuesOf<T>;
  readonly operands: readonly string[];
  /** The options that were given, by long name. */
  readonly given: ReadonlySet<string>;
}

/** Names the command that has an option which this command lacks; null for none. */
export type OwnerOf = (option: string) => string | null;

/** Throws UsageError with one line that names the option, the value and what is accepted. */
export function parseOptions<const T extends OptionTable>(
  command: string,
  table: T,
  argv: readonly string[],
  ownerOf: OwnerOf,
): Parsed<T> {
  const texts = new Map<string, string[]>();
  const operands: string[] = [];
  const rest = argv.values();
  for (const word of rest) {
    if (word === "--") operands.push(...rest);
    else if (!word.startsWith("-") || word === "-") operands.push(word);
    else {
      for (const [name, attached] of split(command, table, word, ownerOf)) {
        const value = textOf(table, name, attached, rest);
        texts.set(name, [...texts.get(name) ?? [], value]);
      }
    }
  }
  const values = Object.keys(table).map((name) => [
    name,
    valueOf(name, table[name], texts.get(name) ?? []),
  ]);
  return {
    values: Object.fromEntries(values) as ValuesOf<T>,
    operands,
    given: new Set(texts.keys()),
  };
}

/** The text of an option's value: attached to it, or the next word. Empty for a flag. */
function textOf(
  table: OptionTable,
  name: string,
  attached: string | null,
  rest: Iterator<string, undefined>,
): string {
  const { kind } = table[name];
  if (kind === null) {
    if (attached === null) return "";
    throw new UsageError(`--${name} takes no value, but got ${quote(redacted(attached))}`);
  }
  if (attached !== null) return attached;
  const next = rest.next().value;
  if (next !== undefined && !isOption(table, next)) return next;
  throw new UsageError(`--${name} wants a value: ${kind.accepts}`);
}

function valueOf(name: string, option: Option<unknown>, texts: readonly string[]): unknown {
  const { kind, arity } = option;
  if (texts.length === 0) return option.fallback;
  if (kind === null) return true;
  const values = texts.map((text) => {
    const value = kind.parse(text);
    if (value !== null) return value;
    const shown = quote(redacted(text));
    throw new UsageError(`--${name} ${shown}: ${kind.hint?.(text) ?? `wants ${kind.accepts}`}`);
  });
  return arity === "many" ? values : values[values.length - 1];
}

/** Whether a word in the place of a value is an option. */
function isOption(table: OptionTable, word: string): boolean {
  if (word.startsWith("--")) return true;
  return /^-[A-Za-z]/.test(word) && byShort(table, word[1]) !== null;
}

/** The options of one word, with their values where the word holds them. */
function* split(
  command: string,
  table: OptionTable,
  word: string,
  ownerOf: OwnerOf,
): Generator<[name: string, value: string | null]> {
  if (word.startsWith("--")) {
    const equals = word.indexOf("=");
    const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
    if (name === "json" && equals < 0 && table.output?.kind?.words?.includes("json")) {
      yield ["output", "json"];
      return;
    }
    if (!Object.hasOwn(table, name)) throw unknown(command, table, name, ownerOf);
    yield [name, equals < 0 ? null : word.slice(equals + 1)];
    return;
  }
  for (let i = 1; i < word.length; i++) {
    const name = byShort(table, word[i]);
    if (name === null) {
      const hint = HABITS[word[i]] ?? seeHelp(command);
      throw new UsageError(`'${command}' has no option ${quote(`-${word[i]}`)}; ${hint}`);
    }
    const attached = word.slice(i + 1);
    if (table[name].kind === null) yield [name, null];
    else {
      yield [name, attached === "" ? null : attached.replace(/^=/, "")];
      return;
    }
  }
}

/** The options here for letters that other tools use. */
const HABITS: Readonly<Record<string, string>> = {
  n: "a count is -c N, and addresses are never looked up backwards",
  W: "a timeout is -t DURATION",
  w: "an end by time is --duration DURATION",
  D: "the time of each probe is --timestamps",
  I: "an interface is --interface NAME, an address --source ADDR",
  p: "a port goes to the target: HOST:PORT",
  C: "a count is -c N",
};

function byShort(table: OptionTable, letter: string): string | null {
  const has = ({ short, also }: Option<unknown>) => short === letter || also.includes(letter);
  return Object.keys(table).find((name) => has(table[name])) ?? null;
}

function unknown(
  command: string,
  table: OptionTable,
  name: string,
  ownerOf: OwnerOf,
): UsageError {
  const owner = ownerOf(name);
  if (owner !== null) {
    return new UsageError(`'${command}' has no option --${name}, which belongs to '${owner}'`);
  }
  const near = nearest(name, Object.keys(table));
  const hint = near === null ? seeHelp(command) : `did you mean --${near}?`;
  return new UsageError(`'${command}' has no option ${quote(`--${name}`)}; ${hint}`);
}

/** What messages call a target without a command. */
export const ALONE = "HOST:PORT";

/** Whether the words are the original tool's spelling. */
export function isOriginal(argv: readonly string[]): boolean {
  return argv.some((word) => word === "--mode" || word.startsWith("--mode="));
}

/** The command whose help an original spelling's user is sent to. */
const ORIGINAL_NAMES: Readonly<Record<string, string>> = {
  "--mode probe": "probe",
  "--mode server": "serve",
};

function seeHelp(command: string): string {
  if (command === ALONE) return `a command may: 'wire-probe help compare'`;
  const name = ORIGINAL_NAMES[command] ?? command;
  return `see 'wire-probe help ${name}'`;
}
