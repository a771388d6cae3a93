import { assertEquals, assertThrows } from "@std/assert";
import { parseCommandLine } from "../../../src/cli/command_line.ts";
import type { ConnectionsOptions } from "../../../src/commands/connections/options.ts";
import { UsageError } from "../../../src/domain/exit.ts";

const DEFAULTS: ConnectionsOptions = {
  by: "peer",
  filter: { peers: null, port: null, listening: false },
  top: 8,
  peerNames: [],
  intervalMs: 1000,
  count: 1,
  durationMs: null,
  owners: false,
  names: false,
  probe: false,
  output: "text",
  exports: [],
  http: { names: [], tokenFile: null },
  live: false,
  quiet: false,
  timestamps: false,
  noColor: false,
  fail: { rttUs: null, retransmittedRatio: null },
  trace: { rttUs: null, retransmittedRatio: null },
};
const AGENT = [{ kind: "prometheus", address: "127.0.0.1", port: 9798, onDemand: null }] as const;

const GIVEN: readonly [argv: string, change: Partial<ConnectionsOptions>][] = [
  ["connections", {}],
  ["connections --by prefix --top 20 -i 250ms -c 5", {
    by: "prefix",
    top: 20,
    intervalMs: 250,
    count: 5,
  }],
  ["connections --to 10.0.0.0/24:5432", {
    filter: {
      peers: [{ bytes: Uint8Array.of(10, 0, 0, 0), bits: 24, port: 5432 }],
      port: null,
      listening: false,
    },
  }],
  ["connections --to postgres://db/app", {
    filter: { peers: [], port: null, listening: false },
    peerNames: [{ host: "db", port: 5432 }],
  }],
  ["connections --port 5432 --listening", {
    filter: { peers: null, port: 5432, listening: true },
  }],
  ["connections --live", { live: true, count: null }],
  ["connections -w 1m", { durationMs: 60_000, count: null }],
  ["connections -o none --export prometheus://127.0.0.1:9798", {
    output: "none",
    exports: AGENT,
    intervalMs: 5000,
    count: null,
  }],
  ["connections --export collectd-exec", {
    output: "collectd",
    exports: [{ kind: "collectd-exec" }],
    intervalMs: 5000,
    count: null,
  }],
  ["connections --process --names --probe -q", {
    owners: true,
    names: true,
    probe: true,
    quiet: true,
  }],
  ["connections --fail-rtt 20 --fail-retransmits 1", {
    fail: { rttUs: 20_000, retransmittedRatio: 0.01 },
  }],
  ["connections --trace-above 50 --trace-retransmits 2.5", {
    trace: { rttUs: 50_000, retransmittedRatio: 0.025 },
  }],
];

Deno.test("what is given stands in the options, the rest at its default", () => {
  for (const [argv, change] of GIVEN) {
    const command = parseCommandLine(argv.split(" "), "0");
    assertEquals(command, { name: "connections", options: { ...DEFAULTS, ...change } }, argv);
  }
});

Deno.test("what cannot be is refused by name", () => {
  for (
    const [argv, message] of [
      ["connections db:5432", "'connections' takes no arguments"],
      ["connections --to 10.0.0.0/33", '--to "10.0.0.0/33": wants ADDR'],
      ["connections --by host", "--by"],
      ["connections --live -o json", "--live draws on standard output"],
      ["connections -o none", "--output none wants --export"],
      ["connections --listening --probe", "--probe is for peers that this machine connects to"],
      ["connections -i 10ms", "--interval"],
      ["connections --top 0", "--top"],
    ]
  ) {
    assertThrows(() => parseCommandLine(argv.split(" "), "0"), UsageError, message);
  }
});
