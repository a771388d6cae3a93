/** The exporter with a clock and a receiver that do as they are told. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Target } from "../../../src/domain/target.ts";
import { NAMING } from "../../../src/format/naming.ts";
import { ProtobufWriter } from "../../../src/format/protobuf.ts";
import { Trouble } from "../../../src/sink/exporter.ts";
import type { WholeReply } from "../../../src/sink/http_post.ts";
import { OtlpExporter, TARGETS_A_REQUEST } from "../../../src/sink/otlp.ts";
import { FakeClock, settle } from "../fake_clock.ts";
import { established, target } from "../fixtures.ts";

const INTERVAL_MS = 60_000;
/** Points of one target that was probed once: outcomes, 3 counters, 2 gauges, 4 histograms. */
const POINTS = 6 + 3 + 2 + 4;
/** The prober's own, in the first request. */
const OWN_POINTS = 2;

/** An ExportMetricsServiceResponse of partial success. */
function partial(rejected: number, message: string): Uint8Array {
  const out = new ProtobufWriter();
  out.message(1, () => {
    if (rejected > 0) out.uint(1, rejected);
    out.string(2, message);
  });
  return out.bytes;
}

interface Answer {
  readonly status: number;
  readonly body?: Uint8Array;
  readonly retryAfterMs?: number;
}

const setUp = (...answers: readonly (Answer | Error)[]) => {
  const clock = new FakeClock();
  const said: string[] = [];
  /** When each request came, in ms since the start. */
  const times: number[] = [];
  const sizes: number[] = [];
  const startMs = clock.now();
  const waiting = [...answers];
  const post = (body: Uint8Array, signal: AbortSignal): Promise<WholeReply> => {
    times.push(clock.now() - startMs);
    sizes.push(body.length);
    const answer = waiting.shift();
    if (answer instanceof Error) return Promise.reject(answer);
    const reply = { message: "", body: new Uint8Array(0), retryAfterMs: null };
    if (answer !== undefined) return Promise.resolve({ ...reply, ...answer });
    // Nobody answers.
    return new Promise((_, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason))
    );
  };
  const exporter = new OtlpExporter({
    where: "otlp-http://c:4318",
    url: "http://c:4318/v1/metrics",
    headers: {},
    gzip: false,
    timeoutMs: 10_000,
    intervalMs: INTERVAL_MS,
    exportMs: INTERVAL_MS,
    temporality: "cumulative",
    tls: { authority: null, certificate: null, key: null },
    attributes: [],
  }, {
    sender: {
      resource: [["service.name", "wire-probe"]],
      version: "1.2.3",
      naming: NAMING.probe,
      temporality: "cumulative",
    },
    post,
    clock,
    trouble: new Trouble("otlp-http://c:4318", (text) => said.push(text)),
    boundsUs: [1000],
    runDropped: () => 0,
    residentBytes: () => 1,
    pressure: () => null,
  });
  const probe = (of: Target = target("db")) =>
    exporter.record(established(1, 4120, { target: of }));
  return { clock, said, times, sizes, exporter, probe };
};

const STORED: Answer = { status: 200 };

Deno.test("figures are sent once an interval, and once more at the end", async () => {
  const { clock, times, exporter, probe, said } = setUp(STORED, STORED, STORED);
  probe();
  await clock.advance(2 * INTERVAL_MS + 5000);
  await exporter.close(1000);
  assertEquals(times, [INTERVAL_MS, 2 * INTERVAL_MS, 2 * INTERVAL_MS + 5000]);
  assertEquals([exporter.dropped, said, clock.waiting], [0, [], 0]);
});

Deno.test("an overloaded receiver is asked again, later and later, and not before it wants", async () => {
  const { clock, times, exporter, probe, said } = setUp(
    { status: 503 },
    { status: 503 },
    new Error("connection refused"),
    { status: 429, retryAfterMs: 20_000 },
    STORED,
  );
  probe();
  await clock.advance(2 * INTERVAL_MS - 1);
  const since = times.map((ms) => ms - INTERVAL_MS);
  assertEquals(since, [0, 1000, 3000, 7000, 27_000]);
  assertEquals(said, [
    "otlp-http://c:4318: cannot send: HTTP 503; trying again",
    "otlp-http://c:4318: delivering again after 0 dropped",
  ]);
  assertEquals(exporter.dropped, 0);
});

Deno.test("figures that could not be sent in time make room for newer ones and are counted", async () => {
  const { clock, times, exporter, probe } = setUp(
    ...new Array<Answer>(7).fill({ status: 503, retryAfterMs: 30_000 }),
  );
  probe();
  // At 60, 90 and 120 s; there the second sending begins.
  await clock.advance(2 * INTERVAL_MS + 1);
  assertEquals(times.map((ms) => ms / 1000), [60, 90, 120]);
  assertEquals(exporter.dropped, POINTS + OWN_POINTS);
});

Deno.test("a refusal is told once with the receiver's own words, and its points are counted", async () => {
  const status = new ProtobufWriter();
  status.uint(1, 3);
  status.string(2, "no such tenant");
  const refusal = { status: 400, body: status.bytes };
  const { clock, times, exporter, probe, said } = setUp(refusal, refusal, STORED);
  probe();
  await clock.advance(3 * INTERVAL_MS);
  assertEquals(times.length, 3);
  assertEquals(said, ["otlp-http://c:4318: refused: HTTP 400 no such tenant"]);
  assertEquals(exporter.dropped, 2 * (POINTS + OWN_POINTS));
});

Deno.test("a receiver that refuses or fails is not up until it has taken a request", async () => {
  const { clock, exporter, probe } = setUp(
    { status: 401 },
    STORED,
    { status: 503 },
    { status: 503, retryAfterMs: 3 * INTERVAL_MS },
  );
  probe();
  const up: boolean[] = [exporter.receiver.delivering];
  for (let i = 0; i < 3; i++) {
    await clock.advance(INTERVAL_MS);
    up.push(exporter.receiver.delivering);
  }
  assertEquals(up, [true, false, true, false]);
  assertEquals(exporter.receiver.waiting, POINTS + OWN_POINTS);
  await exporter.close(0);
});

Deno.test("what a receiver rejects of a request is counted, and advice is passed on", async () => {
  const { clock, exporter, probe, said } = setUp(
    { status: 200, body: partial(3, "too many labels") },
    { status: 200, body: partial(0, "use gzip \u001b[31m") },
    { status: 200, body: partial(3, "too many labels") },
  );
  probe();
  await clock.advance(3 * INTERVAL_MS);
  assertEquals(exporter.dropped, 6);
  assertEquals(said, [
    "otlp-http://c:4318: points refused: too many labels",
    "otlp-http://c:4318: use gzip [31m",
  ]);
});

Deno.test("a receiver that never answers is given up in time, also at the end", async () => {
  const { clock, times, exporter, probe, said } = setUp();
  probe();
  await clock.advance(INTERVAL_MS);
  await clock.advance(10_500);
  assertStringIncludes(said[0], "no answer within 10 s");
  const closing = exporter.close(1000);
  await clock.advance(1000);
  await closing;
  assertEquals([times.length, exporter.dropped > 0, clock.waiting], [2, true, 0]);
});

Deno.test("what the end cuts off is given up, and not tried again", async () => {
  const { clock, exporter, probe, said } = setUp();
  probe();
  const closing = exporter.close(1000);
  await clock.advance(1000);
  await closing;
  assertEquals(said, ["otlp-http://c:4318: cannot send: given up at the end"]);
});

Deno.test("many targets are sent in requests of bounded size", async () => {
  const count = 3 * TARGETS_A_REQUEST - 1;
  const { clock, sizes, exporter, probe } = setUp(STORED, STORED, STORED);
  for (let i = 0; i < count; i++) probe(target(`db${i}`));
  await clock.advance(INTERVAL_MS);
  assertEquals(sizes.length, 3);
  assertEquals(Math.max(...sizes) < 256 * 1024, true, `${sizes}`);
  assertEquals(exporter.dropped, 0);
});

Deno.test("when the second of three requests fails for good, the targets of the third count too", async () => {
  const count = 3 * TARGETS_A_REQUEST;
  const { clock, exporter, probe, sizes } = setUp(STORED, { status: 404 });
  for (let i = 0; i < count; i++) probe(target(`db${i}`));
  await clock.advance(INTERVAL_MS);
  assertEquals([sizes.length, exporter.dropped], [2, 2 * TARGETS_A_REQUEST * POINTS]);
});

Deno.test("a target that left is sent once more, then forgotten; late results do not bring it back", async () => {
  const { clock, sizes, exporter, probe } = setUp(STORED, STORED, STORED);
  const left = target("left");
  probe(left);
  exporter.forget(left);
  await clock.advance(INTERVAL_MS);
  probe(left);
  await clock.advance(INTERVAL_MS);
  assertEquals(sizes[1] < sizes[0] / 2, true, `${sizes}`);
  exporter.watch(left);
  probe(left);
  await clock.advance(INTERVAL_MS);
  await settle();
  assertEquals(sizes[2], sizes[0]);
});
