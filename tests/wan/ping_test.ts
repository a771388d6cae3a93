/** ping's numbers and verdicts against links of known delay, routers and rules of all kinds. */
import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertLess,
  assertStringIncludes,
} from "@std/assert";
import { saturate } from "./harness/busy.ts";
import { echoesIn, type LinkEcho } from "./harness/echo_truth.ts";
import { type Host, type Link, Network } from "./harness/network.ts";
import { errorMs, UNANSWERED } from "./harness/truth.ts";
import { until } from "./harness/wait.ts";
import { wan } from "./harness/wan.ts";
import { quantile } from "./lab.ts";
import { packetCommand, type PacketRun, runPackets, runWithRaw } from "./packet_lab.ts";
import { assertPacketsOnTruth, KERNEL_SHARE, TAIL_TOLERANCE_MS } from "./truth_check.ts";

const ONE_WAY_US = 5000;
const ECHOES = 200;
const PING_SOCKETS = { "net.ipv4.ping_group_range": "0 2147483647" };

interface Pair extends AsyncDisposable {
  readonly near: Host;
  readonly far: Host;
  readonly link: Link;
}

async function pair(delayUs: number): Promise<Pair> {
  const network = await Network.create();
  const [near, far] = [await network.host("near"), await network.host("far")];
  const link = await network.link(near, far, { delayUs });
  return { near, far, link, [Symbol.asyncDispose]: () => network[Symbol.asyncDispose]() };
}

function outcomes(run: PacketRun, target: string): string[] {
  return run.probes.filter((probe) => probe.target === target)
    .map(({ outcome, error }) => error === null ? outcome : `${outcome}: ${error}`);
}

const many = ["-c", String(ECHOES), "-i", "10ms"];

wan("the round trip is the link's, on ping sockets and raw ones, over IPv4 and IPv6", async () => {
  await using lab = await pair(ONE_WAY_US);
  for (const target of [lab.link.b.v4, lab.link.b.v6]) {
    await lab.link.capture();
    assertPacketsOnTruth(
      await runWithRaw(lab.near, "ping", [...many, target]),
      await echoes(lab),
      ECHOES,
    );
  }
  await lab.near.sysctl(PING_SOCKETS);
  for (const target of [lab.link.b.v4, lab.link.b.v6]) {
    await lab.link.capture();
    const run = await runPackets(lab.near, "ping", [...many, target], { user: "nobody" });
    assertPacketsOnTruth(run, await echoes(lab), ECHOES);
  }
});

async function echoes({ link }: Pair): Promise<LinkEcho[]> {
  return echoesIn(await link.captured());
}

wan("the round trip is the link's while both cores are saturated", async () => {
  await using lab = await pair(ONE_WAY_US);
  await lab.link.capture();
  await using _busy = await saturate(2 * navigator.hardwareConcurrency);
  const run = await runPackets(lab.near, "ping", [...many, lab.link.b.v4]);
  assertPacketsOnTruth(run, await echoes(lab), ECHOES);
});

wan("three thousand targets share a socket, and each has its own answer", async () => {
  await using lab = await pair(ONE_WAY_US);
  const targets = Array.from({ length: 3000 }, (_, i) => `10.88.${i >> 8}.${i & 255}`);
  // Every address of the network is the far host's.
  await lab.far.route("local", "10.88.0.0/16", "dev", "lo");
  await lab.near.route("10.88.0.0/16", "via", lab.link.b.v4);
  await lab.link.capture();
  const run = await runPackets(lab.near, "ping", ["-c", "2", "-i", "1500ms", ...targets]);
  assertEquals(run.summaries.filter(({ answered }) => answered !== 2), []);
  const kernels = run.probes.filter(({ rtt_source }) => rtt_source === "kernel").length;
  assertGreaterOrEqual(kernels, KERNEL_SHARE * run.probes.length);
  assert(!run.stderr.includes(" came "), run.stderr);
  const truth = Map.groupBy(await echoes(lab), ({ target }) => target.replaceAll(",", "."));
  const errors = run.probes.map(({ target, seq, rtt_ms }) =>
    errorMs(rtt_ms, truth.get(target)?.[seq - 1] ?? UNANSWERED)
  );
  assertLess(quantile(errors, 0.9), TAIL_TOLERANCE_MS);
});

wan(
  "ttl exceeded, unreachable, prohibited and silence are told apart, with who said so",
  async () => {
    await using network = await Network.create();
    const [near, one, two, far] = await Promise.all(
      ["near", "one", "two", "far"].map((name) => network.host(name)),
    );
    const first = await network.link(near, one, { delayUs: 500 });
    const second = await network.link(one, two, { delayUs: 500 });
    const third = await network.link(two, far, { delayUs: 500 });
    await network.route();
    await one.route("unreachable", "fd99::/32");
    await one.route("prohibit", "fd98::/32");
    await near.route("fd99::/32", "via", first.b.v6);
    await near.route("fd98::/32", "via", first.b.v6);
    await near.sysctl(PING_SOCKETS);
    for (const user of ["root", "nobody"] as const) {
      const ping = (...args: string[]) => runPackets(near, "ping", ["-c", "1", ...args], { user });
      const both = [third.b.v4, third.b.v6];
      for (const [ttl, port] of [["1", first.b], ["2", second.b]] as const) {
        const run = await ping("--ttl", ttl, ...both);
        assertEquals(run.code, 1);
        assertEquals(outcomes(run, third.b.v4), [`unreachable: ttl exceeded from ${port.v4}`]);
        assertEquals(outcomes(run, third.b.v6), [`unreachable: ttl exceeded from ${port.v6}`]);
      }
      const through = await ping("--ttl", "3", ...both);
      assertEquals(through.probes.map(({ outcome }) => outcome), ["established", "established"]);
      const refused = await ping("fd99::1", "fd98::1", "198.51.100.1");
      assertEquals(outcomes(refused, "fd99::1"), [
        `unreachable: network unreachable from ${first.b.v6}`,
      ]);
      assertEquals(outcomes(refused, "fd98::1"), [
        `unreachable: administratively prohibited from ${first.b.v6}`,
      ]);
      assertEquals(outcomes(refused, "198.51.100.1"), [
        "error: send: network is unreachable",
      ]);
      await third.set({ drop: "icmp" });
      const silent = await ping("-t", "200ms", ...both);
      assertEquals(silent.probes.map(({ outcome }) => outcome), ["timeout", "timeout"]);
      assert(
        silent.probes.every(({ rtt_ms, connect_ms }) => rtt_ms === null && connect_ms === null),
      );
      await third.set({ drop: "none" });
    }
  },
);

wan("an IPv4 router that refuses is named too", async () => {
  await using lab = await pair(500);
  await lab.far.route("unreachable", "203.0.113.0/24");
  await lab.far.forward(true);
  await lab.near.route("203.0.113.0/24", "via", lab.link.b.v4);
  const run = await runPackets(lab.near, "ping", ["-c", "1", "203.0.113.9"]);
  assertEquals(outcomes(run, "203.0.113.9"), [
    `unreachable: host unreachable from ${lab.link.b.v4}`,
  ]);
});

wan("a packet too big for a link on the way is unreachable, with the MTU", async () => {
  await using network = await Network.create();
  const [near, router, far] = await Promise.all(
    ["near", "router", "far"].map((name) => network.host(name)),
  );
  const first = await network.link(near, router);
  const last = await network.link(router, far, { mtu: 1300 });
  await network.route();
  const targets = [last.b.v4, last.b.v6];
  const run = await runPackets(near, "ping", ["-c", "1", "--size", "1400", ...targets]);
  for (const family of ["v4", "v6"] as const) {
    assertEquals(outcomes(run, last.b[family]), [
      `unreachable: packet too big from ${first.b[family]}, MTU 1300`,
    ]);
  }
});

wan("every fifth echo lost is counted as lost, the others have their round trip", async () => {
  await using lab = await pair(ONE_WAY_US);
  await lab.link.set({ dropEvery: 5 }, "ab");
  const options = ["-c", "50", "-i", "20ms", "-t", "1s"];
  const { probes, summaries: [summary] } = await runPackets(lab.near, "ping", [
    ...options,
    lab.link.b.v4,
  ]);
  const { ab } = await lab.link.counters();
  assertEquals([summary.sent, summary.lost, summary.answered], [50, ab.dropped, 50 - ab.dropped]);
  assertEquals(ab.dropped, 10);
  const lost = probes.filter(({ outcome }) => outcome === "timeout").map(({ seq }) => seq);
  assertEquals(lost, [5, 10, 15, 20, 25, 30, 35, 40, 45, 50]);
});

wan("a reply after the timeout is lost, and answers no later echo", async () => {
  await using lab = await pair(150_000);
  const options = ["-c", "10", "-i", "100ms", "-t", "200ms"];
  const run = await runPackets(lab.near, "ping", [...options, lab.link.b.v4]);
  assertEquals(run.summaries[0].lost, 10);
  const unmatched = Number(/(\d+) answers? came/.exec(run.stderr)?.[1]);
  // The last replies come when nobody listens any more.
  assertGreaterOrEqual(unmatched, 5);
});

wan("answers that found no room here are no loss of the network's", async () => {
  await using lab = await pair(1_000_000);
  await lab.far.route("local", "10.88.0.0/16", "dev", "lo");
  await lab.near.route("10.88.0.0/16", "via", lab.link.b.v4);
  await lab.near.sysctl(PING_SOCKETS);
  const targets = Array.from({ length: 5000 }, (_, i) => `10.88.${i >> 8}.${i & 255}`);
  // Together more than the socket has room for, and all of them on their way when it stops.
  const args = ["-q", "-c", "1", "-i", "500ms", "-t", "8s", "--size", "1400", ...targets];
  const [file, ...words] = packetCommand("ping", args);
  const process = lab.near.exec(file, words, { user: "nobody" });
  const output = process.output();
  const counted = () => lab.link.counters();
  await until("nearly all are on their way", async () => (await counted()).ab.packets >= 4900);
  process.kill("SIGSTOP");
  const { ab } = await counted();
  await until("all are answered", async () => (await counted()).ba.forwarded >= ab.packets);
  process.kill("SIGCONT");
  const { stdout } = await output;
  const total = new TextDecoder().decode(stdout).trim().split("\n").map((line) => JSON.parse(line))
    .find(({ schema, group }) => schema === "wire-probe.ping-total.v1" && group === null);
  assertEquals([total.lost, total.answered + total.not_sent], [0, targets.length]);
  assertGreaterOrEqual(total.not_sent, 1);
  assertGreaterOrEqual(total.answered, 100);
});

wan("payloads of any size arrive as long as they were asked for", async () => {
  await using lab = await pair(500);
  for (const size of [0, 3, 8, 1472]) {
    await lab.link.capture();
    const targets = [lab.link.b.v4, lab.link.b.v6];
    // What IPv6's longer header leaves of 1,500 bytes.
    const bytes = Math.min(size, 1452);
    const run = await runPackets(lab.near, "ping", [
      "-c",
      "2",
      "--size",
      String(bytes),
      ...targets,
    ]);
    assertEquals(run.probes.map(({ outcome }) => outcome), new Array(4).fill("established"));
    const lengths = new Set((await echoes(lab)).map(({ length }) => length));
    assertEquals(lengths, new Set([20 + 8 + bytes, 40 + 8 + bytes]));
  }
  const fragmented = await runPackets(lab.near, "ping", [
    "-c",
    "2",
    "--size",
    "9000",
    lab.link.b.v4,
  ]);
  assertEquals(fragmented.summaries[0].answered, 2);
});

wan("with --source the echoes leave from there, and the other family is refused", async () => {
  await using lab = await pair(500);
  const other = "10.77.1.77";
  await lab.near.ip("addr", "add", `${other}/24`, "dev", lab.link.a.device);
  await lab.link.capture();
  const args = ["-c", "3", "-i", "100ms", "--source", other];
  const run = await runPackets(lab.near, "ping", [...args, lab.link.b.v4]);
  assertEquals(outcomes(run, lab.link.b.v4), new Array(3).fill("established"));
  const mixed = await runPackets(lab.near, "ping", [...args, lab.link.b.v6]);
  assertEquals(mixed.code, 3);
  assertStringIncludes(mixed.stderr, "is not an IPv4 address");
  // IPv4 source address: bytes 12 to 15 of the header.
  const sent = (await lab.link.captured()).filter(({ direction }) => direction === 0);
  assertEquals(new Set(sent.map(({ bytes }) => bytes.slice(12, 16).join("."))), new Set([other]));
  const refused = await runPackets(lab.near, "ping", ["--source", "198.51.100.7", lab.link.b.v4]);
  assertEquals(refused.code, 4);
  assertStringIncludes(refused.stderr, "--source 198.51.100.7: not an address of this machine");
});

wan("a link-local target is reached through its zone", async () => {
  await using lab = await pair(500);
  const target = `fe80::2%${lab.link.a.device}`;
  const run = await runPackets(lab.near, "ping", ["-c", "2", target]);
  assertEquals(outcomes(run, target), ["established", "established"]);
});

wan("where neither socket is permitted, one line says how to allow it", async () => {
  await using lab = await pair(500);
  const run = await runPackets(lab.near, "ping", ["-c", "1", lab.link.b.v4], { user: "nobody" });
  assertEquals([run.code, run.probes.length], [4, 0]);
  assertEquals(run.stderr.trim().split("\n").length, 1);
  assertStringIncludes(run.stderr, 'sysctl -w net.ipv4.ping_group_range="0 2147483647"');
  assertStringIncludes(run.stderr, "setcap cap_net_raw+ep");
});
