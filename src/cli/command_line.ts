/** The command line as one typed value: defaults, then what was given, then named cross-checks. */
import { quote } from "../text/quote.ts";
import { unicode } from "../text/columns.ts";
import { UsageError } from "../domain/exit.ts";
import { hostPort } from "../domain/target.ts";
import type { CompareOptions } from "../commands/compare/compare.ts";
import type { QuestionOptions } from "../commands/compare/question.ts";
import type { ConnectionsOptions } from "../commands/connections/options.ts";
import type { HeatmapOptions } from "../commands/heatmap/heatmap.ts";
import type { MeshOptions } from "../commands/mesh/mesh.ts";
import type { SelfcheckOptions } from "../commands/selfcheck/selfcheck.ts";
import type { ServeOptions } from "../commands/serve.ts";
import type { TraceOptions } from "../commands/trace/options.ts";
import { redacted } from "../input/connection_text.ts";
import { HOST_PORT, parseHostPort } from "../input/target_text.ts";
import { noOperands, oneOperand } from "./checks.ts";
import {
  compareOptions,
  heatmapOptions,
  meshOptions,
  questionOptions,
  serveOptions,
  traceOptions,
} from "./command_options.ts";
import { connectionsOptions } from "./connections_options.ts";
import { nearest } from "./nearest.ts";
import type { OptionTable } from "./option.ts";
import type { Page } from "./pages.ts";
import { ALONE, isOriginal, type Parsed, parseOptions } from "./parse_options.ts";
import { isRun, parseRun, type RunCommand } from "./run_command.ts";
import { probeOptions } from "./run_options.ts";
import {
  COMMAND_NAMES,
  type CommandName,
  COMMANDS,
  ORIGINAL_OPTIONS,
  QUESTION,
  type Shell,
  SHELLS,
} from "./table.ts";

/** The command to run, and whether it says why it does what it does (`-v`). */
export type Command = CommandOptions & { readonly verbose?: true };

/** A command with its options. `print` only prints a text, and `page` a page. */
type CommandOptions =
  | RunCommand
  | { readonly name: "connections"; readonly options: ConnectionsOptions }
  | { readonly name: "serve"; readonly options: ServeOptions }
  | { readonly name: "trace"; readonly options: TraceOptions }
  | { readonly name: "heatmap"; readonly options: HeatmapOptions }
  | { readonly name: "compare"; readonly options: CompareOptions }
  | { readonly name: "question"; readonly options: QuestionOptions }
  | { readonly name: "mesh"; readonly options: MeshOptions }
  | { readonly name: "selfcheck"; readonly options: SelfcheckOptions }
  | { readonly name: "page"; readonly page: Page }
  | { readonly name: "print"; readonly text: string };

/** Reads the arguments; throws UsageError with the one line to show. */
export function parseCommandLine(argv: readonly string[], version: string): Command {
  if (isOriginal(argv)) return parseOriginal(argv);
  const [first, ...rest] = argv;
  if (first === undefined) {
    throw new UsageError(
      "wants a target, HOST:PORT, to ask whether it is the network, or a command: " +
        `${COMMAND_NAMES.join(", ")}; see 'wire-probe help'`,
    );
  }
  if (first === "--help" || first === "-h") return page({ kind: "general help" });
  if (first === "--version" || first === "-V") return versionText(version);
  const name = COMMAND_NAMES.find((known) => known === first);
  if (name === undefined) return parseQuestion(argv);
  if (wantsHelp(rest)) return commandPage(name);
  return parseCommand(name, rest, version);
}

function wantsHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  const options = end < 0 ? argv : argv.slice(0, end);
  return options.some((word) => word === "--help" || word === "-h");
}

/** A target without a command. A word that cannot be a target is taken for a mistyped command. */
function parseQuestion(argv: readonly string[]): Command {
  const [first] = argv;
  const words = argv.filter((word) => !word.startsWith("-"));
  const target = words.find((word) => /[:./]/.test(word));
  // HOST PORT, as nc and telnet take them.
  const isPair = /^[0-9]{1,5}$/.test(words[1] ?? "");
  const isTarget = isPair || (first.startsWith("-") ? target !== undefined : first === target);
  if (!isTarget) throw unknownCommand(first, "a target is HOST:PORT; see 'wire-probe help'");
  if (wantsHelp(argv)) return page({ kind: "question help" });
  const { values, operands, given } = parseOptions(ALONE, QUESTION.options, argv, optionOwner);
  const command = { name: "question", options: questionOptions(values, operands) } as const;
  return given.has("verbose") ? { ...command, verbose: true } : command;
}

function unknownCommand(word: string, otherwise = "see 'wire-probe help'"): UsageError {
  const known = word.startsWith("-") ? ["--help", "--version"] : COMMAND_NAMES;
  const near = nearest(word, known);
  const hint = near !== null
    ? `did you mean '${near}'?`
    : word.startsWith("-")
    ? "see 'wire-probe help'"
    : otherwise;
  const what = word.startsWith("-") ? "option" : "command";
  return new UsageError(`there is no ${what} ${quote(redacted(word))}; ${hint}`);
}

/** The command that has an option which a target alone does not have: `compare`, if it has it. */
function optionOwner(option: string): string | null {
  return ["compare" as const, ...COMMAND_NAMES].find((name) =>
    Object.hasOwn(COMMANDS[name].options, option)
  ) ?? null;
}

/** The first other command that has the option, for messages. */
function ownerOf(command: CommandName): (option: string) => string | null {
  return (option) =>
    COMMAND_NAMES.find((name) =>
      name !== command && Object.hasOwn(COMMANDS[name].options, option)
    ) ?? null;
}

function parseCommand(name: CommandName, argv: readonly string[], version: string): Command {
  if (isRun(name)) return parseRun(name, argv, ownerOf(name)) ?? commandPage(name);
  const command = parseOptionsOf(name, argv, version);
  const { options } = COMMANDS[name];
  const { given } = parseOptions(name, options, argv, ownerOf(name));
  return given.has("verbose") ? { ...command, verbose: true } : command;
}

function parseOptionsOf(
  name: Exclude<CommandName, RunCommand["name"]>,
  argv: readonly string[],
  version: string,
): CommandOptions {
  const parse = <const T extends OptionTable>(table: T): Parsed<T> =>
    parseOptions(name, table, argv, ownerOf(name));
  const { options } = COMMANDS[name];
  // Bundled with other flags, such as -qh.
  if (parse(options).given.has("help")) return commandPage(name);
  switch (name) {
    case "serve": {
      const { values, operands } = parse(COMMANDS.serve.options);
      return { name, options: serveOptions(values, operands) };
    }
    case "connections": {
      const { values, operands } = parse(COMMANDS.connections.options);
      noOperands(name, operands);
      return { name, options: connectionsOptions(values) };
    }
    case "compare": {
      const { values, operands } = parse(COMMANDS.compare.options);
      return { name, options: compareOptions(values, operands) };
    }
    case "trace": {
      const { values, operands } = parse(COMMANDS.trace.options);
      return { name, options: traceOptions(values, operands) };
    }
    case "heatmap": {
      const { values, operands } = parse(COMMANDS.heatmap.options);
      return { name, options: heatmapOptions(values, operands) };
    }
    case "mesh": {
      const { values, operands } = parse(COMMANDS.mesh.options);
      noOperands(name, operands);
      return { name, options: meshOptions(values) };
    }
    case "selfcheck": {
      const { values, operands } = parse(COMMANDS.selfcheck.options);
      noOperands(name, operands);
      return { name, options: { output: values.output } };
    }
    case "completions":
      return page({ kind: "completions", shell: oneShell(parse(options).operands) });
    case "help": {
      const { values, operands } = parse(COMMANDS.help.options);
      if (!values.man) return helpFor(operands);
      noOperands("help --man", operands);
      return page({ kind: "man page" });
    }
    case "version":
      noOperands(name, parse(options).operands);
      return versionText(version);
    default:
      return name satisfies never;
  }
}

/** The original tool's spelling: its options, and ours beside them. */
function parseOriginal(argv: readonly string[]): Command {
  const table = inOriginal({ ...ORIGINAL_OPTIONS, ...COMMANDS.probe.options });
  const serving = argv.some((word, i) =>
    word === "--mode=server" || (word === "--mode" && argv[i + 1] === "server")
  );
  if (wantsHelp(argv)) return commandPage(serving ? "serve" : "probe");
  if (serving) {
    const parsed = parseOptions(
      "--mode server",
      inOriginal({ mode: ORIGINAL_OPTIONS.mode, ...COMMANDS.serve.options }),
      argv,
      () => null,
    );
    noOperands("--mode server", parsed.operands);
    return { name: "serve", options: serveOptions(parsed.values, []) };
  }
  const { values, operands } = parseOptions("--mode probe", table, argv, () => null);
  noOperands("--mode probe", operands);
  if (values.target === null) throw new UsageError("--mode probe wants --target HOST:PORT");
  const { host, port } = parseHostPort(
    values.target,
    HOST_PORT,
    `--target ${quote(redacted(values.target))}`,
  );
  const name = originalName(values["target-name"] ?? values.target);
  const exports = values.export.length > 0 ? values.export : [{ kind: "collectd-exec" } as const];
  const originals = { ...values, az: originalName(values.az), export: exports };
  const options = probeOptions(originals, [`${name}=${hostPort(host, port)}`]);
  // The lines of the original have no tag for its host.
  return {
    name: "probe",
    options: { ...options, exports: { ...options.exports, hostTag: false } },
  };
}

/** A table whose bare durations are milliseconds, as the original has them. */
function inOriginal<T extends OptionTable>(table: T): T {
  const entries = Object.entries(table).map(([name, option]) => {
    const original = option.kind?.original;
    return [name, original === undefined ? option : { ...option, kind: original }];
  });
  return Object.fromEntries(entries);
}

const refused = unicode("[^\\p{Alphabetic}\\p{N}.-]", "gu");

/** The original keeps letters, digits, `-` and `.` of a name, and puts `_` for the rest. */
function originalName(name: string): string {
  return name.replaceAll(refused(), "_");
}

function oneShell(operands: readonly string[]): Shell {
  const shell = SHELLS.find((known) => known === operands[0]);
  if (shell !== undefined && operands.length === 1) return shell;
  throw new UsageError(`completions wants one of ${SHELLS.join(", ")}`);
}

function helpFor(operands: readonly string[]): CommandOptions {
  const asked = oneOperand("help", operands);
  if (asked === undefined) return page({ kind: "general help" });
  const name = COMMAND_NAMES.find((known) => known === asked);
  if (name === undefined) throw unknownCommand(asked);
  return commandPage(name);
}

function commandPage(command: CommandName): CommandOptions {
  return page({ kind: "command help", command });
}

function page(page: Page): CommandOptions {
  return { name: "page", page };
}

function versionText(version: string): CommandOptions {
  return { name: "print", text: `wire-probe ${version}\n` };
}
