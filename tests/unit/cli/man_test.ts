import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { parseCommandLine } from "../../../src/cli/command_line.ts";
import { groupsOf } from "../../../src/cli/help.ts";
import { EXAMPLES, NOTES } from "../../../src/cli/help_texts.ts";
import { manPage, roff } from "../../../src/cli/man.ts";
import { pageText } from "../../../src/cli/pages.ts";
import { COMMAND_NAMES, type CommandEntry, COMMANDS } from "../../../src/cli/table.ts";

const page = manPage("1.2.3");

Deno.test("the man page is what help --man prints", () => {
  const command = parseCommandLine(["help", "--man"], "1.2.3");
  assertEquals(command.name === "page" && pageText(command.page, "1.2.3"), page);
});

Deno.test("the man page has every command, every option and every default", () => {
  const words = page.replaceAll(/\s+/g, " ");
  for (const name of COMMAND_NAMES) {
    assertStringIncludes(page, `\n.SS ${roff(name)}\n`);
    const entry: CommandEntry = COMMANDS[name];
    for (const [option, { help, short, shownFallback }] of Object.entries(entry.options)) {
      assertStringIncludes(page, `\\fB${roff(`--${option}`)}\\fR`);
      if (short !== null) assertStringIncludes(page, `\\fB${roff(`-${short}`)}\\fR, `);
      assertStringIncludes(words, roff(help));
      if (shownFallback !== "") assertStringIncludes(words, roff(`(default ${shownFallback})`));
    }
  }
});

Deno.test("a command has the groups and the examples in the man page that its help has", () => {
  const sections = page.split("\n.SS ").slice(1);
  for (const [place, name] of COMMAND_NAMES.entries()) {
    const lines = sections[place].split("\n");
    assertEquals(lines[0], roff(name));
    const titles = lines.filter((line) => line.startsWith(".I ")).map((line) => line.slice(3));
    const groups = groupsOf(COMMANDS[name]).map(([title]) => roff(title));
    const notes = NOTES[name] === undefined ? [] : ["notes"];
    assertEquals(titles, [...groups, ...notes, "examples"]);
    const from = lines.indexOf(".nf") + 1;
    assertEquals(lines.slice(from, lines.indexOf(".fi")), EXAMPLES[name].map(roff));
  }
});

Deno.test("the man page is ASCII in lines of at most 80 bytes", () => {
  for (const line of page.split("\n")) {
    assert(/^[\x20-\x7e]*$/.test(line), line);
    assert(line.length <= 80, line);
  }
});

Deno.test("nothing in a text is taken for a request or an escape", () => {
  assertEquals(roff(".TH"), "\\&.TH");
  assertEquals(roff("'br"), "\\(aqbr");
  assertEquals(roff("a\\fB-b"), "a\\efB\\-b");
  assertEquals(roff("^no"), "\\(hano");
  assertEquals(roff("N…"), "N\\[u2026]");
});
