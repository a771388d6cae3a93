import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { parseCommandLine } from "../../../src/cli/command_line.ts";
import { completionScript } from "../../../src/cli/completions.ts";
import { commandHelp, generalHelp } from "../../../src/cli/help.ts";
import { pageText } from "../../../src/cli/pages.ts";
import { COMMAND_NAMES, type CommandEntry, COMMANDS, SHELLS } from "../../../src/cli/table.ts";

/** The page that a command line asks for. */
function printed(...argv: string[]): string {
  const command = parseCommandLine(argv, "1.2.3");
  assertEquals(command.name, "page");
  return command.name === "page" ? pageText(command.page, "1.2.3") : "";
}

const entries: [string, CommandEntry][] = COMMAND_NAMES.map((name) => [name, COMMANDS[name]]);

Deno.test("help for the tool lists every command", () => {
  for (const argv of [["help"], ["--help"], ["-h"]]) assertEquals(printed(...argv), generalHelp());
  for (const [name, { summary }] of entries) {
    assert(generalHelp().includes(`  ${name} `), name);
    assertStringIncludes(generalHelp(), summary);
  }
});

Deno.test("help for a command is the same however it is asked for", () => {
  for (const name of COMMAND_NAMES) {
    const page = commandHelp(name);
    assertEquals(printed("help", name), page);
    assertEquals(printed(name, "--help"), page);
    assertEquals(printed(name, "-h"), page);
  }
  assertEquals(printed("probe", "db:1", "-c", "5", "--help"), commandHelp("probe"));
  assertEquals(printed("probe", "--bogus", "--help"), commandHelp("probe"));
});

Deno.test("a command that listens shows its port as an operand, and not among what is probed", () => {
  const [usage, , , , heading, port] = commandHelp("serve").split("\n");
  assertEquals([usage, heading], [
    "usage: wire-probe serve [OPTION…] [PORT]",
    "where it listens:",
  ]);
  assertStringIncludes(port, "-p, --port PORT");
});

Deno.test("help among bundled flags is help", () => {
  assertEquals(printed("probe", "-qh", "db:1"), commandHelp("probe"));
});

Deno.test("help in the original's spelling is help, not a server", () => {
  assertEquals(printed("--mode", "server", "--help"), commandHelp("serve"));
  assertEquals(printed("--mode", "probe", "--help"), commandHelp("probe"));
});

Deno.test("each command's page has all its options with their defaults, 80 columns wide", () => {
  for (const name of COMMAND_NAMES) {
    const page = commandHelp(name);
    const entry: CommandEntry = COMMANDS[name];
    for (const [option, { short, shownFallback }] of Object.entries(entry.options)) {
      const heading = short === null ? `    --${option}` : `-${short}, --${option}`;
      assert(page.includes(`\n  ${heading}`), `${name} ${heading}`);
      const words = page.replaceAll(/\s+/g, " ");
      if (shownFallback !== "") assertStringIncludes(words, `(default ${shownFallback})`);
    }
    for (const line of page.split("\n")) assert(line.length <= 80, `${name}: ${line}`);
    assertEquals(page.split("\n").filter((line) => / $/.test(line)), []);
  }
});

Deno.test("the page of the tool as a whole is 80 columns wide", () => {
  for (const line of generalHelp().split("\n")) assert(line.length <= 80, line);
});

Deno.test("no two options of a command share a letter, and none lacks a word of help", () => {
  for (const [name, { options }] of entries) {
    const letters = Object.values(options).flatMap(({ short }) => short ?? []);
    assertEquals(new Set(letters).size, letters.length, name);
    assert(Object.values(options).every(({ help }) => help !== ""));
  }
});

Deno.test("every shell's completion has every command, option and choice", () => {
  for (const shell of SHELLS) {
    const script = printed("completions", shell);
    assertEquals(script, completionScript(shell));
    for (const [name, { options }] of entries) {
      assertStringIncludes(script, name);
      for (const [option, { short, kind }] of Object.entries(options)) {
        const [long, letter] = shell === "fish" ? ["-l ", "-s "] : ["--", "-"];
        assertStringIncludes(script, `${long}${option}`);
        if (short !== null) assertStringIncludes(script, `${letter}${short}`);
        if (kind?.words !== undefined) assertStringIncludes(script, kind.words.join(" "));
      }
    }
  }
});

Deno.test("bash completion offers a command its own options and no other's", () => {
  const script = completionScript("bash");
  for (const [name, { options }] of entries) {
    const [, words] = new RegExp(`^ {4}${name}\\) words="([^"]*)"`, "m").exec(script) ?? [];
    const long = words.split(" ").filter((word) => word.startsWith("--"));
    assertEquals(long, Object.keys(options).map((option) => `--${option}`));
  }
});

Deno.test("quotes in texts cannot break a completion script", () => {
  for (const shell of ["zsh", "fish"] as const) {
    for (const line of completionScript(shell).split("\n")) {
      if (line.startsWith("#")) continue;
      const unescaped = line.replaceAll("'\\''", "").replaceAll("\\'", "");
      assertEquals(unescaped.split("'").length % 2, 1, line);
    }
  }
});
