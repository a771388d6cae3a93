import { assertEquals, assertThrows } from "@std/assert";
import { parseCommandLine } from "../../../src/cli/command_line.ts";
import type { CompareOptions } from "../../../src/commands/compare/compare.ts";
import { UsageError } from "../../../src/domain/exit.ts";
import { target } from "../fixtures.ts";

const parse = (argv: string) => parseCommandLine(argv.split(" "), "1.2.3");

const DEFAULTS: CompareOptions = {
  targets: [target("db:5432", { host: "db" })],
  count: 20,
  intervalMs: 1000,
  timeoutMs: 5000,
  burst: 2,
  family: 0,
  source: null,
  output: "text",
  noColor: false,
};

const GOOD: readonly [argv: string, changes: Partial<CompareOptions>][] = [
  ["compare db:5432", {}],
  ["compare -c 100 -i 250ms -t 2s --burst 5 db:5432", {
    count: 100,
    intervalMs: 250,
    timeoutMs: 2000,
    burst: 5,
  }],
  ["compare -6 -o json --no-color db:5432", { family: 6, output: "json", noColor: true }],
  ["compare a=db:5432 db:5433", {
    targets: [target("a", { host: "db" }), target("db:5433", { host: "db", port: 5433 })],
  }],
];

Deno.test("a comparison's arguments become its options", () => {
  for (const [argv, changes] of GOOD) {
    assertEquals(parse(argv), { name: "compare", options: { ...DEFAULTS, ...changes } }, argv);
  }
});

const many = Array.from({ length: 17 }, (_, i) => `db:${i + 1}`).join(" ");

const BAD: readonly [argv: string, message: string][] = [
  ["compare -c 5", "compare wants a target, such as db-host:5432"],
  ["compare db", 'target "db": wants a port too: db:PORT, or a service\'s name'],
  ["compare db:1 db:1", 'target "db:1" is given twice'],
  [`compare ${many}`, "compare takes at most 16 targets"],
  ["compare -46 db:1", "-4 and -6 exclude each other"],
  ["compare -6 192.0.2.1:1", '"192.0.2.1:1" is not an IPv6 address, which is what is asked for'],
  ["compare --burst 1 db:1", '--burst "1": wants a whole number from 2 to 20'],
  ["compare -c 10001 db:1", '--count "10001": wants a whole number from 1 to 10000'],
  ["compare -o csv db:1", '--output "csv": wants one of text, json'],
  ["compare --live db:1", "'compare' has no option --live, which belongs to 'probe'"],
];

Deno.test("what a comparison cannot use is named in one line", () => {
  for (const [argv, message] of BAD) {
    const error = assertThrows(() => parse(argv), UsageError);
    assertEquals(error.message, message, argv);
  }
});
