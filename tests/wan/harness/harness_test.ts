/** Proves the test network itself, without wire-probe: a plain libc client is held against each link. */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { wan } from "./wan.ts";
import { saturate } from "./busy.ts";
import { toPcap } from "./capture.ts";
import type { Handshake } from "./handshake.ts";
import { type Host, type Link, Network } from "./network.ts";
import { errorMs, handshakesIn, type LinkHandshake, whileOnTime } from "./truth.ts";
import { until } from "./wait.ts";

const PEER = new URL("./handshake.ts", import.meta.url).pathname;
const PORT = "7000";
const ROUND_TRIP_US = 10_000;
const HANDSHAKES = 200;
const CORES = navigator.hardwareConcurrency;

/** A network of two hosts, a listener on the second. */
async function pair(delayUs: number): Promise<{ net: Network; a: Host; b: Host; link: Link }> {
  const net = await Network.create();
  const [a, b] = [await net.host("a"), await net.host("b")];
  const link = await net.link(a, b, { delayUs });
  await listen(b);
  return { net, a, b, link };
}

async function listen(host: Host): Promise<void> {
  const listener = host.exec(Deno.execPath(), ["run", "-A", PEER, "serve", "::", PORT]);
  const reader = listener.stdout.getReader();
  await reader.read();
  await reader.cancel();
}

async function connect(
  from: Host,
  address: string,
  { count = HANDSHAKES, intervalMs = 2, timeoutMs = 5000 } = {},
): Promise<Handshake[]> {
  const numbers = [PORT, count, intervalMs, timeoutMs].map(String);
  const { code, stdout, stderr } = await from.run(
    Deno.execPath(),
    ["run", "-A", PEER, "connect", address, ...numbers],
  );
  assertEquals(code, 0, stderr);
  return JSON.parse(stdout);
}

function quantile(values: number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];
}

/**
 * A median is no shorter than the delays the link was told. Longer it is by this machine's noise, which
 * may last for minutes, and spares some: the quickest tenth tells how late the link is of itself.
 */
function assertDelay(rttsUs: number[], nominalUs: number): void {
  const [quick, median] = [0.1, 0.5].map((q) => quantile(rttsUs, q));
  const figures = `quickest tenth ${quick} µs, median ${median} µs, nominal ${nominalUs} µs`;
  assert(median > nominalUs - 50 && quick < nominalUs + 1000, figures);
}

/** The kernel's round trips against the nominal delay, and one by one against the packets on the link. */
function hold(label: string, measured: Handshake[], seen: LinkHandshake[]): void {
  assertEquals(seen.length, measured.length);
  const rtts = measured.map(({ rttUs }) => rttUs ?? NaN);
  const offTruth = measured.map(({ rttUs }, i) => 1000 * errorMs((rttUs ?? NaN) / 1000, seen[i]));
  const late = seen.map(({ lateUs }) => lateUs);
  const row = (values: number[]) =>
    [0.5, 0.9, 0.99, 1].map((q) => quantile(values, q).toFixed(0)).join(" ");
  console.log(
    `${label}: rtt µs ${row(rtts)}; off the link's truth ${row(offTruth)}; link late ${row(late)}`,
  );
  assertDelay(rtts, ROUND_TRIP_US);
  assert(quantile(offTruth, 0.5) < 50, "half are within 50 µs of the packets' own round trip");
  assert(
    quantile(whileOnTime(offTruth, seen), 0.99) < 200,
    "99 of 100 are within 200 µs of it, while the machine does not stand still",
  );
}

for (const [load, cores] of [["idle", 0], ["all cores saturated", CORES]] as const) {
  for (const family of ["v4", "v6"] as const) {
    wan(`a 10 ms link takes 10 ms (${family}, ${load})`, async () => {
      const { net, a, link } = await pair(ROUND_TRIP_US / 2);
      await using _net = net;
      await using _load = await saturate(cores);
      await link.capture();
      const measured = await connect(a, link.b[family]);
      hold(`${family}, ${load}`, measured, handshakesIn(await link.captured()));
    });
  }
}

wan("every third SYN is dropped, and counted", async () => {
  const { net, a, link } = await pair(500);
  await using _net = net;
  await link.set({ dropSynEvery: 3 }, "ab");
  await link.capture();
  const measured = await connect(a, link.b.v4, { count: 6, intervalMs: 0 });
  const { ab, ba } = await link.counters();
  // SYNs 3, 6 are lost and come again as 4, 7: handshakes 3 and 5 wait a second each.
  assertEquals(measured.map(({ retransmits }) => retransmits), [0, 0, 1, 0, 1, 0]);
  assertEquals({ syns: ab.syns, dropped: ab.synsDropped, synAcks: ba.synAcks }, {
    syns: 8,
    dropped: 2,
    synAcks: 6,
  });
  const seen = handshakesIn(await link.captured());
  assertEquals(seen.map(({ syns }) => syns), [1, 1, 2, 1, 2, 1]);
  assertEquals(seen.map(({ synsLost }) => synsLost), [0, 0, 1, 0, 1, 0]);
  assert(measured[2].connectUs > 1e6);
});

wan("SYNs are dropped by their ordinals, counted from the setting", async () => {
  const { net, a, link } = await pair(500);
  await using _net = net;
  await connect(a, link.b.v4, { count: 3 });
  await link.set({ dropSyns: [2] }, "ab");
  const measured = await connect(a, link.b.v4, { count: 3 });
  assertEquals(measured.map(({ retransmits }) => retransmits), [0, 1, 0]);
  assertEquals((await link.counters()).ab.synsDropped, 1);
});

wan("a delay changes while packets flow", async () => {
  const { net, a, link } = await pair(1000);
  await using _net = net;
  const running = connect(a, link.b.v4, { count: 100, intervalMs: 10 });
  await until("half of them are begun", async () => (await link.counters()).ab.syns >= 50);
  await link.set({ delayUs: 10_000 });
  const rtts = (await running).map(({ rttUs }) => rttUs ?? NaN);
  assertDelay(rtts.slice(0, 40), 2000);
  assertDelay(rtts.slice(60), 20_000);
});

wan("TCP alone, ICMP alone and one direction alone can be slow", async () => {
  const { net, a, link } = await pair(0);
  await using _net = net;
  const rtts = async () => {
    const measured = await connect(a, link.b.v4, { count: 20 });
    return measured.map(({ rttUs }) => rttUs ?? NaN);
  };
  await link.set({ tcpDelayUs: 4000 }, "ba");
  assertDelay(await rtts(), 4000);
  await link.set({ tcpDelayUs: null, icmpDelayUs: 30_000 });
  assert(quantile(await rtts(), 0.5) < 1000);
});

wan("a black hole swallows SYNs and gives nothing back", async () => {
  const { net, a, link } = await pair(500);
  await using _net = net;
  await link.set({ drop: "all" }, "ab");
  const [{ rttUs, connectUs }] = await connect(a, link.b.v6, { count: 1, timeoutMs: 500 });
  assertEquals(rttUs, null);
  // By the kernel's timer; the process runs again when the machine lets it.
  assert(connectUs > 450_000 && connectUs < 10_000_000, `${connectUs} µs`);
  const { ab, ba } = await link.counters();
  assertEquals([ab.syns, ab.synsDropped, ba.packets], [1, 1, 0]);
});

wan(
  "packets that cross routers take the sum of the links' delays, over all equal paths",
  async () => {
    await using net = await Network.create();
    const [a, left, up, down, right, b] = await Promise.all(
      ["a", "left", "up", "down", "right", "b"].map((name) => net.host(name)),
    );
    await net.link(a, left, { delayUs: 1000 });
    const upper = await net.link(left, up, { delayUs: 1000 });
    const lower = await net.link(left, down, { delayUs: 1000 });
    await net.veth(up, right);
    await net.veth(down, right);
    const last = await net.link(right, b, { delayUs: 1000 });
    await net.route();
    await listen(b);
    for (const family of ["v4", "v6"] as const) {
      const measured = await connect(a, last.b[family], { count: 60 });
      assertDelay(measured.map(({ rttUs }) => rttUs ?? NaN), 6000);
    }
    const syns = [await upper.counters(), await lower.counters()].map(({ ab }) => ab.syns);
    assertEquals(syns[0] + syns[1], 120);
    assert(Math.min(...syns) > 20, `both paths carry flows: ${syns}`);
  },
);

wan("ICMP errors can be dropped by their source, and limited", async () => {
  await using net = await Network.create();
  const [a, router, b] = [await net.host("a"), await net.host("router"), await net.host("b")];
  const near = await net.link(a, router);
  await net.link(router, b);
  await net.route();
  // IPv6, since an IPv4 router sends but one such error a second after the fifth (net.ipv4.route.error_cost).
  await router.route("unreachable", "fd99::/16");
  await a.route("fd99::/16", "via", near.b.v6);
  const refusals = async () => {
    const before = (await near.counters()).ba;
    await connect(a, "fd99::1", { count: 10, timeoutMs: 20, intervalMs: 0 });
    // A link that stood still has the last one later than its connect waits.
    const all = async () => (await near.counters()).ba.icmpErrors >= before.icmpErrors + 10;
    await until("each is refused", all);
    const after = (await near.counters()).ba;
    assertEquals(
      after.icmp6["1"] - (before.icmp6["1"] ?? 0),
      after.icmpErrors - before.icmpErrors,
    );
    return {
      sent: after.icmpErrors - before.icmpErrors,
      dropped: after.icmpErrorsDropped - before.icmpErrorsDropped,
    };
  };
  assertEquals(await refusals(), { sent: 10, dropped: 0 });
  await near.set({ dropIcmpErrors: true, icmpErrorSources: ["10.1.1.1", "fd00::1"] });
  assertEquals((await refusals()).dropped, 0);
  await near.set({ icmpErrorSources: [near.b.v6] });
  assertEquals(await refusals(), { sent: 10, dropped: 10 });
  await near.set({ dropIcmpErrors: false, icmpErrorsPerSecond: 1 });
  const { sent, dropped } = await refusals();
  assert(sent - dropped >= 1 && sent - dropped <= 3, `${sent} sent, ${dropped} dropped`);
});

wan("a capture holds every packet that was counted, with its delay", async () => {
  const { net, a, link } = await pair(2000);
  await using _net = net;
  await link.capture();
  await connect(a, link.b.v4, { count: 5 });
  await until("none is on its way", async () => {
    const before = await link.counters();
    await new Promise((resolve) => setTimeout(resolve, 50));
    const { ab, ba } = await link.counters();
    const isOver = [ab, ba].every(({ packets, forwarded }) => packets === forwarded);
    return isOver && ab.packets === before.ab.packets && ba.packets === before.ba.packets;
  });
  const packets = await link.captured();
  const { ab, ba } = await link.counters();
  assertEquals(packets.filter(({ direction }) => direction === 0).length, ab.packets);
  assertEquals(packets.filter(({ direction }) => direction === 1).length, ba.packets);
  for (const { inUs, dueUs, outUs } of packets) {
    assertAlmostEquals((dueUs ?? NaN) - inUs, 2000, 1);
    assert((outUs ?? NaN) >= (dueUs ?? NaN));
  }
  const pcap = toPcap(packets, "inUs");
  const bytes = packets.reduce((sum, packet) => sum + packet.bytes.length, 0);
  assertEquals(pcap.length, 24 + 16 * packets.length + bytes);
});

wan("nothing is left of a network, also when its test throws", async () => {
  let namespace = "";
  let pid = 0;
  try {
    await using net = await Network.create();
    const host = await net.host("a");
    await net.link(host, await net.host("b"));
    namespace = host.namespace;
    pid =
      host.exec("sh", ["-c", "trap '' TERM; while :; do sleep 1; done"], { user: "nobody" }).pid;
    assertEquals((await host.run("id", ["-u"], { user: "nobody" })).stdout, "65534\n");
    throw new Error("as a failing test does");
  } catch (error) {
    assertEquals(String(error), "Error: as a failing test does");
  }
  const namespaces = await Array.fromAsync(Deno.readDir("/run/netns"));
  assertEquals(namespaces.filter(({ name }) => name === namespace), []);
  assertEquals(await Deno.stat(`/proc/${pid}`).catch(() => null), null);
});
