/** What export, window and output options make of each other. */
import { assertEquals, assertThrows } from "@std/assert";
import { parseCommandLine } from "../../../src/cli/command_line.ts";
import type { ExportOptions } from "../../../src/run/options.ts";
import type { OutputName } from "../../../src/format/record_format.ts";
import type { ProbeOptions } from "../../../src/run/options.ts";
import { UsageError } from "../../../src/domain/exit.ts";
import { NO_EXPORTS } from "./command_lines.ts";

function optionsOf(argv: string): ProbeOptions {
  const command = parseCommandLine(argv.split(" "), "1.2.3");
  if (command.name !== "probe") throw new Error(`no probe: ${argv}`);
  return command.options;
}

const EXEC: ExportOptions = { ...NO_EXPORTS, targets: [{ kind: "collectd-exec" }] };
const PROMETHEUS: ExportOptions = {
  ...NO_EXPORTS,
  targets: [{ kind: "prometheus", address: "0.0.0.0", port: 9273, onDemand: null }],
};

const GOOD: readonly [argv: string, output: OutputName, exports: ExportOptions][] = [
  ["probe db:1", "text", NO_EXPORTS],
  ["probe -o influx db:1", "influx", NO_EXPORTS],
  ["probe --export collectd-exec db:1", "collectd", EXEC],
  ["probe --export collectd-exec -o collectd db:1", "collectd", EXEC],
  ["probe -o collectd db:1", "collectd", NO_EXPORTS],
  ["probe --export prometheus://:9273 db:1", "text", PROMETHEUS],
  ["probe --export prometheus://:9273", "text", PROMETHEUS],
  ["probe --window 10s db:1", "text", { ...NO_EXPORTS, windowMs: 10_000 }],
  ["probe --window 100ms db:1", "text", { ...NO_EXPORTS, windowMs: 100 }],
  ["probe --window 1m --per-probe=false db:1", "text", {
    ...NO_EXPORTS,
    windowMs: 60_000,
    perProbe: false,
  }],
  ["probe --per-probe true db:1", "text", NO_EXPORTS],
  ["probe -o csv db:1", "csv", NO_EXPORTS],
  ["probe -o csv --window 1s --per-probe=false db:1", "csv", {
    ...NO_EXPORTS,
    windowMs: 1000,
    perProbe: false,
  }],
  // collectd's own default interval.
  ["probe --collectd-types ping db:1", "text", {
    ...NO_EXPORTS,
    collectdTypes: "ping",
    windowMs: 10_000,
  }],
  ["probe --collectd-types ping --window 60s -o collectd db:1", "collectd", {
    ...NO_EXPORTS,
    collectdTypes: "ping",
    windowMs: 60_000,
  }],
  ["probe --collectd-types ping --per-probe=false db:1", "text", {
    ...NO_EXPORTS,
    collectdTypes: "ping",
    windowMs: 10_000,
    perProbe: false,
  }],
  ["--mode probe --target db:1", "collectd", EXEC],
  ["--mode probe --target db:1 -o collectd", "collectd", EXEC],
  ["--mode probe --target db:1 --collectd-types ping", "collectd", {
    ...EXEC,
    collectdTypes: "ping",
    windowMs: 10_000,
  }],
  ["--mode probe --target db:1 --export prometheus://:9273", "text", PROMETHEUS],
  ["--mode probe --target db:1 --export prometheus://:9273 -o json", "json", PROMETHEUS],
];

Deno.test("what is exported, aggregated and printed follows from the options together", () => {
  for (const [argv, output, exports] of GOOD) {
    const options = optionsOf(argv);
    const hostTag = !argv.startsWith("--mode");
    assertEquals([options.output, options.exports], [output, { ...exports, hostTag }], argv);
  }
});

Deno.test("no target is needed where something asks for its own", () => {
  const options = optionsOf("probe --export prometheus://:9273");
  assertEquals([options.targets, options.targetsFile], [[], null]);
});

const EXEC_ALONE = (output: string) =>
  "--export collectd-exec writes to standard output, which leaves no place for " +
  `--output ${output}`;
const ONE_KIND = "--output csv has one kind of line: with --window, add --per-probe=false";
const NO_TARGET = "probe wants a target, such as db-host:5432, or --targets FILE";
const WINDOW =
  "a duration from 100ms to 24h, such as 250ms, 1.5s or 1m30s; a bare number is seconds";

const BAD: readonly [argv: string, message: string][] = [
  ["probe --export collectd-exec -o json db:1", EXEC_ALONE("json")],
  ["probe --export collectd-exec -o none db:1", EXEC_ALONE("none")],
  ["probe --export collectd-exec -o text db:1", EXEC_ALONE("text")],
  ["--mode probe --target db:1 -o csv", EXEC_ALONE("csv")],
  ["probe --per-probe=false db:1", "--per-probe false wants --window"],
  ["probe --per-probe=no db:1", '--per-probe "no": wants true or false'],
  ["probe -o csv --window 1s db:1", ONE_KIND],
  ["probe -o csv --window 1s --per-probe=true db:1", ONE_KIND],
  ["probe -o csv --collectd-types ping db:1", ONE_KIND],
  ["probe --window 99ms db:1", `--window "99ms": wants ${WINDOW}`],
  ["probe --window 25h db:1", `--window "25h": wants ${WINDOW}`],
  ["probe --collectd-types pong db:1", '--collectd-types "pong": wants one of latency, ping'],
  ["probe --export telegraf-udp://db:1", NO_TARGET],
  ["probe --export collectd-exec", NO_TARGET],
  ["probe --label az=1 db:1", "--label az: the zone is given by --az"],
  ["probe --label a=1 --label a=2 db:1", '--label "a" is given twice'],
  ["serve --export collectd-exec", "'serve' has no option --export, which belongs to 'probe'"],
];

Deno.test("options that exclude each other are refused with exactly one line", () => {
  for (const [argv, message] of BAD) {
    const error = assertThrows(() => optionsOf(argv), UsageError, undefined, argv);
    assertEquals(error.message, message, argv);
  }
});

Deno.test("a target has at most sixteen labels", () => {
  const labels = (count: number) => Array.from({ length: count }, (_, i) => `--label k${i}=v`);
  const argv = (count: number) => `probe ${labels(count).join(" ")} db:1`;
  assertEquals(optionsOf(argv(16)).targets[0].labels.length, 16);
  const error = assertThrows(() => optionsOf(argv(17)), UsageError);
  assertEquals(error.message, "--label: at most 16 are accepted");
});
