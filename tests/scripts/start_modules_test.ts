/** Which modules each command evaluates at its start: its own and what it shares, no other command's. */
import { assertEquals } from "@std/assert";
import { dirname, join } from "node:path";

/** The module of each command, which main.ts imports when the command runs. */
const COMMANDS = {
  probe: "src/commands/probe.ts",
  ping: "src/commands/ping.ts",
  knock: "src/commands/ping.ts",
  serve: "src/commands/serve.ts",
  connections: "src/commands/connections/connections.ts",
  compare: "src/commands/compare/compare.ts",
  question: "src/commands/compare/question.ts",
  trace: "src/commands/trace/trace.ts",
  mesh: "src/commands/mesh/mesh.ts",
  heatmap: "src/commands/heatmap/heatmap.ts",
  selfcheck: "src/commands/selfcheck/selfcheck.ts",
  help: "src/cli/pages.ts",
} as const;
type Command = keyof typeof COMMANDS;

/** They read their options alone; the others read the whole command line. */
const RUNS: readonly Command[] = ["probe", "ping", "knock"];
const OTHERS = (Object.keys(COMMANDS) as Command[]).filter((name) => !RUNS.includes(name));

/** What only these commands evaluate before they do anything. */
const PARTS: readonly (readonly [modules: RegExp, commands: readonly Command[]])[] = [
  [/^src\/commands\/probe\.ts/, ["probe"]],
  [/^src\/commands\/ping\.ts/, ["ping", "knock"]],
  [/^src\/commands\/serve\.ts/, ["serve"]],
  [/^src\/commands\/connections\//, ["connections"]],
  [/^src\/commands\/compare\//, ["compare", "question"]],
  [/^src\/commands\/trace\//, ["trace"]],
  [/^src\/commands\/mesh\//, ["mesh"]],
  [/^src\/commands\/heatmap\//, ["heatmap"]],
  [/^src\/commands\/selfcheck\//, ["selfcheck"]],
  [/^src\/cli\/(help|help_texts|man|completions|pages)\.ts/, ["help"]],
  [/^src\/cli\/(command_line|command_options|table|connections_table)\.ts/, OTHERS],
  [/^src\/connections\//, ["connections", "compare", "question"]],
  [/^src\/trace\//, ["trace", "question", "connections"]],
  [/^src\/mesh\//, ["mesh", "heatmap"]],
  [/^src\/format\/heatmap\/(?!metric_names)/, ["heatmap"]],
  [/^src\/format\/(text|csv|influx|otlp|prometheus)\.ts/, ["connections", "trace", "mesh"]],
  [/^src\/sink\/(otlp|prometheus|influx_http|influx_udp|collectd_socket)\.ts/, []],
  [/^src\/sink\/otlp_request\.ts/, ["help"]],
  [/^src\/run\/(exports|live)\.ts/, []],
  [/^src\/net\/(lookups|dns_query)\.ts/, []],
];

const IMPORT = /^(?:import|export) (?!type\b)([^;]*?) from "(\.[^"]+\.ts)"/gms;

/** The modules that are evaluated when these are, by their path. */
function evaluated(entries: readonly string[]): ReadonlySet<string> {
  const modules = new Set(entries);
  for (const path of modules) {
    for (const [, names, from] of Deno.readTextFileSync(path).matchAll(IMPORT)) {
      const values = names.replace(/[{}]/g, "").split(",").map((name) => name.trim());
      if (values.every((name) => name === "" || name.startsWith("type "))) continue;
      modules.add(join(dirname(path), from));
    }
  }
  return modules;
}

Deno.test("no command evaluates at its start what only other commands need", () => {
  const seen = PARTS.map((): Command[] => []);
  for (const name of Object.keys(COMMANDS) as Command[]) {
    const commandLine = RUNS.includes(name) ? [] : ["src/cli/command_line.ts"];
    const modules = evaluated(["main.ts", COMMANDS[name], ...commandLine]);
    for (const [i, [part]] of PARTS.entries()) {
      if ([...modules].some((path) => part.test(path))) seen[i].push(name);
    }
  }
  for (const [i, [part, commands]] of PARTS.entries()) {
    assertEquals(seen[i].toSorted(), commands.toSorted(), String(part));
  }
});
