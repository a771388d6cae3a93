import { assertEquals, assertThrows } from "@std/assert";
import { parseCommandLine } from "../../../src/cli/command_line.ts";
import type { TraceOptions } from "../../../src/commands/trace/options.ts";
import { UsageError } from "../../../src/domain/exit.ts";

const parse = (argv: string) => parseCommandLine(argv.split(" "), "1.2.3");

const DEFAULTS: TraceOptions = {
  targets: [{ name: null, host: "db", port: null }],
  targetsFile: null,
  protocol: "tcp",
  family: 0,
  source: null,
  sourcePort: null,
  tos: null,
  interfaceName: null,
  firstHop: 1,
  maxHops: 30,
  queries: null,
  timeoutMs: 1000,
  paths: null,
  sizeBytes: null,
  mtu: false,
  names: true,
  asn: false,
  nameServer: null,
  repeat: null,
  intervalMs: 1000,
  output: "text",
  exports: [],
  http: { names: [], tokenFile: null },
  noColor: false,
};

const GOOD: readonly [argv: string, changes: Partial<TraceOptions>][] = [
  ["trace db", {}],
  ["trace db:5432", { targets: [{ name: null, host: "db", port: 5432 }] }],
  ["trace -U db", { protocol: "udp" }],
  ["trace --icmp db", { protocol: "icmp" }],
  ["trace -nI6 db", { protocol: "icmp", names: false, family: 6 }],
  ["trace -q 5 -f 2 -m 9 -t 2s db", { queries: 5, firstHop: 2, maxHops: 9, timeoutMs: 2000 }],
  ["trace --paths 16 db", { paths: 16 }],
  ["trace -U --size 1400 db", { protocol: "udp", sizeBytes: 1400 }],
  ["trace -U --mtu db", { protocol: "udp", mtu: true }],
  ["trace --asn --resolver 192.0.2.53 db", {
    asn: true,
    nameServer: { address: "192.0.2.53", port: 53 },
  }],
  ["trace -r 100 -i 250ms -o json db", { repeat: 100, intervalMs: 250, output: "json" }],
  ["trace 2001:db8::1", { targets: [{ name: null, host: "2001:db8::1", port: null }] }],
  ["trace db:1 b", {
    targets: [{ name: null, host: "db", port: 1 }, { name: null, host: "b", port: null }],
  }],
  ["trace shop=db:1 [::ffff:10.0.0.5]:2", {
    targets: [{ name: "shop", host: "db", port: 1 }, { name: null, host: "10.0.0.5", port: 2 }],
  }],
  ["trace ::ffff:10.0.0.5", { targets: [{ name: null, host: "10.0.0.5", port: null }] }],
  ["trace --export otlp-http://h:4318 db", {
    exports: [{ kind: "otlp", url: "otlp-http://h:4318" }],
    repeat: Infinity,
    intervalMs: 10_000,
    paths: 1,
  }],
  ["trace --export otlp-http://h:4318 -r 3 -i 1 --paths 2 -o none db", {
    exports: [{ kind: "otlp", url: "otlp-http://h:4318" }],
    repeat: 3,
    paths: 2,
    output: "none",
  }],
  ["trace --targets f db", { targetsFile: "f" }],
  ["trace --sport 4000 --tos 184 --interface eth0 -o csv db", {
    sourcePort: 4000,
    tos: 184,
    interfaceName: "eth0",
    output: "csv",
  }],
];

Deno.test("a trace's arguments become its options", () => {
  for (const [argv, changes] of GOOD) {
    const command = parse(argv);
    assertEquals(command, { name: "trace", options: { ...DEFAULTS, ...changes } }, argv);
  }
});

Deno.test("the source's family is the trace's", () => {
  const command = parse("trace --source 2001:db8::5 db");
  assertEquals(command.name === "trace" && command.options.family, 6);
});

const BAD: readonly [argv: string, message: string][] = [
  ["trace -n", "trace wants a host, such as db-host:5432"],
  ["trace 300.1.2.3", 'target "300.1.2.3": "300.1.2.3" is no host name or address'],
  [
    "trace a:b:c",
    'target "a:b:c": wants host, host:port, 1.2.3.4, 1.2.3.4:port, [v6] or [v6]:port',
  ],
  ["trace -I --sport 4000 db", "--sport wants TCP or UDP, since ICMP has no ports"],
  ["trace --sport 65530 --paths 8 db", "--sport 65530: 8 flows end at port 65537"],
  ["trace -UI db", "--udp and --icmp exclude each other"],
  ["trace -46 db", "-4 and -6 exclude each other"],
  ["trace --size 100 db", "--size wants --udp or --icmp, since a SYN carries no data"],
  ["trace --mtu db", "--mtu wants --udp or --icmp, since a SYN carries no data"],
  ["trace -U --mtu --size 100 db", "--size and --mtu exclude each other"],
  ["trace -f 5 -m 4 db", "--first-hop 5 lies behind --max-hops 4"],
  ["trace -m 256 db", '--max-hops "256": wants a whole number from 1 to 255'],
  ["trace --paths 0 db", '--paths "0": wants a whole number from 1 to 64'],
  ["trace -6 192.0.2.1", '"192.0.2.1" is not an IPv6 address, which is what is asked for'],
  ["trace --source x db", '--source "x": wants an IP address of this machine'],
  ["trace --resolver x db", '--resolver "x": wants an IP address, or one with a port'],
  ["trace --burst 3 db", "'trace' has no option --burst, which belongs to 'probe'"],
];

Deno.test("what a trace cannot use is named in one line", () => {
  for (const [argv, message] of BAD) assertThrows(() => parse(argv), UsageError, message, argv);
});
