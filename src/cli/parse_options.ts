/**
 * Arguments to typed values by an option table. `parseArgs` does the splitting, but takes unknown
 * flags silently, an empty value for a missing one and `7` for `007`; what goes into it is
 * therefore checked and spelled out first, and everything comes back as the text that was given.
 */
import { quote } from "../text/quote.ts";
import { parseArgs } from "@std/cli/parse-args";
import { UsageError } from "../domain/exit.ts";
import { nearest } from "./nearest.ts";
import type { Option, OptionTable, ValuesOf } from "./option.ts";

export interface Parsed<T extends OptionTable> {
  readonly values: ValuesOf<T>;
  readonly operands: readonly string[];
  /** The options that were given, by long name. */
  readonly given: ReadonlySet<string>;
}

/** Where an option that this command lacks may belong, to say so. */
export type OwnerOf = (option: string) => string | null;

/** Throws UsageError with one line that names the option, the value and what is accepted. */
export function parseOptions<const T extends OptionTable>(
  command: string,
  table: T,
  argv: readonly string[],
  ownerOf: OwnerOf,
): Parsed<T> {
  const spelled = spellOut(command, table, argv, ownerOf);
  const names = Object.keys(table);
  const valued = names.filter((name) => table[name].arity !== "flag");
  const parsed = parseArgs(spelled, {
    // "_" keeps operands as they were typed.
    string: [...valued, "_"],
    collect: names,
    boolean: names.filter((name) => table[name].arity === "flag"),
    "--": true,
  });
  const values: Record<string, unknown> = {};
  const given = new Set<string>();
  for (const name of names) {
    const texts = textsOf(parsed[name]);
    if (texts.length > 0) given.add(name);
    values[name] = valueOf(name, table[name], texts);
  }
  const operands = [...parsed._.map(String), ...(parsed["--"] ?? [])];
  return { values: values as ValuesOf<T>, operands, given };
}

function textsOf(raw: unknown): string[] {
  return Array.isArray(raw) ? raw.filter((entry) => entry !== false).map(String) : [];
}

function valueOf(name: string, option: Option<unknown>, texts: readonly string[]): unknown {
  const { kind, arity } = option;
  if (texts.length === 0) return option.fallback;
  if (kind === null) return true;
  if (arity === "once" && texts.length > 1) {
    throw new UsageError(`--${name} is given ${texts.length} times; once is accepted`);
  }
  const values = texts.map((text) => {
    const value = kind.parse(text);
    if (value === null) {
      throw new UsageError(`--${name} ${quote(text)}: wants ${kind.accepts}`);
    }
    return value;
  });
  return arity === "many" ? values : values[0];
}

/** Every option as `--name` or `--name=value`, operands behind `--`. */
function spellOut(
  command: string,
  table: OptionTable,
  argv: readonly string[],
  ownerOf: OwnerOf,
): string[] {
  const options: string[] = [];
  const operands: string[] = [];
  const rest = argv.values();
  for (const word of rest) {
    if (word === "--") operands.push(...rest);
    else if (!word.startsWith("-") || word === "-") operands.push(word);
    else {for (const [name, value] of split(command, table, word, ownerOf)) {
        const { kind } = table[name];
        if (kind === null) {
          if (value !== null) {
            throw new UsageError(`--${name} takes no value, but got ${quote(value)}`);
          }
          options.push(`--${name}`);
          continue;
        }
        const text = value ?? rest.next().value;
        const missing = text === undefined || (value === null && isOption(table, text));
        if (missing) throw new UsageError(`--${name} wants a value: ${kind.accepts}`);
        options.push(`--${name}=${text}`);
      }}
  }
  return [...options, "--", ...operands];
}

/** Whether a word that should be a value is rather the next option. */
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
    if (!Object.hasOwn(table, name)) {
      throw unknown(command, table, name, ownerOf);
    }
    yield [name, equals < 0 ? null : word.slice(equals + 1)];
    return;
  }
  for (let i = 1; i < word.length; i++) {
    const name = byShort(table, word[i]);
    if (name === null) {
      throw new UsageError(
        `'${command}' has no option ${quote(`-${word[i]}`)}; ${seeHelp(command)}`,
      );
    }
    const attached = word.slice(i + 1);
    if (table[name].kind === null) yield [name, null];
    else {
      yield [name, attached === "" ? null : attached.replace(/^=/, "")];
      return;
    }
  }
}

function byShort(table: OptionTable, letter: string): string | null {
  return Object.keys(table).find((name) => table[name].short === letter) ?? null;
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

/** The command whose help an original spelling's user is sent to. */
const ORIGINAL_NAMES: Readonly<Record<string, string>> = {
  "--mode probe": "probe",
  "--mode server": "serve",
};

function seeHelp(command: string): string {
  const name = ORIGINAL_NAMES[command] ?? command;
  return `see 'wire-probe help ${name}'`;
}
