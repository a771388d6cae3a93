import type { MeshOptions } from "../../../src/commands/mesh/mesh.ts";
import { assertOptions, assertRefused } from "./command_lines.ts";

const DEFAULTS: MeshOptions = {
  place: { kind: "file", text: "n" },
  own: { az: "default", labels: [] },
  httpAddresses: [],
  page: true,
  node: null,
  fanout: null,
  burst: 5,
  intervalMs: 10_000,
  timeoutMs: 3000,
  windowMs: 300_000,
  close: "fin",
  addresses: [],
  httpPort: 9998,
  http: { names: [], tokenFile: null },
  sloUs: null,
  icmp: false,
  tableEveryMs: null,
  quiet: false,
};

const GIVEN: readonly [argv: string, change: Partial<MeshOptions>][] = [
  ["mesh --nodes n", {}],
  ["mesh --nodes n --name db1 --fanout 20", { node: "db1", fanout: 20 }],
  ["mesh --nodes n -i 500ms --burst 3 -t 1s --window 10s", {
    intervalMs: 500,
    burst: 3,
    timeoutMs: 1000,
    windowMs: 10_000,
  }],
  ["mesh --nodes n --close rst --icmp -q", { close: "rst", icmp: true, quiet: true }],
  ["mesh --nodes n --bind 10.0.0.1 --bind :: --bind 10.0.0.1 --http-port 80", {
    addresses: ["10.0.0.1", "::"],
    httpPort: 80,
  }],
  ["mesh --nodes dns:mesh.svc --az b --label rack=r1 --page false --http-bind 127.0.0.1", {
    place: { kind: "dns", text: "dns:mesh.svc", host: "mesh.svc", port: 9999 },
    own: { az: "b", labels: [["rack", "r1"]] },
    page: false,
    httpAddresses: ["127.0.0.1"],
  }],
  ["mesh --nodes dns:mesh:7000", {
    place: { kind: "dns", text: "dns:mesh:7000", host: "mesh", port: 7000 },
  }],
  ["mesh --nodes srv:_probe._tcp.mesh.svc", {
    place: { kind: "srv", text: "srv:_probe._tcp.mesh.svc", host: "_probe._tcp.mesh.svc" },
  }],
  ["mesh --nodes n --stats-every 1m", { tableEveryMs: 60_000 }],
];

Deno.test("mesh's options are what was given, and else the defaults", () => {
  assertOptions("mesh", DEFAULTS, GIVEN);
});

const REFUSED: readonly [argv: string, message: string][] = [
  ["mesh", "mesh wants --nodes FILE"],
  ["mesh --nodes n more", "'mesh' takes no arguments, but got \"more\""],
  ["mesh --nodes n --window 10s -i 6s", "--window 10s: wants at least twice the --interval, 6s"],
  ["mesh --nodes n --fanout 0", '--fanout "0": wants a whole number from 1 to 8191'],
  [
    "mesh --nodes n --az b",
    "--az and --label are for --nodes dns:… or srv:…; a file's line has its own",
  ],
  ["mesh --nodes dns:m --label az=b", "--label az: the zone is given by --az"],
  ["mesh --nodes n --http-bind db1", '--http-bind "db1": wants an IP address of this machine'],
  ...["dns:", "dns:10.0.0.1", "dns:a b", "srv:", "srv:a:1"].map((place): [string, string] => [
    `mesh --nodes ${place.replace(" ", "_/")}`,
    `--nodes "${place.replace(" ", "_/")}": wants a file's path, dns:NAME[:PORT] or srv:NAME`,
  ]),
  ["mesh --nodes n --bind db1", '--bind "db1": wants an IP address of this machine'],
  [
    "mesh --nodes n -i 1ms",
    '--interval "1ms": wants a duration from 100ms to 1h, such as 250ms, 1.5s or 1m30s; a bare number is seconds',
  ],
  ["mesh --node n", "'mesh' has no option \"--node\"; did you mean --nodes?"],
];

Deno.test("mesh's mistakes are told in one line", () => assertRefused(REFUSED));
