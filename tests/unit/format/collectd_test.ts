/** PUTVAL lines as an independent reader takes them, and what cannot be said in them. */
import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../src/domain/exit.ts";
import { NONE, type ProbeRecord } from "../../../src/domain/probe_record.ts";
import type { Window } from "../../../src/domain/summary.ts";
import { CollectdFormat, type CollectdOptions } from "../../../src/format/collectd.ts";
import { OUTCOMES } from "../../../src/domain/outcome.ts";
import { established, flat, record, target, windowOf } from "../fixtures.ts";
import { property, type Random } from "../random.ts";
import { anyRecord } from "./any_record.ts";
import { readValues, type Value } from "./collectd_reader.ts";
import { nameText } from "./texts.ts";
import { written } from "./written.ts";

const OPTIONS: CollectdOptions = {
  host: "obs01",
  intervalMs: 10_000,
  types: "latency",
  windowed: false,
};
const WINDOWED: CollectdOptions = { ...OPTIONS, windowed: true };
const PING: CollectdOptions = { ...WINDOWED, types: "ping" };

function recordText(of: ProbeRecord, options = OPTIONS): string {
  return written((out) => new CollectdFormat(options).record(out, of));
}

function windowText(of: Window, options: CollectdOptions): string {
  return written((out) => new CollectdFormat(options).window(out, of));
}

/** A part of an identifier; anything but a slash. */
function partText(random: Random): string {
  return nameText(random).replaceAll("/", "|");
}

function anyOptions(random: Random): CollectdOptions {
  return {
    host: partText(random),
    intervalMs: random.pick([1, 100, 500, 1000, 1234, 10_000, 86_400_000]),
    types: random.pick(["latency", "ping"]),
    windowed: true,
  };
}

Deno.test("the original's line, byte for byte", () => {
  const primary = target("mdb_primary", { az: "z", labels: [["a", "b"]] });
  assertEquals(
    recordText(established(1, 4125, { target: primary })),
    "PUTVAL obs01/wire-probe-tcp/latency-mdb_primary interval=10 N:4.125\n",
  );
  assertEquals(
    recordText(record({ outcome: "timeout", target: primary })),
    "PUTVAL obs01/wire-probe-tcp/latency-mdb_primary interval=10 N:U\n",
  );
});

property("a probe's line reads back as the record it was made from", 400, (random) => {
  const options: CollectdOptions = { ...anyOptions(random), windowed: false };
  const of = { ...anyRecord(random), target: target(partText(random)) };
  new CollectdFormat(options).check(of.target);
  const value = of.outcome === "established" && of.rttUs !== NONE ? of.rttUs / 1000 : null;
  assertEquals(readValues(recordText(of, options)), [
    {
      host: options.host,
      plugin: "wire",
      pluginInstance: "probe-tcp",
      type: "latency",
      typeInstance: of.target.name,
      intervalSeconds: options.intervalMs / 1000,
      value,
    },
  ]);
});

/** What a window's lines are to say: the types' names and their values. */
function expectedOf(of: Window, types: CollectdOptions["types"]): [string, number | null][] {
  const { sent, answered, refused, handshakes } = of;
  const ms = (us: number | undefined) => us === undefined ? null : Math.round(us) / 1000;
  if (sent === 0) return [];
  if (types === "latency") return [["latency", ms(handshakes?.avgUs)]];
  const handshook = answered - refused;
  return [
    ["ping", ms(handshakes?.avgUs)],
    ["ping_stddev", ms(handshakes?.stddevUs)],
    ["ping_droprate", Number((1 - handshook / sent).toFixed(6))],
  ];
}

function anyWindow(random: Random): Window {
  const [refused, handshook, lost] = [0, 1, 2].map(() => random.int(0, 5));
  const micros = () => random.int(0, 60_000_000) + random.pick([0, 0.25, 0.7]);
  const handshakes = { ...flat(0, handshook), avgUs: micros(), stddevUs: micros() };
  return windowOf({
    target: target(partText(random)),
    sent: refused + handshook + lost,
    answered: refused + handshook,
    refused,
    lost,
    handshakes: handshook === 0 ? null : handshakes,
  });
}

property("a window's lines read back as the window they were made from", 400, (random) => {
  const options = anyOptions(random);
  const of = anyWindow(random);
  const expected = expectedOf(of, options.types).map(([type, value]): Value => ({
    host: options.host,
    plugin: options.types === "ping" ? "ping" : "wire",
    pluginInstance: options.types === "ping" ? "" : "probe-tcp",
    type,
    typeInstance: of.target.name,
    intervalSeconds: options.intervalMs / 1000,
    value,
  }));
  assertEquals(readValues(windowText(of, options)), expected);
});

Deno.test("the stock ping plugin's three values, byte for byte", () => {
  const handshakes = { ...flat(0, 2), avgUs: 4125.4, stddevUs: 250 };
  const of = windowOf({ sent: 3, answered: 2, lost: 1, handshakes });
  assertEquals(
    windowText(of, PING),
    "PUTVAL obs01/ping/ping-db interval=10 N:4.125\n" +
      "PUTVAL obs01/ping/ping_stddev-db interval=10 N:0.25\n" +
      "PUTVAL obs01/ping/ping_droprate-db interval=10 N:0.333333\n",
  );
  assertEquals(
    windowText(of, WINDOWED),
    "PUTVAL obs01/wire-probe-tcp/latency-db interval=10 N:4.125\n",
  );
});

Deno.test("a window of losses alone is undefined, and its drop rate 1", () => {
  const values = (options: CollectdOptions) =>
    windowText(windowOf({ sent: 2, lost: 2 }), options).match(/N:.*/g);
  assertEquals(values(PING), ["N:U", "N:U", "N:1.000000"]);
  assertEquals(values(WINDOWED), ["N:U"]);
});

Deno.test("a refusal is a drop, and nothing dropped is a rate of 0", () => {
  const rate = (of: Window) => windowText(of, PING).match(/droprate.*N:(.*)/)?.[1];
  const handshakes = flat(100);
  assertEquals(
    rate(windowOf({ sent: 4, answered: 3, refused: 1, lost: 1, handshakes })),
    "0.500000",
  );
  assertEquals(rate(windowOf({ sent: 2, answered: 2, refused: 2 })), "1.000000");
  assertEquals(rate(windowOf({ sent: 4, answered: 4, handshakes })), "0.000000");
});

Deno.test("a window in which nothing was sent is no value, nor an undefined one", () => {
  for (const options of [PING, WINDOWED]) {
    assertEquals(windowText(windowOf({ sent: 0, notSent: 3, skipped: 2 }), options), "");
  }
});

Deno.test("the host's pressure is told once for all windows that end together", () => {
  const pressure = { cpu: 0.125, memory: 0, io: 0.0123456, steal: null, throttled: 1 };
  for (const options of [WINDOWED, PING]) {
    const format = new CollectdFormat(options);
    const told = (name: string, wallSeconds: number) => {
      const more = { sent: 1, lost: 1, wallSeconds, pressure };
      const of = windowOf({ ...more, target: target(name) });
      return readValues(written((out) => format.window(out, of)))
        .filter(({ type }) => type === "gauge")
        .map(({ plugin, pluginInstance, typeInstance, value }) => [
          `${plugin}-${pluginInstance} ${typeInstance}`,
          value,
        ]);
    };
    const shares = [
      ["wire-probe-tcp host_cpu_ratio", 0.125],
      ["wire-probe-tcp host_memory_ratio", 0],
      ["wire-probe-tcp host_io_ratio", 0.012346],
      ["wire-probe-tcp host_throttled_ratio", 1],
    ];
    assertEquals([told("a", 10), told("b", 10), told("a", 11)], [shares, [], shares]);
  }
});

Deno.test("a series bears probes or windows, not both", () => {
  for (const outcome of OUTCOMES) {
    assertEquals(recordText(record({ outcome, rttUs: 5 }), WINDOWED), "");
    assertEquals(recordText(record({ outcome, rttUs: 5 }), PING), "");
  }
  assertEquals(windowText(windowOf({ sent: 1, answered: 1, handshakes: flat(5) }), OPTIONS), "");
});

Deno.test("a probe without a handshake's time is undefined", () => {
  const none = established(1, NONE, { connectUs: 812 });
  const refused = record({ outcome: "refused", rttUs: 388, connectUs: 388, rttSource: "clock" });
  for (const each of [none, refused]) assertEquals(readValues(recordText(each))[0].value, null);
  assertEquals(readValues(recordText(established(1, 0)))[0].value, 0);
});

Deno.test("an interval is seconds, in as few digits as it takes", () => {
  const interval = (intervalMs: number) =>
    recordText(established(1, 5), { ...OPTIONS, intervalMs }).match(/interval=(\S+)/)?.[1];
  const cases: [number, string][] = [
    [10_000, "10"],
    [500, "0.5"],
    [1, "0.001"],
    [1500, "1.5"],
    [86_400_000, "86400"],
  ];
  for (const [ms, text] of cases) assertEquals(interval(ms), text);
});

Deno.test("names that a word cannot hold are quoted, others are not", () => {
  const word = (name: string) =>
    recordText(established(1, 5, { target: target(name) })).slice("PUTVAL ".length)
      .replace(/ interval=.*\n/, "");
  const prefix = "obs01/wire-probe-tcp/latency-";
  assertEquals(word("a,b=c"), `${prefix}a,b=c`);
  assertEquals(word("a b"), `"${prefix}a b"`);
  assertEquals(word('a"b'), `"${prefix}a\\"b"`);
  assertEquals(word("C:\\db"), `"${prefix}C:\\\\db"`);
  const spaced = recordText(established(1, 5), { ...OPTIONS, host: "my host" });
  assertEquals(spaced, 'PUTVAL "my host/wire-probe-tcp/latency-db" interval=10 N:0.005\n');
});

Deno.test("what cannot be part of a name is refused by name", () => {
  const long = "é".repeat(63);
  const check = (name: string) => new CollectdFormat(OPTIONS).check(target(name));
  const refusals: [() => void, string][] = [
    [() => check("a/b"), 'target "a/b" cannot be part of a collectd name: it holds a slash'],
    [
      () => check(`${long}ab`),
      `target "${long}ab" cannot be part of a collectd name: it is longer than 127 bytes`,
    ],
    [
      () => new CollectdFormat({ ...OPTIONS, host: "x/y" }),
      'host "x/y" cannot be part of a collectd name: it holds a slash',
    ],
    [
      () => new CollectdFormat({ ...OPTIONS, host: "h".repeat(128) }),
      `host "${"h".repeat(128)}" cannot be part of a collectd name: it is longer than 127 bytes`,
    ],
  ];
  for (const [refused, message] of refusals) {
    assertEquals(assertThrows(refused, UsageError).message, message);
  }
  check(`${long}a`);
  const line = recordText(established(1, 5, { target: target(`${long}a`) }));
  assertEquals(readValues(line)[0].typeInstance, `${long}a`);
});
