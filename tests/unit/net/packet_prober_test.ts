import { assert, assertEquals, assertFalse } from "@std/assert";
import { NONE, type ProbeRecord } from "../../../src/domain/probe_record.ts";
import type { Endpoint } from "../../../src/domain/target.ts";
import { EchoExchange } from "../../../src/net/echo_exchange.ts";
import { type ExchangeOrReason, PacketProber } from "../../../src/net/packet_prober.ts";
import { type ClockChoice, probeOnce } from "../../../src/net/prober.ts";
import { FakeClock, settle } from "../fake_clock.ts";
import { endpoint, record } from "../fixtures.ts";
import { counting, FakePacketSocket, type IcmpFake } from "./fake_packets.ts";

const TIMEOUT_MS = 1000;
const PAYLOAD_BYTES = 16;
const ID = 0x1234;
// <asm-generic/errno.h>
const EPERM = 1;
const ENETUNREACH = 101;
const ENOBUFS = 105;
const EHOSTUNREACH = 113;

interface Flying {
  readonly record: ProbeRecord;
  settled: boolean;
}

/** A prober on a ping socket by script. */
class Bench {
  readonly clock = new FakeClock();
  readonly socket = new FakePacketSocket(4, ID);
  readonly prober: PacketProber;

  constructor(
    choice: ClockChoice = "auto",
    six: ExchangeOrReason = "cannot ping IPv6: it is switched off",
  ) {
    const echo = { kind: "ping", payloadBytes: PAYLOAD_BYTES, random: counting(77) } as const;
    const four = new EchoExchange(this.socket, echo);
    this.prober = new PacketProber({ 4: four, 6: six }, this.clock, TIMEOUT_MS, choice);
  }

  probe(to: Endpoint = endpoint(), leavesAtUs = NaN): Flying {
    this.socket.leavesAtUs = leavesAtUs;
    const flying = { record: record(), settled: false };
    probeOnce(this.prober, to, flying.record).then(() => flying.settled = true);
    return flying;
  }

  /** The reply to a request that was sent, from whoever was asked. */
  reply(index: number, stampUs = NaN): void {
    const { bytes, to } = this.socket.sent[index];
    this.socket.receive(bytes.with(0, 0), to.bytes, stampUs);
  }

  return(index: number, error: IcmpFake): void {
    const { bytes, to } = this.socket.sent[index];
    this.socket.return(bytes, to.bytes, error);
  }
}

function figures({ record: of }: Flying): unknown[] {
  return [of.outcome, of.rttUs, of.rttSource, of.connectUs];
}

Deno.test("the request is sent before the call returns", () => {
  const bench = new Bench();
  bench.probe();
  assertEquals(bench.socket.sent.length, 1);
  bench.prober.stop();
});

Deno.test("between the kernel's two times lies the round trip, whatever this process took", async () => {
  const bench = new Bench();
  const flying = bench.probe(endpoint(), 5_000_100);
  await bench.clock.advance(30);
  bench.reply(0, 5_010_250.4);
  await settle();
  assertEquals(figures(flying), ["established", 10_150, "kernel", 30_000]);
  assertEquals([flying.record.synRetransmits, flying.record.error], [NONE, null]);
  assertEquals(bench.clock.waiting <= 1, true);
});

Deno.test("a time of sending that comes later, but before the reply, counts as well", async () => {
  const bench = new Bench();
  const flying = bench.probe();
  bench.socket.left(0, 1000);
  await bench.clock.advance(5);
  bench.reply(0, 4000);
  await settle();
  assertEquals(figures(flying), ["established", 3000, "kernel", 5000]);
});

Deno.test("without one of the two times the clock's value stands in and says so", async () => {
  for (const [leftUs, cameUs] of [[NaN, 4000], [1000, NaN], [NaN, NaN]]) {
    const bench = new Bench();
    const flying = bench.probe(endpoint(), leftUs);
    await bench.clock.advance(5);
    bench.reply(0, cameUs);
    await settle();
    assertEquals(figures(flying), ["established", 5000, "clock", 5000]);
  }
});

Deno.test("times that contradict the clock around them are not believed", async () => {
  // Negative, and longer than the whole probe took: the wall clock was set in between.
  for (const cameUs of [500, 9000]) {
    const bench = new Bench();
    const flying = bench.probe(endpoint(), 1000);
    await bench.clock.advance(5);
    bench.reply(0, cameUs);
    await settle();
    assertEquals(figures(flying), ["established", 5000, "clock", 5000]);
  }
});

Deno.test("a wall clock stepped in between makes the kernel's times worthless", async () => {
  for (const stepMs of [-10, 10]) {
    const bench = new Bench();
    const flying = bench.probe(endpoint(), 1000);
    await bench.clock.advance(20);
    bench.clock.stepWall(stepMs);
    bench.reply(0, 3000);
    await settle();
    assertEquals(figures(flying), ["established", 20_000, "clock", 20_000]);
  }
});

Deno.test("the clock that was asked for is the one that is used", async () => {
  const rows = [["userland", 3000, 5000, "clock"], ["kernel", 3000, 2000, "kernel"]] as const;
  for (const [choice, cameUs, rttUs, source] of rows) {
    const bench = new Bench(choice);
    const flying = bench.probe(endpoint(), 1000);
    await bench.clock.advance(5);
    bench.reply(0, cameUs);
    await settle();
    assertEquals(figures(flying), ["established", rttUs, source, 5000]);
  }
  const bench = new Bench("kernel");
  const flying = bench.probe();
  bench.reply(0);
  await settle();
  assertEquals(figures(flying), ["established", NONE, null, 0]);
});

Deno.test("silence is a timeout, and no timer is left", async () => {
  const bench = new Bench();
  const flying = bench.probe();
  await bench.clock.advance(TIMEOUT_MS - 1);
  assertFalse(flying.settled);
  await bench.clock.advance(10);
  assert(flying.settled);
  assertEquals(figures(flying), ["timeout", NONE, null, NONE]);
  assertEquals([flying.record.error, bench.clock.waiting], [null, 0]);
});

Deno.test("a reply that waited in the socket of a stalled process is judged by the kernel", async () => {
  const rows = [[900_000, "established"], [1_000_001, "timeout"]] as const;
  for (const [tookUs, outcome] of rows) {
    const bench = new Bench();
    const flying = bench.probe(endpoint(), 1000);
    bench.socket.waiting = () => bench.reply(0, 1000 + tookUs);
    bench.clock.stall(20 * TIMEOUT_MS);
    await bench.clock.advance(10);
    assertEquals(flying.record.outcome, outcome);
    assertEquals(flying.record.rttUs, outcome === "timeout" ? NONE : tookUs);
  }
});

Deno.test("an answer that may have been lost in this host is no loss of the network's", async () => {
  const bench = new Bench();
  const early = bench.probe();
  await bench.clock.advance(TIMEOUT_MS / 2);
  const later = bench.probe();
  bench.socket.lostHere = 3;
  await bench.clock.advance(TIMEOUT_MS);
  const after = bench.probe();
  await bench.clock.advance(2 * TIMEOUT_MS);
  const outcomes = [early, later, after].map(({ record: of }) => of.outcome);
  assertEquals(outcomes, ["error", "error", "timeout"]);
  assertEquals(early.record.error, "this host was too busy to take all answers");
});

Deno.test("a second reply, a late one and a forged one match no probe and change nothing", async () => {
  const bench = new Bench();
  const [first, second] = [bench.probe(), bench.probe()];
  bench.reply(0);
  bench.reply(0);
  assertEquals(bench.prober.unmatched, 1);
  const { bytes, to } = bench.socket.sent[1];
  // With another cookie, from another host too; cut before the cookie ends.
  const forged = bytes.with(0, 0).with(12, bytes[12] ^ 1);
  bench.socket.receive(forged, to.bytes);
  bench.socket.receive(forged, [203, 0, 113, 9]);
  bench.socket.receive(bytes.with(0, 0).slice(0, 12), to.bytes);
  assertEquals(bench.prober.unmatched, 4);
  await bench.clock.advance(2 * TIMEOUT_MS);
  bench.reply(1);
  assertEquals(bench.prober.unmatched, 5);
  assertEquals([first.record.outcome, second.record.outcome], ["established", "timeout"]);
});

Deno.test("a reply with our cookie from another address counts, as anycast's does", async () => {
  const bench = new Bench();
  const flying = bench.probe();
  const { bytes } = bench.socket.sent[0];
  bench.socket.receive(bytes.with(0, 0), [203, 0, 113, 9]);
  await settle();
  assertEquals([flying.record.outcome, bench.prober.unmatched], ["established", 0]);
});

Deno.test("an error that names an MTU which the packet does not exceed is no answer", async () => {
  const bench = new Bench();
  const flying = bench.probe();
  for (const info of [44, 9000]) bench.return(0, { type: 3, code: 4, info, from: [10, 0, 0, 9] });
  await settle();
  assertFalse(flying.settled);
  bench.reply(0);
  await settle();
  assertEquals(flying.record.outcome, "established");
});

Deno.test("a reply to another program's echo is nobody's", () => {
  const bench = new Bench();
  const flying = bench.probe();
  const { bytes, to } = bench.socket.sent[0];
  bench.socket.receive(bytes.with(0, 0).with(5, bytes[5] ^ 1), to.bytes);
  bench.socket.receive(bytes, to.bytes);
  assertEquals([flying.settled, bench.prober.unmatched], [false, 0]);
  bench.prober.stop();
});

Deno.test("ICMP errors are unreachable, with what was said and by whom", async () => {
  const rows: readonly [IcmpFake, string][] = [
    [{ type: 11, code: 0, from: [10, 0, 0, 9] }, "ttl exceeded from 10.0.0.9"],
    [{ type: 3, code: 13, from: [10, 0, 0, 9] }, "administratively prohibited from 10.0.0.9"],
    [
      { type: 3, code: 4, info: 40, from: [10, 0, 0, 9] },
      "packet too big from 10.0.0.9, MTU 40",
    ],
    [{ type: 3, code: 1 }, "host unreachable"],
  ];
  for (const [error, text] of rows) {
    const bench = new Bench();
    const flying = bench.probe();
    await bench.clock.advance(3);
    bench.return(0, error);
    await settle();
    assertEquals(figures(flying), ["unreachable", NONE, null, NONE]);
    assertEquals(flying.record.error, text);
  }
});

Deno.test("an error that quotes too little or something else touches no probe", async () => {
  const bench = new Bench();
  const flying = bench.probe();
  const { bytes, to } = bench.socket.sent[0];
  const error = { type: 11, code: 0, from: [10, 0, 0, 9] };
  bench.socket.return(bytes.slice(0, 7), to.bytes, error);
  bench.socket.return(bytes.with(5, bytes[5] ^ 1), to.bytes, error);
  bench.socket.return(bytes.with(12, bytes[12] ^ 1), to.bytes, error);
  bench.socket.return(bytes, [203, 0, 113, 9], error);
  // A redirect is no failure.
  bench.return(0, { type: 5, code: 1, from: [10, 0, 0, 9] });
  await settle();
  assertFalse(flying.settled);
  bench.prober.stop();
});

Deno.test("the 8 bytes that an error must quote are enough", async () => {
  const bench = new Bench();
  const flying = bench.probe();
  const { bytes, to } = bench.socket.sent[0];
  bench.socket.return(bytes.slice(0, 8), to.bytes, { type: 11, code: 0, from: [10, 0, 0, 9] });
  await settle();
  assertEquals(flying.record.outcome, "unreachable");
});

Deno.test("zeros behind a short quote are no other probe's mark", async () => {
  const from = [10, 0, 0, 9];
  for (const quotedBytes of [8, 10, 13]) {
    const bench = new Bench();
    const flying = bench.probe();
    const quote = bench.socket.sent[0].bytes.map((byte, at) => at < quotedBytes ? byte : 0);
    bench.socket.return(quote, endpoint().bytes, { type: 11, code: 0, from });
    await settle();
    assertEquals(flying.record.outcome, "unreachable", `${quotedBytes} bytes`);
  }
});

Deno.test("what the system does not send is an error, whatever its reason", async () => {
  const rows: readonly [number, string, string][] = [
    [EPERM, "error", "send: not permitted"],
    [ENOBUFS, "error", "send: ENOBUFS"],
    [ENETUNREACH, "error", "send: network is unreachable"],
    [EHOSTUNREACH, "error", "send: no route to host"],
  ];
  for (const [errno, outcome, error] of rows) {
    const bench = new Bench();
    bench.socket.errno = errno;
    const flying = bench.probe();
    await settle();
    assertEquals([flying.record.outcome, flying.record.error], [outcome, error]);
    assertEquals(bench.clock.waiting, 0);
  }
});

Deno.test("a family without a socket says why, the other goes on", async () => {
  const bench = new Bench();
  const [six, four] = [bench.probe(endpoint("2001:db8::1")), bench.probe()];
  bench.reply(0);
  await settle();
  assertEquals([six.record.outcome, four.record.outcome], ["error", "established"]);
  assertEquals(six.record.error, "cannot ping IPv6: it is switched off");
});

Deno.test("sequence numbers wrap, and one still under way is passed over", async () => {
  const bench = new Bench();
  const sequenceOf = (index: number) => {
    const { bytes } = bench.socket.sent[index];
    return bytes[6] << 8 | bytes[7];
  };
  const slow = bench.probe();
  for (let i = 1; i < 65_536; i++) {
    bench.probe();
    bench.reply(i);
  }
  const wrapped = bench.probe();
  assertEquals([sequenceOf(0), sequenceOf(65_535), sequenceOf(65_536)], [0, 65_535, 1]);
  bench.reply(65_536);
  bench.reply(0);
  await settle();
  assertEquals([slow.record.outcome, wrapped.record.outcome], ["established", "established"]);
  assertEquals(bench.prober.unmatched, 0);
});

Deno.test("a late reply does not answer the probe that has its sequence number now", async () => {
  const bench = new Bench();
  bench.probe();
  await bench.clock.advance(2 * TIMEOUT_MS);
  for (let i = 1; i < 65_536; i++) {
    bench.probe();
    bench.reply(i);
  }
  const wrapped = bench.probe();
  const [old, now] = [bench.socket.sent[0].bytes, bench.socket.sent[65_536].bytes];
  assertEquals(old.slice(6, 8), now.slice(6, 8));
  bench.reply(0);
  await settle();
  assertEquals([wrapped.settled, bench.prober.unmatched], [false, 1]);
  bench.reply(65_536);
  await settle();
  assertEquals(wrapped.record.outcome, "established");
});

Deno.test("with all sequence numbers under way a probe is not sent", async () => {
  const bench = new Bench();
  for (let i = 0; i < 65_536; i++) bench.probe();
  const over = bench.probe();
  await settle();
  assertEquals([over.record.outcome, over.record.error], ["error", "too many probes under way"]);
  assertEquals(bench.socket.sent.length, 65_536);
  bench.prober.stop();
});

Deno.test("what stopping gave up is never reported, and the socket is closed", async () => {
  const bench = new Bench();
  const flying = bench.probe();
  bench.prober.stop();
  bench.reply(0);
  await bench.clock.advance(2 * TIMEOUT_MS);
  assertFalse(flying.settled);
  assertEquals([bench.socket.closed, bench.clock.waiting], [true, 0]);
});

Deno.test("in a turn of many sends what waits in the socket is read in between", async () => {
  const bench = new Bench();
  const flying = Array.from({ length: 200 }, (_, i) => {
    // The first hundred answers are there when the others are still to be sent.
    if (i === 100) {
      bench.socket.waiting = () => {
        for (let index = 0; index < 100; index++) bench.reply(index);
      };
    }
    return bench.probe();
  });
  await settle();
  assertEquals(flying.filter(({ settled }) => settled).length, 100);
  bench.prober.stop();
});
