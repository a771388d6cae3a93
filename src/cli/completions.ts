/** Completion scripts for bash, zsh and fish, from the option table. */
import type { Option } from "./option.ts";
import {
  COMMAND_NAMES,
  type CommandEntry,
  type CommandName,
  COMMANDS,
  QUESTION,
  type Shell,
  SHELLS,
} from "./table.ts";

/** What each command's first operand may be, where the choice is small. */
const OPERAND_WORDS: Partial<Record<CommandName, readonly string[]>> = {
  completions: SHELLS,
  help: COMMAND_NAMES,
};

export function completionScript(shell: Shell): string {
  switch (shell) {
    case "bash":
      return bash();
    case "zsh":
      return zsh();
    case "fish":
      return fish();
    default:
      return shell satisfies never;
  }
}

/** A command's options with their names. */
function optionsOf(name: CommandName): [string, Option<unknown>][] {
  const entry: CommandEntry = COMMANDS[name];
  return Object.entries(entry.options);
}

/** How an option can be typed. */
function spellings(name: string, option: Option<unknown>): string[] {
  return option.short === null ? [`--${name}`] : [`--${name}`, `-${option.short}`];
}

/** The options of a target without a command, which comes in a command's place. */
function questionOptions(): [string, Option<unknown>][] {
  const entry: CommandEntry = QUESTION;
  return Object.entries(entry.options);
}

function bash(): string {
  const commands = COMMAND_NAMES.map((name) => {
    const all = optionsOf(name).flatMap(([option, of]) => spellings(option, of));
    const words = [...all, ...(OPERAND_WORDS[name] ?? [])].join(" ");
    return `    ${name}) words="${words}" ;;`;
  });
  const words = questionOptions().flatMap(([option, of]) => spellings(option, of));
  commands.push(`    *) words="${words.join(" ")}" ;;`);
  return `# bash completion for wire-probe: eval "$(wire-probe completions bash)"
_wire_probe() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} words=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${COMMAND_NAMES.join(" ")}" -- "$current"))
    [ \${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -A hostname -S : -- "$current"))
    return
  fi
  case "$previous" in
${bashValues().join("\n")}
  esac
  case "\${COMP_WORDS[1]}" in
${commands.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _wire_probe wire-probe
`;
}

/** Values with few words or of files, for the word after their option. */
function bashValues(): string[] {
  const lines = new Set<string>();
  for (const name of COMMAND_NAMES) {
    for (const [option, of] of optionsOf(name)) {
      const { kind } = of;
      if (kind === null) continue;
      const generate = kind.words !== undefined
        ? `-W "${kind.words.join(" ")}"`
        : kind.file === true
        ? "-f"
        : null;
      const reply = generate === null ? "" : `COMPREPLY=($(compgen ${generate} -- "$current")); `;
      lines.add(`    ${spellings(option, of).join("|")}) ${reply}return ;;`);
    }
  }
  return [...lines];
}

function zsh(): string {
  const commands = COMMAND_NAMES.map((name) => `    '${name}:${quoted(COMMANDS[name].summary)}'`);
  const cases = COMMAND_NAMES.map((name) => {
    const specs = optionsOf(name).flatMap(([option, of]) => zshSpecs(option, of));
    const operands = OPERAND_WORDS[name];
    specs.push(operands === undefined ? "'*: :_hosts'" : `'1: :(${operands.join(" ")})'`);
    return `    ${name}) _arguments -s ${specs.join(" ")} ;;`;
  });
  const words = questionOptions().flatMap(([option, of]) => zshSpecs(option, of));
  cases.push(`    *) _arguments -s ${words.join(" ")} ;;`);
  return `#compdef wire-probe
_wire_probe() {
  local -a commands
  commands=(
${commands.join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    _hosts -S :
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${cases.join("\n")}
  esac
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _wire_probe "$@"
else
  compdef _wire_probe wire-probe
fi
`;
}

function zshSpecs(name: string, option: Option<unknown>): string[] {
  const { kind } = option;
  const value = kind === null
    ? ""
    : kind.words !== undefined
    ? `:value:(${kind.words.join(" ")})`
    : kind.file === true
    ? ":file:_files"
    : ":value: ";
  const repeat = option.arity === "many" ? "*" : "";
  const describe = `[${quoted(option.help).replaceAll(/[[\]:]/g, "\\$&")}]`;
  return spellings(name, option).map((spelling) => `'${repeat}${spelling}${describe}${value}'`);
}

/** Fit for single quotes. */
function quoted(text: string): string {
  return text.replaceAll("'", "'\\''");
}

function fish(): string {
  const lines = ["# fish completion for wire-probe", "complete -c wire-probe -f"];
  const none = "__fish_use_subcommand";
  for (const name of COMMAND_NAMES) {
    lines.push(
      `complete -c wire-probe -n ${none} -a ${name} -d '${fishQuoted(COMMANDS[name].summary)}'`,
    );
    const when = `-n '__fish_seen_subcommand_from ${name}'`;
    for (const [option, of] of optionsOf(name)) lines.push(fishLine(when, option, of));
    const operands = OPERAND_WORDS[name];
    if (operands !== undefined) {
      lines.push(`complete -c wire-probe ${when} -a '${operands.join(" ")}'`);
    }
  }
  // The completion after a word that is no command, and so a target.
  const behind = `-n 'test (count (commandline -opc)) -gt 1; and ` +
    `not __fish_seen_subcommand_from ${COMMAND_NAMES.join(" ")}'`;
  for (const [option, of] of questionOptions()) lines.push(fishLine(behind, option, of));
  return lines.join("\n") + "\n";
}

function fishLine(when: string, name: string, option: Option<unknown>): string {
  const { kind } = option;
  const words = [`complete -c wire-probe ${when}`];
  if (option.short !== null) words.push(`-s ${option.short}`);
  words.push(`-l ${name}`);
  if (kind !== null) words.push(kind.file === true ? "-r -F" : "-x");
  if (kind?.words !== undefined) words.push(`-a '${kind.words.join(" ")}'`);
  words.push(`-d '${fishQuoted(option.help)}'`);
  return words.join(" ");
}

/** Inside fish's single quotes only the quote and the backslash are special. */
function fishQuoted(text: string): string {
  return text.replaceAll(/['\\]/g, "\\$&");
}
