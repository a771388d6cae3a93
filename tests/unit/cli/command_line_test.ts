import { NO_THRESHOLDS } from "../../../src/run/verdict.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { type Command, parseCommandLine } from "../../../src/cli/command_line.ts";
import type { ProbeOptions } from "../../../src/run/options.ts";
import type { ServeOptions } from "../../../src/commands/serve.ts";
import { UsageError } from "../../../src/domain/exit.ts";
import { endpoint, target } from "../fixtures.ts";
import { NO_EXPORTS } from "./command_lines.ts";

const words = (argv: string) => argv === "" ? [] : argv.split(" ");
const parse = (argv: string): Command => parseCommandLine(words(argv), "1.2.3");

const DB = target("db:5432", { host: "db", port: 5432 });

const PROBE_DEFAULTS: ProbeOptions = {
  targets: [DB],
  targetsFile: null,
  defaults: { az: "default", labels: [], allAddresses: false },
  schedule: {
    count: null,
    durationMs: null,
    intervalMs: 1000,
    burst: 1,
    family: 0,
    resolveAfter: 5,
    resolveEveryMs: null,
  },
  maxInFlight: null,
  timeoutMs: 5000,
  source: null,
  device: null,
  close: "fin",
  clock: "auto",
  output: "text",
  exports: NO_EXPORTS,
  quiet: false,
  live: false,
  histogram: false,
  timestamps: false,
  noColor: false,
  thresholds: { ...NO_THRESHOLDS, lossPercent: null, p50Ms: null, p99Ms: null, on: "target" },
};

const SERVE_DEFAULTS: ServeOptions = {
  addresses: ["0.0.0.0"],
  port: 9999,
  backlog: 4096,
  reusePort: false,
  statsEveryMs: null,
};

/** What a command line changes of the defaults. */
type ProbeChange = Partial<Omit<ProbeOptions, "schedule">> & {
  readonly schedule?: Partial<ProbeOptions["schedule"]>;
};

/** The original's default export; and `_` for the colon of a target that has no name. */
const ORIGINAL: ProbeChange = {
  targets: [{ ...DB, name: "db_5432" }],
  output: "collectd",
  exports: {
    ...PROBE_DEFAULTS.exports,
    targets: [{ kind: "collectd-exec" }],
    hostTag: false,
  },
};

const PROBES: readonly [argv: string, change: ProbeChange][] = [
  ["probe db:5432", {}],
  ["probe -- db:5432", {}],
  ["probe -c 20 db:5432", { schedule: { count: 20 } }],
  ["probe db:5432 -c20", { schedule: { count: 20 } }],
  ["probe --count 2147483647 db:5432", { schedule: { count: 2_147_483_647 } }],
  ["probe --duration 1.5s db:5432", { schedule: { durationMs: 1500 } }],
  ["probe --duration 1000h db:5432", { schedule: { durationMs: 3_600_000_000 } }],
  ["probe -i 1ms db:5432", { schedule: { intervalMs: 1 } }],
  ["probe -i250ms db:5432", { schedule: { intervalMs: 250 } }],
  ["probe --interval=24h db:5432", { schedule: { intervalMs: 86_400_000 } }],
  ["probe -t 60s db:5432", { timeoutMs: 60_000 }],
  ["probe --burst 10 db:5432", { schedule: { burst: 10 } }],
  ["probe --resolve-after 1 db:5432", { schedule: { resolveAfter: 1 } }],
  ["probe --resolve-every 30s db:5432", { schedule: { resolveEveryMs: 30_000 } }],
  ["probe -4 db:5432", { schedule: { family: 4 } }],
  ["probe --ipv6 db:5432", { schedule: { family: 6 } }],
  ["probe --close rst db:5432", { close: "rst" }],
  ["probe --clock kernel db:5432", { clock: "kernel" }],
  ["probe --clock=userland db:5432", { clock: "userland" }],
  ["probe -o json db:5432", { output: "json" }],
  ["probe --output csv db:5432", { output: "csv" }],
  ["probe --output=none db:5432", { output: "none" }],
  ["probe -q db:5432", { quiet: true }],
  ["probe --timestamps --no-color db:5432", { timestamps: true, noColor: true }],
  ["probe --live db:5432", { live: true }],
  ["probe --histogram db:5432", { histogram: true }],
  ["probe --fail-loss 0 --fail-p50 1 --fail-p99 2.5 db:5432", {
    thresholds: { ...NO_THRESHOLDS, lossPercent: 0, p50Ms: 1, p99Ms: 2.5, on: "target" },
  }],
  ["probe --fail-on total --fail-loss 100 db:5432", {
    thresholds: { ...NO_THRESHOLDS, lossPercent: 100, p50Ms: null, p99Ms: null, on: "total" },
  }],
  ["probe --max-in-flight 7 db:5432", { maxInFlight: 7 }],
  ["probe --targets nodes.txt db:5432", { targetsFile: "nodes.txt" }],
  ["probe --targets nodes.txt", { targetsFile: "nodes.txt", targets: [] }],
  ["probe --source 192.0.2.9 db:5432", {
    source: endpoint("192.0.2.9", 0),
    schedule: { family: 4 },
  }],
  ["probe --source ::1 db:5432", { source: endpoint("::1", 0), schedule: { family: 6 } }],
  ["probe --az eu-1 --label rack=r1 db:5432", {
    defaults: { az: "eu-1", labels: [["rack", "r1"]], allAddresses: false },
    targets: [{ ...DB, az: "eu-1", labels: [["rack", "r1"]] }],
  }],
  ["probe db:5432 pg=[2001:db8::1]:5432", {
    targets: [DB, target("pg", { host: "2001:db8::1", port: 5432 })],
  }],
  ["--mode probe --target db:5432", ORIGINAL],
  ["--mode=probe --target=db:5432 --timeout 1000", { ...ORIGINAL, timeoutMs: 1000 }],
  ["--target db:5432 --mode probe --interval 10000", {
    ...ORIGINAL,
    schedule: { intervalMs: 10_000 },
  }],
  ["--mode probe --target db:5432 --target-name primary --az eu-1", {
    ...ORIGINAL,
    defaults: { az: "eu-1", labels: [], allAddresses: false },
    targets: [{ ...DB, name: "primary", az: "eu-1" }],
  }],
];

const SERVES: readonly [argv: string, change: Partial<ServeOptions>][] = [
  ["serve", {}],
  ["serve --port 0", { port: 0 }],
  ["serve -p 65535", { port: 65_535 }],
  ["serve --bind 127.0.0.1 --bind ::", { addresses: ["127.0.0.1", "::"] }],
  ["serve --bind ::1 --bind ::1", { addresses: ["::1"] }],
  ["serve --backlog 1 --reuse-port", { backlog: 1, reusePort: true }],
  ["serve --stats-every 10s", { statsEveryMs: 10_000 }],
  ["--mode server", {}],
  ["--mode=server --port 8080", { port: 8080 }],
  ["--port 8080 --mode server", { port: 8080 }],
];

Deno.test("arguments of probe become its options, the rest are defaults", () => {
  for (const [argv, { schedule, ...change }] of PROBES) {
    const options = {
      ...PROBE_DEFAULTS,
      ...change,
      schedule: { ...PROBE_DEFAULTS.schedule, ...schedule },
    };
    assertEquals(parse(argv), { name: "probe", options }, argv);
  }
});

Deno.test("arguments of serve become its options, the rest are defaults", () => {
  for (const [argv, change] of SERVES) {
    const options = { ...SERVE_DEFAULTS, ...change };
    assertEquals(parse(argv), { name: "serve", options }, argv);
  }
});

Deno.test("selfcheck takes its output", () => {
  assertEquals(parse("selfcheck"), { name: "selfcheck", options: { output: "text" } });
  assertEquals(parse("selfcheck -o json"), { name: "selfcheck", options: { output: "json" } });
});

Deno.test("the version is printed for every spelling of the question", () => {
  for (const argv of ["version", "--version", "-V"]) {
    assertEquals(parse(argv), { name: "print", text: "wire-probe 1.2.3\n" });
  }
});

Deno.test("the original's names keep letters, digits, hyphens and dots", () => {
  const command = parseCommandLine(
    ["--mode", "probe", "--target", "db:5432", "--target-name", "é a_b-c.d/9 =x", "--az", "eu 1"],
    "1.2.3",
  );
  assertEquals(command.name === "probe" && command.options.targets[0].name, "é_a_b-c.d_9__x");
  assertEquals(command.name === "probe" && command.options.defaults.az, "eu_1");
});

Deno.test("the original's target without a name is called by its address", () => {
  const command = parse("--mode probe --target [2001:db8::1]:5432");
  assertEquals(command.name === "probe" && command.options.targets, [
    target("_2001_db8__1__5432", { host: "2001:db8::1", port: 5432 }),
  ]);
});

Deno.test("a lone word of help is for the tool, not for a target behind --", () => {
  const error = assertThrows(() => parse("probe -- --help"), UsageError);
  assertEquals(
    error.message,
    'target "--help": wants host:port, 1.2.3.4:port, [v6]:port, a URL or name=host:port',
  );
});
