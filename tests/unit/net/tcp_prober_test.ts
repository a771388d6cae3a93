import { assertEquals, assertFalse } from "@std/assert";
import { NONE, type ProbeRecord } from "../../../src/domain/probe_record.ts";
import { type ClockChoice, probeOnce } from "../../../src/net/prober.ts";
import { TcpProber } from "../../../src/net/tcp_prober.ts";
import { FakeClock } from "../fake_clock.ts";
import { type ConnectPlan, FakeConnector, systemError } from "../fake_network.ts";
import { endpoint, record } from "../fixtures.ts";

const TIMEOUT_MS = 1000;
const KERNEL = { rttUs: 4000, synRetransmits: 0 };
const NO_SAMPLE = { rttUs: NONE, synRetransmits: NONE };

/** A prober, what it sends with, and one probe under way. */
interface Bench {
  readonly clock: FakeClock;
  readonly connector: FakeConnector;
  readonly prober: TcpProber;
  readonly record: ProbeRecord;
  settled: boolean;
}

function startProbe(plan: ConnectPlan, choice: ClockChoice = "auto"): Bench {
  const clock = new FakeClock();
  const connector = new FakeConnector(clock, plan);
  const prober = new TcpProber(connector, clock, TIMEOUT_MS, choice);
  const bench = { clock, connector, prober, record: record(), settled: false };
  probeOnce(prober, endpoint(), bench.record).then(() => bench.settled = true);
  return bench;
}

async function probed(plan: ConnectPlan, choice: ClockChoice = "auto"): Promise<Bench> {
  const bench = startProbe(plan, choice);
  await bench.clock.advance(10 * TIMEOUT_MS);
  assertEquals(bench.settled, true);
  assertEquals(bench.connector.closed, bench.connector.opened, "each connection is closed");
  assertEquals(bench.clock.waiting, 0, "no timer is left");
  return bench;
}

function figures({ record: of }: Bench): unknown[] {
  return [of.outcome, of.rttUs, of.rttSource, of.connectUs, of.synRetransmits];
}

Deno.test("the SYN is sent before the call returns", () => {
  const { connector, prober } = startProbe({});
  assertEquals(connector.started, 1);
  prober.stop();
});

Deno.test("an established handshake has the kernel's RTT beside the clock's connect time", async () => {
  const bench = await probed({ afterMs: 7, sample: KERNEL });
  assertEquals(figures(bench), ["established", 4000, "kernel", 7000, 0]);
  assertEquals(bench.record.error, null);
});

Deno.test("without a sample of the kernel the clock's value stands in and says so", async () => {
  const bench = await probed({ afterMs: 7, sample: NO_SAMPLE });
  assertEquals(figures(bench), ["established", 7000, "clock", 7000, NONE]);
});

Deno.test("after a SYN retransmit the kernel's sample is not believed", async () => {
  const bench = await probed({ afterMs: 907, sample: { rttUs: 1000, synRetransmits: 1 } });
  assertEquals(figures(bench), ["established", 907_000, "clock", 907_000, 1]);
});

Deno.test("--clock kernel gives no RTT rather than the clock's", async () => {
  const none = await probed({ afterMs: 7, sample: NO_SAMPLE }, "kernel");
  assertEquals(figures(none), ["established", NONE, null, 7000, NONE]);
  const resent = await probed({ afterMs: 907, sample: { rttUs: 9, synRetransmits: 2 } }, "kernel");
  assertEquals(figures(resent), ["established", NONE, null, 907_000, 2]);
  const refused = await probed({ afterMs: 3, error: systemError("ECONNREFUSED", "x") }, "kernel");
  assertEquals(figures(refused), ["refused", NONE, null, 3000, NONE]);
});

Deno.test("--clock userland gives the clock's value though the kernel has one", async () => {
  const bench = await probed({ afterMs: 7, sample: KERNEL }, "userland");
  assertEquals(figures(bench), ["established", 7000, "clock", 7000, 0]);
});

Deno.test("a refusal has a connect time and no RTT", async () => {
  const bench = await probed({ afterMs: 3, error: systemError("ECONNREFUSED", "refused") });
  assertEquals(figures(bench), ["refused", NONE, null, 3000, NONE]);
  assertEquals(bench.record.error, null);
});

Deno.test("what is reset once it was established was established, by the clock alone", async () => {
  const reset = { afterMs: 3, error: systemError("ECONNRESET", "reset") };
  const bench = await probed(reset);
  assertEquals(figures(bench), ["established", 3000, "clock", 3000, NONE]);
  assertEquals(bench.record.error, null);
  assertEquals(figures(await probed(reset, "kernel")), ["established", NONE, null, 3000, NONE]);
});

Deno.test("a handshake of which the system did not tell is made once more", async () => {
  const lost = { afterMs: 3, error: systemError("ENOTCONN", "not connected") };
  const bench = startProbe(lost);
  bench.connector.plan = { afterMs: 5, sample: KERNEL };
  await bench.clock.advance(3);
  assertEquals([bench.settled, bench.connector.started], [false, 2]);
  await bench.clock.advance(5);
  assertEquals(bench.settled, true);
  assertEquals(figures(bench), ["established", 4000, "kernel", 5000, 0]);
  const twice = await probed(lost);
  assertEquals(twice.connector.started, 2);
  assertEquals(figures(twice), ["error", NONE, null, NONE, NONE]);
  assertEquals(twice.record.error, "not connected");
});

Deno.test("a handshake made once more is given up with the rest", async () => {
  const bench = startProbe({ afterMs: 3, error: systemError("ENOTCONN", "not connected") });
  bench.connector.plan = {};
  await bench.clock.advance(3);
  bench.prober.stop();
  await bench.clock.advance(10 * TIMEOUT_MS);
  assertEquals([bench.settled, bench.connector.cancelled], [false, 1]);
});

Deno.test("the system's errors are told apart, and keep what the system said", async () => {
  const outcomes = [
    ["ENETUNREACH", "unreachable"],
    ["EHOSTUNREACH", "unreachable"],
    ["EHOSTDOWN", "unreachable"],
    // ICMPv6 "administratively prohibited", and protocol unreachable.
    ["EACCES", "unreachable"],
    ["ENOPROTOOPT", "unreachable"],
    ["ENETDOWN", "error"],
    ["EADDRNOTAVAIL", "error"],
    ["EMFILE", "error"],
  ];
  for (const [code, outcome] of outcomes) {
    const bench = await probed({ afterMs: 1, error: systemError(code, `said\n${code}`) });
    assertEquals(figures(bench), [outcome, NONE, null, NONE, NONE], code);
    assertEquals(bench.record.error, `said ${code}`);
  }
});

Deno.test("what this machine refuses to send is an error, whatever the errno", async () => {
  const bench = await probed({
    afterMs: 0,
    notSent: systemError("EHOSTUNREACH", "connect: no route to host"),
  });
  assertEquals(figures(bench), ["error", NONE, null, NONE, NONE]);
  assertEquals(bench.record.error, "connect: no route to host");
});

Deno.test("an error without a code is an error, whatever was thrown", async () => {
  for (const [error, said] of [[new Error("odd"), "odd"], ["a text", "a text"]]) {
    const bench = await probed({ afterMs: 1, error });
    assertEquals([bench.record.outcome, bench.record.error], ["error", said]);
  }
});

Deno.test("the system's own timeout is a timeout, without an error's text", async () => {
  const bench = await probed({ afterMs: 800, error: systemError("ETIMEDOUT", "timed out") });
  assertEquals(figures(bench), ["timeout", NONE, null, NONE, NONE]);
  assertEquals(bench.record.error, null);
});

Deno.test("no answer within the timeout is a timeout, and the attempt is given up", async () => {
  const bench = startProbe({});
  await bench.clock.advance(TIMEOUT_MS - 1);
  assertFalse(bench.settled);
  assertEquals(bench.connector.cancelled, 0);
  await bench.clock.advance(10);
  assertEquals([bench.settled, bench.connector.cancelled], [true, 1]);
  assertEquals(figures(bench), ["timeout", NONE, null, NONE, NONE]);
  assertEquals(bench.record.error, null);
});

Deno.test("a handshake that the kernel has by the timeout was answered, read of or not", async () => {
  const bench = await probed({ unread: KERNEL });
  assertEquals(figures(bench), ["established", 4000, "kernel", 1_002_000, 0]);
  assertEquals(bench.connector.cancelled, 0);
});

Deno.test("one that the kernel says was answered too late, or only after another SYN, was not", async () => {
  const late = await probed({ unread: { rttUs: 1_500_000, synRetransmits: 0 } });
  assertEquals(figures(late), ["timeout", NONE, null, NONE, 0]);
  const again = await probed({ unread: { rttUs: 4000, synRetransmits: 1 } });
  assertEquals(figures(again), ["timeout", NONE, null, NONE, 1]);
});

Deno.test("a connection established after the timeout is closed and changes nothing", async () => {
  const bench = await probed({ afterMs: TIMEOUT_MS + 500, sample: KERNEL, ignoresCancel: true });
  assertEquals([bench.connector.cancelled, bench.connector.opened], [1, 1]);
  assertEquals(figures(bench), ["timeout", NONE, null, NONE, NONE]);
});

Deno.test("a late failure after the timeout changes nothing", async () => {
  const error = systemError("ECONNREFUSED", "refused");
  const bench = await probed({ afterMs: TIMEOUT_MS + 500, error, ignoresCancel: true });
  assertEquals([bench.record.outcome, bench.record.connectUs], ["timeout", NONE]);
});

Deno.test("after a stall beyond the timeout the kernel's RTT decides: in time", async () => {
  const bench = startProbe({ afterMs: 5, sample: KERNEL });
  bench.clock.stall(20 * TIMEOUT_MS);
  await bench.clock.advance(10);
  assertEquals(bench.settled, true);
  assertEquals([bench.record.outcome, bench.record.rttUs], ["established", 4000]);
  assertEquals(bench.record.connectUs, 20_000_000);
  assertEquals([bench.connector.cancelled, bench.connector.closed], [0, 1]);
});

Deno.test("a reply read only after the timer of a stalled process still counts", async () => {
  const bench = startProbe({ afterMs: 20 * TIMEOUT_MS + 1, sample: KERNEL });
  bench.clock.stall(20 * TIMEOUT_MS);
  await bench.clock.advance(10);
  assertEquals([bench.record.outcome, bench.record.rttUs], ["established", 4000]);
});

Deno.test("after a stall, what the kernel says took too long is a timeout and is closed", async () => {
  const late = { rttUs: TIMEOUT_MS * 1000 + 1, synRetransmits: 0 };
  const bench = startProbe({ afterMs: 5, sample: late });
  bench.clock.stall(20 * TIMEOUT_MS);
  await bench.clock.advance(10);
  assertEquals(figures(bench), ["timeout", NONE, null, NONE, 0]);
  assertEquals(bench.connector.closed, 1);
});

Deno.test("without a kernel sample the clock decides whether it was in time", async () => {
  const bench = startProbe({ afterMs: 5, sample: { rttUs: 1000, synRetransmits: 2 } });
  bench.clock.stall(20 * TIMEOUT_MS);
  await bench.clock.advance(10);
  assertEquals(figures(bench), ["timeout", NONE, null, NONE, 2]);
});

Deno.test("an answer just within the timeout counts", async () => {
  const rttUs = TIMEOUT_MS * 1000;
  const bench = await probed({ afterMs: TIMEOUT_MS, sample: { rttUs, synRetransmits: 0 } });
  assertEquals(figures(bench), ["established", rttUs, "kernel", rttUs, 0]);
});

Deno.test("probes under way at once keep their own times", async () => {
  const clock = new FakeClock();
  const connector = new FakeConnector(clock, { afterMs: 100, sample: KERNEL });
  const prober = new TcpProber(connector, clock, TIMEOUT_MS, "userland");
  const records = [record(), record(), record()];
  for (const [i, each] of records.entries()) {
    connector.plan = { afterMs: 100 - 30 * i, sample: KERNEL };
    probeOnce(prober, endpoint(), each);
    await clock.advance(10);
  }
  await clock.advance(200);
  assertEquals(records.map((each) => each.connectUs), [100_000, 70_000, 40_000]);
  assertEquals(connector.closed, 3);
});

Deno.test("stopping gives up what is under way, closes what comes late, leaves no timer", async () => {
  const bench = startProbe({ afterMs: 50, sample: KERNEL, ignoresCancel: true });
  bench.prober.stop();
  assertEquals(bench.connector.cancelled, 1);
  await bench.clock.advance(TIMEOUT_MS);
  assertEquals([bench.connector.opened, bench.connector.closed], [1, 1]);
  assertEquals(bench.clock.waiting, 0);
});

Deno.test("what stopping gave up is never reported", async () => {
  for (const ignoresCancel of [true, false]) {
    const bench = startProbe({ afterMs: 50, sample: KERNEL, ignoresCancel });
    bench.prober.stop();
    await bench.clock.advance(TIMEOUT_MS);
    assertFalse(bench.settled);
  }
});
