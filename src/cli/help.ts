/** Help, from the option table. */
import { wrap } from "../text/words.ts";
import type { Option } from "./option.ts";
import { COMMAND_NAMES, type CommandEntry, type CommandName, COMMANDS } from "./table.ts";

const LINE_WIDTH = 80;

const EXIT_CODES = `Exit codes: 0 every target answered, 1 a target never answered or a threshold
was crossed, 2 a name did not resolve, 3 usage, 4 system error.
`;

/** The page for the tool as a whole. */
export function generalHelp(): string {
  const width = Math.max(...COMMAND_NAMES.map((name) => name.length));
  const lines = COMMAND_NAMES.map((name) => `  ${name.padEnd(width)}  ${COMMANDS[name].summary}`);
  return `wire-probe measures the TCP handshake's round trip, SYN to SYN-ACK, as the kernel saw it.

usage: wire-probe COMMAND [OPTION…] [TARGET…]

${lines.join("\n")}

examples:
  wire-probe serve                          on the database node
  wire-probe probe db-host:9999             on the application node
  wire-probe probe -c 20 --output json db1=10.0.0.5:5432 db2=[2001:db8::5]:5432

'wire-probe help COMMAND' lists a command's options. ${EXIT_CODES}`;
}

/** The page for one command. */
export function commandHelp(name: CommandName): string {
  const entry: CommandEntry = COMMANDS[name];
  const left = Object.entries(entry.options).map(([option, of]) => heading(option, of));
  const width = Math.max(...left.map((text) => text.length)) + 2;
  const lines = Object.values(entry.options).map((option, i) => {
    const fallback = option.shownFallback === "" ? "" : ` (default ${option.shownFallback})`;
    return `  ${left[i].padEnd(width)}${fold(option.help + fallback, width + 2)}`;
  });
  const operands = entry.operands === "" ? "" : ` ${entry.operands}`;
  return `usage: wire-probe ${name} [OPTION…]${operands}

${capital(entry.summary)}.

${lines.join("\n")}

${entry.exitCodes ?? EXIT_CODES}`;
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
