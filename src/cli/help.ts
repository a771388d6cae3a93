/** Help, from the option table. */
import { wrap } from "../text/words.ts";
import {
  EXAMPLES,
  EXIT_CODES,
  type ExitMeaning,
  GROUPS,
  LISTENING,
  NOTES,
  QUESTION_EXAMPLES,
} from "./help_texts.ts";
import type { Option } from "./option.ts";
import { COMMAND_NAMES, type CommandEntry, type CommandName, COMMANDS, QUESTION } from "./table.ts";

const LINE_WIDTH = 80;

/** The page for the tool as a whole. */
export function generalHelp(): string {
  const width = Math.max(...COMMAND_NAMES.map((name) => name.length));
  const lines = COMMAND_NAMES.map((name) => `  ${name.padEnd(width)}  ${COMMANDS[name].summary}`);
  return `wire-probe measures the TCP handshake's round trip, as the kernel saw it.

usage: wire-probe HOST:PORT      is it the network? an answer in ten seconds
       wire-probe COMMAND [OPTION…] [TARGET…]

${lines.join("\n")}

examples:
  wire-probe db-host:5432                   what people type first
  wire-probe serve                          on the database node
  wire-probe probe db-host:9999             on the application node
  wire-probe probe -c 20 --output json db1=10.0.0.5:5432 db2=[2001:db8::5]:5432

'wire-probe help COMMAND' lists a command's options, examples and exit codes.
`;
}

/** The page for one command: options in groups, three examples, its exit codes. */
export function commandHelp(name: CommandName): string {
  return pageOf(`${name} `, COMMANDS[name], EXAMPLES[name], EXIT_CODES[name], NOTES[name]);
}

function pageOf(
  name: string,
  entry: CommandEntry,
  examples: readonly string[],
  exitCodes: readonly ExitMeaning[],
  notes: readonly ExitMeaning[] = [],
): string {
  const operands = entry.operands === "" ? "" : ` ${entry.operands}`;
  const groups = groupsOf(entry).map(([title, options]) =>
    `${title}:\n${options.map(([option, of]) => optionLines(option, of)).join("\n")}\n`
  );
  const noted = notes.map(([term, meaning]) =>
    `  ${term.padEnd(NOTE_COLUMN - 2)}${fold(meaning, NOTE_COLUMN)}\n`
  );
  const notesText = noted.length === 0 ? "" : `\nnotes:\n${noted.join("")}`;
  const codes = exitCodes.map(([code, meaning]) => `  ${code}  ${meaning}`);
  return `usage: wire-probe ${name}[OPTION…]${operands}

${capital(entry.summary)}.

${groups.join("\n")}${notesText}
examples:
${examples.map((example) => `  ${example}`).join("\n")}

exit codes:
${codes.join("\n")}
`;
}

/** The page for a target without a command. */
export function questionHelp(): string {
  return pageOf("", QUESTION, QUESTION_EXAMPLES, EXIT_CODES.compare);
}

/** A command's options by what they are about; groups without any are left out. */
export function groupsOf(
  { options }: CommandEntry,
): readonly (readonly [title: string, options: readonly [string, Option<unknown>][]])[] {
  const groups = Object.hasOwn(options, "backlog")
    ? [LISTENING, ...GROUPS.filter(([, names]) => !names.includes("port"))]
    : GROUPS;
  const grouped = new Set(groups.flatMap(([, names]) => names));
  const all: [string, readonly string[]][] = [
    ...groups.map(([title, names]): [string, readonly string[]] => [title, names]),
    ["other options", Object.keys(options).filter((name) => !grouped.has(name))],
  ];
  return all.flatMap(([title, names]) => {
    const here = names.filter((name) => Object.hasOwn(options, name));
    return here.length === 0
      ? []
      : [[title, here.map((name): [string, Option<unknown>] => [name, options[name]])] as const];
  });
}

/** Where the meaning of a note begins. */
const NOTE_COLUMN = 16;
/** Where the text of an option begins. */
const TEXT_COLUMN = 30;

/** An option with its text beside it; below it where its heading is too long. */
function optionLines(name: string, option: Option<unknown>): string {
  const fallback = option.shownFallback === "" ? "" : ` (default ${option.shownFallback})`;
  const text = fold(option.help + fallback, TEXT_COLUMN);
  const left = `  ${heading(name, option)}`;
  if (left.length + 2 <= TEXT_COLUMN) return left.padEnd(TEXT_COLUMN) + text;
  return `${left}\n${" ".repeat(TEXT_COLUMN)}${text}`;
}

function heading(name: string, option: Option<unknown>): string {
  const value = option.kind === null ? "" : ` ${option.kind.placeholder}`;
  const short = option.short === null ? "    " : `-${option.short}, `;
  return `${short}--${name}${value}`;
}

/** Folds a text so that it stays right of the given column. */
function fold(text: string, column: number): string {
  return wrap(text.split(" "), LINE_WIDTH - column).join(`\n${" ".repeat(column)}`);
}

function capital(text: string): string {
  return text[0].toUpperCase() + text.slice(1);
}
