/** Export URLs: a table of what each becomes, or of the exact message. */
import { assertEquals, assertThrows } from "@std/assert";
import { exportUrl } from "../../../src/cli/export_url.ts";
import { parseCommandLine } from "../../../src/cli/command_line.ts";
import type { ExportTarget } from "../../../src/run/options.ts";
import { UsageError } from "../../../src/domain/exit.ts";
import { servicePort } from "../../../src/input/services.ts";
import { property } from "../random.ts";

// Read once, by a library that stays open: before the tests, which look for what they leave open.
servicePort("ssh");

function telegraf(
  host: string,
  port: number,
  batchBytes: number | "path" | null = null,
): ExportTarget {
  return { kind: "telegraf-udp", host, port, batchBytes };
}

const http = (url: string): ExportTarget => ({ kind: "influx-http", url });

const listening = (address: string, port: number): ExportTarget => ({
  kind: "prometheus",
  address,
  port,
  onDemand: null,
});

const GOOD: readonly [url: string, target: ExportTarget][] = [
  ["collectd-exec", { kind: "collectd-exec" }],
  ["telegraf-udp://127.0.0.1:8094", telegraf("127.0.0.1", 8094)],
  ["telegraf-udp://127.0.0.1:8094/", telegraf("127.0.0.1", 8094)],
  ["telegraf-udp://telegraf.example:1", telegraf("telegraf.example", 1)],
  ["telegraf-udp://[2001:db8::1]:8094", telegraf("2001:db8::1", 8094)],
  ["telegraf-udp://[::1]:8094/?batch", telegraf("::1", 8094, "path")],
  ["telegraf-udp://db:8094?batch", telegraf("db", 8094, "path")],
  ["telegraf-udp://db:8094?batch=512", telegraf("db", 8094, 512)],
  ["telegraf-udp://db:8094/?batch=65507", telegraf("db", 8094, 65_507)],
  ["influx-http://db:8086/?db=net", http("influx-http://db:8086/?db=net")],
  ["influx-http://db/?org=o&bucket=b", http("influx-http://db/?org=o&bucket=b")],
  ["influx-https://db/?db=n&u=a&p=b", http("influx-https://db/?db=n&u=a&p=b")],
  ["collectd-uds:///run/collectd.sock", { kind: "collectd-uds", path: "/run/collectd.sock" }],
  ["collectd-uds:///a b/é", { kind: "collectd-uds", path: "/a b/é" }],
  ["prometheus://127.0.0.1:9273", listening("127.0.0.1", 9273)],
  ["prometheus://127.0.0.1:9273/", listening("127.0.0.1", 9273)],
  ["prometheus://:9273", listening("0.0.0.0", 9273)],
  ["PROMETHEUS://:9273", listening("0.0.0.0", 9273)],
  ["Telegraf-UDP://Db:1", telegraf("Db", 1)],
  ["COLLECTD-uds:///Run/X", { kind: "collectd-uds", path: "/Run/X" }],
  ["INFLUX-HTTP://db/?db=n", http("INFLUX-HTTP://db/?db=n")],
  ["prometheus://[::]:65535", listening("::", 65_535)],
];

Deno.test("an export URL becomes its target", () => {
  for (const [url, target] of GOOD) assertEquals(exportUrl.parse(url), target, url);
});

/** Refused as a whole: the message says what is accepted. */
const UNKNOWN: readonly string[] = [
  "",
  "stdout",
  "collectd-exec:",
  "collectd-exec://",
  "collectd-EXEC",
  "http://db/?db=n",
  "influx-http:",
  "influx://db/?db=n",
  "telegraf-tcp://db:1",
  " telegraf-udp://db:1",
  "telegraf-udp://db:1?batched",
  "telegraf-udp://db:1?batch=",
  "telegraf-udp://db:1?batch=0",
  "telegraf-udp://db:1?batch=0512",
  "telegraf-udp://db:1?batch=1e4",
  "telegraf-udp://db:1?batch&batch",
  "telegraf-udp://db:1?batch?batch",
  "collectd-uds://run/collectd.sock",
  "collectd-uds://",
  "prometheus://localhost:9273",
];

const ACCEPTED = "telegraf-udp://host:port[?batch], influx-http://host:port/?db=NAME, " +
  "influx-http://host:port/?org=ORG&bucket=BUCKET, otlp-http://host:4318[/path], collectd-exec, collectd-uds:///path " +
  "or prometheus://addr:port[?probe[=any|=ADDR/LEN:PORT,…]]";

function messageFor(url: string): string {
  const run = () => parseCommandLine(["probe", "--export", url, "db:1"], "1.2.3");
  return assertThrows(run, UsageError, undefined, url).message;
}

Deno.test("a place that is not known is refused with those that are", () => {
  for (const url of UNKNOWN) {
    assertEquals(messageFor(url), `--export ${JSON.stringify(url)}: wants ${ACCEPTED}`);
  }
});

const PARTS: readonly [url: string, message: string][] = [
  [
    "telegraf-udp://db:1?batch=511",
    '--export "telegraf-udp://db:1?batch=511": batch wants 512 to 65507 bytes',
  ],
  [
    "telegraf-udp://db:1?batch=65508",
    '--export "telegraf-udp://db:1?batch=65508": batch wants 512 to 65507 bytes',
  ],
  [
    "influx-http://db/",
    "--export influx-http://db/: it wants db=NAME, or org=ORG and bucket=BUCKET",
  ],
  ["otlp-https://db:0/x", '--export otlp-https://db:0/x: port "0" is not from 1 to 65535'],
  [
    "influx-http://db/?db=n&token=t",
    "--export influx-http://db/: it does not take token=; it takes db, rp, u, p",
  ],
];

Deno.test("a mistake within a URL is named", () => {
  for (const [url, message] of PARTS) assertEquals(messageFor(url), message);
});

const ADDRESSES: readonly [url: string, message: string][] = [
  ["telegraf-udp://db:0", '--export "telegraf-udp://db:0": port "0" is not from 1 to 65535'],
  [
    "telegraf-udp://db:65536",
    '--export "telegraf-udp://db:65536": port "65536" is not from 1 to 65535',
  ],
  ["telegraf-udp://a b:1", '--export "telegraf-udp://a b:1": "a b" is no host name or address'],
  [
    "telegraf-udp://::1:80",
    '--export "telegraf-udp://::1:80": an IPv6 address goes in brackets: [::1]:80',
  ],
  ["telegraf-udp://[db]:80", '--export "telegraf-udp://[db]:80": "db" is no IPv6 address'],
  [
    "prometheus://127.0.0.1:0",
    '--export "prometheus://127.0.0.1:0": port "0" is not from 1 to 65535',
  ],
  [
    "prometheus://::9273",
    '--export "prometheus://::9273": wants host:port, 1.2.3.4:port or [v6]:port',
  ],
  [
    "prometheus://256.0.0.1:1",
    '--export "prometheus://256.0.0.1:1": "256.0.0.1" is no host name or address',
  ],
];

Deno.test("a mistake in an address speaks of --export, not of a target", () => {
  for (const [url, message] of ADDRESSES) assertEquals(messageFor(url), message);
});

Deno.test("no message shows a password", () => {
  for (const url of ["influx-http://me:secret@db/?db=n", "influx-http://db/?u=me&p=secret"]) {
    assertEquals(messageFor(url).includes("secret"), false, messageFor(url));
  }
});

Deno.test("no message moves the terminal", () => {
  for (const url of ["influx-http://\u001b[2J/", "influx-http://db/?db=n&%1b=x", "x://\u001b"]) {
    const message = messageFor(url);
    assertEquals(/\p{Cc}/u.test(message), false, JSON.stringify(message));
  }
});

Deno.test("exports may be repeated, and keep their order", () => {
  const urls = ["prometheus://:1", "telegraf-udp://db:2", "telegraf-udp://db:3"];
  const argv = ["probe", ...urls.flatMap((url) => ["--export", url]), "db:1"];
  const command = parseCommandLine(argv, "1.2.3");
  assertEquals(command.name === "probe" && command.options.exports.targets, [
    listening("0.0.0.0", 1),
    telegraf("db", 2),
    telegraf("db", 3),
  ]);
});

property("any text gives a target, null or a usage error, never another one", 2000, (random) => {
  const pieces = [
    "telegraf-udp",
    "influx-http",
    "prometheus",
    "collectd-uds",
    "://",
    "/",
    "?batch",
  ];
  const odd = ["[::1]", "db", ":", ":80", "?db=n", "&", "%", "é", "\u0000", "\n", "@", "=512", "#"];
  const text = Array.from({ length: random.int(0, 6) }, () => random.pick([...pieces, ...odd]));
  try {
    exportUrl.parse(text.join(""));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    assertEquals(/[\p{Cc}]/u.test(error.message), false, JSON.stringify(error.message));
  }
});
