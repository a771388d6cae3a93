import { hasAnswered, silenceReason, type TraceReport } from "../../../src/domain/path.ts";
import { assert, assertEquals } from "@std/assert";
import { TRACE_CSV_HEADER, traceCsv } from "../../../src/format/path_csv.ts";
import { traceJson } from "../../../src/format/path_json.ts";
import { LiveTrace } from "../../../src/commands/trace/live_trace.ts";
import { MAX_ADDRESSES_A_HOP, TracePath } from "../../../src/trace/path.ts";
import { traceLines, traceTable } from "../../../src/format/path_text.ts";
import { NO_NAMES } from "../../../src/trace/names.ts";
import { plain } from "../../../src/format/paint.ts";
import { FakeClock } from "../fake_clock.ts";
import { examplePath, oneHop, report } from "./path_reports.ts";
import { hopAnswer } from "../trace/fake_path.ts";

Deno.test("a trace is a line a hop and address, what is silent together, and how it ends", () => {
  assertEquals(traceLines(report(examplePath()), plain), [
    "trace to db.test (198.51.100.9) port 443 by tcp, one flow, at most 30 hops",
    "  1  gw [31m.test (192.0.2.1)  AS64500     1.000     1.500 ms",
    "2-3  no answer",
    "  4  192.0.2.4                             4.000         * ms  MPLS 16001/5/1",
    "     192.0.2.14                            4.100 ms",
    "  5  198.51.100.9                          5.000         ? ms  open",
    "reached 198.51.100.9 (open) in 5 hops, 5.000 ms",
  ]);
});

Deno.test("an end that is silent is said, with the hops that were tried and the handshake", () => {
  const path = oneHop();
  for (let hops = 2; hops <= 13; hops++) {
    path.add({ round: path.rounds, hops, flow: 0, query: 0, answer: null });
  }
  const handshake = {
    port: 443,
    outcome: "established",
    rttUs: 5250,
    rttSource: "kernel",
  } as const;
  const of = report(path, { handshake, port: 33_434, protocol: "udp", sizeBytes: 60 });
  assertEquals(traceLines(of, plain).slice(2), [
    " 2-13  no answer".slice(1),
    "not reached: no answer behind hop 1",
    "a handshake with 198.51.100.9:443, its hops not limited: established, 5.250 ms",
  ]);
  assert(hasAnswered(of));
  assertEquals(silenceReason(of), null);
  assertEquals(silenceReason(report(path)), "no answer behind hop 1");
});

Deno.test("a refusal on the way is said with who and where", () => {
  const path = new TracePath(1);
  path.beginRound();
  const refusal = { kind: "unreachable", detail: "administratively prohibited" } as const;
  path.add({
    round: path.rounds,
    hops: 1,
    flow: 0,
    query: 0,
    answer: hopAnswer("192.0.2.1", 1000, refusal),
  });
  const of = report(path);
  assertEquals(
    traceLines(of, plain).at(-1),
    "not reached: 192.0.2.1 at hop 1 says administratively prohibited",
  );
  assert(!hasAnswered(of));
  assertEquals(silenceReason(of), "192.0.2.1 at hop 1 says administratively prohibited");
});

Deno.test("the MTU is said as far as it was shown, and by whom", () => {
  const mtu = {
    hops: 5,
    address: "198.51.100.9",
    arrivedBytes: 1400,
    lostBytes: 1401,
    linkBytes: 1500,
    steps: [{ hops: 3, address: "192.0.2.2", mtuBytes: 1400, sizeBytes: 1500 }],
  };
  const said = (of: typeof mtu | Record<string, unknown>) =>
    traceLines(report(examplePath(), { mtu: { ...mtu, ...of } }), plain).at(-1);
  const to = "bytes to hop 5, 198.51.100.9";
  assertEquals(
    said({}),
    `path MTU 1400 ${to}: 1400 arrived, 1401 did not; ` +
      "192.0.2.2 refused 1500 and named 1400, on the way to hop 3",
  );
  assertEquals(
    said({ steps: [] }),
    `path MTU 1400 ${to}: 1400 arrived, 1401 did not; nobody said why`,
  );
  assertEquals(
    said({ steps: [{ ...mtu.steps[0], mtuBytes: 0, hops: null }] }),
    `path MTU 1400 ${to}: 1400 arrived, 1401 did not; 192.0.2.2 refused 1500 and named no MTU`,
  );
  assertEquals(
    said({ arrivedBytes: 1500, lostBytes: null, steps: [] }),
    `path MTU 1500 ${to}: the longest that the first link takes arrived`,
  );
  assertEquals(
    said({ arrivedBytes: null, hops: null, address: null }),
    "path MTU unknown: nobody answers; the first link takes 1500 bytes",
  );
});

Deno.test("with several flows, each address says which ones met it", () => {
  const path = oneHop();
  path.add({
    round: path.rounds,
    hops: 1,
    flow: 2,
    query: 0,
    answer: hopAnswer("192.0.2.1", 1000),
  });
  path.add({
    round: path.rounds,
    hops: 1,
    flow: 1,
    query: 0,
    answer: hopAnswer("192.0.2.2", 1000),
  });
  const lines = traceLines(report(path, { paths: 3, namesOf: () => NO_NAMES }), plain);
  assertEquals(lines.slice(1, 3), [
    "  1  192.0.2.1     1.000     1.000 ms  flows 1,3",
    "     192.0.2.2     1.000 ms  flow 2",
  ]);
});

Deno.test("repeated, a trace is a table of figures over all rounds", () => {
  const path = examplePath();
  path.beginRound();
  path.add({
    round: path.rounds,
    hops: 1,
    flow: 0,
    query: 0,
    answer: hopAnswer("192.0.2.1", 2000),
  });
  path.add({ round: path.rounds, hops: 2, flow: 0, query: 0, answer: null });
  const of = report(path, { namesOf: () => NO_NAMES });
  const lines = traceTable(of, plain, 100);
  assertEquals(lines.slice(1, 5), [
    "hop  address       sent   loss     last      min      avg      max   stddev   jitter",
    "  1  192.0.2.1        3   0.0%    2.000    1.000    1.500    2.000    0.500    0.500",
    "2-3  no answer",
    "  4  192.0.2.4        3  33.3%    4.000    4.000    4.000    4.000    0.000        -  MPLS 16001/5/1",
  ]);
  // In 80 columns the figures that are worth least are left out.
  assertEquals(
    traceTable(of, plain, 80)[2],
    "  1  192.0.2.1        3   0.0%    1.000    1.500    2.000    0.500",
  );
  // A round in which the end was not heard of leaves it where it was.
  assertEquals(lines.at(-1), "reached 198.51.100.9 (open) in 5 hops, 5.000 ms");
});

Deno.test("JSON has every field, null where undefined", () => {
  const line = traceJson(report(examplePath()));
  assert(line.endsWith("}\n") && !line.slice(0, -1).includes("\n"));
  assert(!line.includes("\u001b"));
  const object = JSON.parse(line);
  const { hops, ...rest } = object;
  assertEquals(rest, {
    schema: "wire-probe.trace.v1",
    time: "2026-11-21T09:00:00.250000Z",
    target: "db.test",
    address: "198.51.100.9",
    port: 443,
    protocol: "tcp",
    flow: "fixed",
    paths: 1,
    rounds: 1,
    queries: 3,
    first_hop: 1,
    max_hops: 30,
    size_bytes: null,
    duration_ms: 12.346,
    reached: true,
    answered: true,
    end: {
      hop: 5,
      at_most: false,
      address: "198.51.100.9",
      detail: "open",
      rtt_ms: 5,
      return_hops: null,
      syn_ack: null,
    },
    silent_tail: 0,
    mtu: null,
    mtu_search: null,
    not_sent_reason: null,
    handshake: null,
  });
  assertEquals(hops.length, 5);
  assertEquals(hops[1], {
    hop: 2,
    sent: 1,
    answered: 0,
    not_sent: 0,
    lost: 1,
    loss_ratio: 1,
    addresses: [],
    other_addresses: 0,
    probes: [{ flow: 1, query: 1, address: null, rtt_ms: null, rtt_source: null }],
  });
  assertEquals(hops[3].addresses[0], {
    address: "192.0.2.4",
    name: null,
    asn: null,
    prefix: null,
    detail: "ttl exceeded",
    flows: [1],
    answered: 1,
    rtt_ms: { count: 1, min: 4, avg: 4, max: 4, stddev: 0, last: 4 },
    jitter_ms: { last: null, avg: null, max: null },
    return_hops: null,
    nat: null,
    mpls: [{ label: 16_001, traffic_class: 5, ttl: 1 }],
    interfaces: [],
    other_extensions: 0,
  });
});

Deno.test("CSV has a line a hop and address, quoted where it must be", () => {
  const [gateway, silent] = traceCsv(report(examplePath(), { host: "a,b" })).split("\n");
  assertEquals(
    gateway,
    '2026-11-21T09:00:00.250000Z,"a,b",198.51.100.9,443,tcp,1,true,1,192.0.2.1,gw\u001b[31m.test,' +
      "64500,ttl exceeded,2,2,0,0,0,1.5,1,1.25,1.5,0.354,0.5,0.5,0.5,,",
  );
  assertEquals(silent.split(",").length, TRACE_CSV_HEADER.split(",").length + 1);
});

Deno.test("a target answers a farther probe where the nearer one's answer was lost: it stays where it was", () => {
  const path = new TracePath(1);
  const end = hopAnswer("198.51.100.9", 5000, { kind: "end", detail: "open" });
  const round = (endHops: number, farthestRouter: number) => {
    const number = path.beginRound();
    const query = 0;
    path.add({ round: number, hops: endHops, flow: 0, query, answer: end });
    path.endFlow({ round: number, flow: 0, endHops, isAtMost: false, farthestRouter });
    return path.end()?.hops;
  };
  assertEquals(round(5, 4), 5);
  assertEquals([round(6, 4), round(5, 4), round(6, 4), round(6, 4)], [5, 5, 5, 5]);
  // Three rounds in a row say that the path has grown, or at once a router behind the known end.
  assertEquals(round(6, 4), 6);
  assertEquals(round(8, 7), 8);
  assertEquals(round(4, 3), 4);
});

Deno.test("a refusal in one round does not hide what has answered before", () => {
  const path = new TracePath(1);
  const refusal = { kind: "unreachable", detail: "host unreachable" } as const;
  const end = hopAnswer("198.51.100.9", 3000, { kind: "end", detail: "open" });
  for (const isRefused of [false, true]) {
    const round = path.beginRound();
    path.add({ round, hops: 1, flow: 0, query: 0, answer: hopAnswer("192.0.2.1", 1000) });
    const second = hopAnswer("192.0.2.2", 2000, isRefused ? refusal : {});
    path.add({ round, hops: 2, flow: 0, query: 0, answer: second });
    path.add({ round, hops: 3, flow: 0, query: 0, answer: isRefused ? null : end });
    const endHops = isRefused ? Infinity : 3;
    path.endFlow({ round, flow: 0, endHops, isAtMost: false, farthestRouter: isRefused ? 1 : 2 });
  }
  assertEquals(path.hops().map(({ sent, answered }) => [sent, answered]), [[2, 2], [2, 2], [2, 1]]);
  assertEquals([path.end()?.kind, path.end()?.hops], ["end", 3]);
});

Deno.test("addresses at a hop are bounded; further ones are counted", () => {
  const path = new TracePath(1);
  path.beginRound();
  for (let i = 0; i < MAX_ADDRESSES_A_HOP + 5; i++) {
    path.add({
      round: path.rounds,
      hops: 1,
      flow: i,
      query: 0,
      answer: hopAnswer(`192.0.2.${i}`, 1000),
    });
  }
  const [hop] = path.hops();
  assertEquals([hop.addresses.length, hop.others], [MAX_ADDRESSES_A_HOP, 5]);
});

Deno.test("the next round knows how far the path goes and which hops are silent", () => {
  const known = examplePath().known();
  assertEquals([known.length, [...known.silent]], [5, [2, 3]]);
});

function live(of: TraceReport, notice: string | null = null): LiveTrace {
  const parts = { clock: new FakeClock(), paint: plain, rounds: 100, keys: true };
  return new LiveTrace({ ...parts, report: () => of, notice: () => notice });
}

Deno.test("the live table is the table, with how far it is, cut to the terminal", () => {
  const of = report(examplePath(), { rounds: 3 });
  const table = traceTable(of, plain, 160);
  const wide = live(of).lines(160, 24);
  assertEquals(wide, [...table, "round 3 of 100, q quits"]);
  const narrow = live(of, "a notice").lines(76, 5);
  assertEquals(narrow.slice(1), [
    "hop  address                 sent   loss      min      avg      max   jitter",
    "  1  gw [31m.test (192.0.2…     2   0.0%    1.000    1.250    1.500    0.500",
    "a notice",
    "round 3 of 100, q quits",
  ]);
});

Deno.test("nothing is said of the path's end while the first round is under way", () => {
  const path = oneHop();
  const lines = (rounds: number) => live(report(path, { rounds })).lines(160, 24).join("\n");
  assert(!lines(1).includes("not reached"));
  assert(lines(2).includes("not reached: no answer behind hop 1"));
});
