/** knock against real servers: its round trips, its verdicts, and that no server ever notices. */
import { assert, assertEquals, assertGreaterOrEqual, assertStringIncludes } from "@std/assert";
import { BINARY } from "./binary.ts";
import { saturate } from "./harness/busy.ts";
import type { Host } from "./harness/network.ts";
import { handshakesIn } from "./harness/truth.ts";
import { until } from "./harness/wait.ts";
import { wan } from "./harness/wan.ts";
import { CLOSED_PORT, Lab, PORT } from "./lab.ts";
import { type PacketRun, runPackets, runWithRaw } from "./packet_lab.ts";
import { assertPacketsOnTruth } from "./truth_check.ts";

const ROUND_TRIP_MS = 10;
const KNOCKS = 200;
const HALF_OPEN = 10_000;
/** The link's clock starts before the kernel's stamp, by as long as an interrupt in between takes. */
const EARLIER_MS = 0.1;

/** Connections that the host's listeners were ever given (RFC 4022, tcpPassiveOpens). */
async function passiveOpens(host: Host): Promise<number> {
  const { stdout } = await host.run("cat", ["/proc/net/snmp"]);
  const [names, values] = stdout.split("\n").filter((line) => line.startsWith("Tcp:"))
    .map((line) => line.split(" "));
  return Number(values[names.indexOf("PassiveOpens")]);
}

/** Connections in any state to or from the responder's port, but for its listener. */
async function connections(host: Host): Promise<string> {
  const { stdout } = await host.run("ss", ["-Htan", "state", "connected", `sport = :${PORT}`]);
  return stdout.trim();
}

function outcomes(run: PacketRun, target: string): string[] {
  return run.probes.filter((probe) => probe.target === target)
    .map(({ outcome, error }) => error === null ? outcome : `${outcome}: ${error}`);
}

const many = ["-c", String(KNOCKS), "-i", "10ms"];

wan(
  "the round trip is the link's, over IPv4 and IPv6, as root and with the capability alone",
  async () => {
    await using lab = await Lab.open(ROUND_TRIP_MS);
    for (const address of [lab.link.b.v4, `[${lab.link.b.v6}]`]) {
      for (const run of [runPackets, runWithRaw]) {
        await lab.link.capture();
        const knocked = await run(lab.near, "knock", [...many, `${address}:${PORT}`]);
        const seen = handshakesIn(await lab.link.captured());
        assertPacketsOnTruth(knocked, seen, KNOCKS);
        assert(knocked.probes.every(({ outcome }) => outcome === "established"));
        assert(knocked.probes.every(({ syn_retransmits }) => syn_retransmits === 0));
      }
    }
    assertEquals(await passiveOpens(lab.far), 0);
  },
);

wan("the round trip is the link's while both cores are saturated", async () => {
  await using lab = await Lab.open(ROUND_TRIP_MS);
  await lab.link.capture();
  await using _busy = await saturate(2 * navigator.hardwareConcurrency);
  const run = await runPackets(lab.near, "knock", [...many, lab.target]);
  assertPacketsOnTruth(run, handshakesIn(await lab.link.captured()), KNOCKS);
});

wan("ten thousand half-open probes: the server accepts none of them", async () => {
  await using lab = await Lab.open(1);
  const port = 5432;
  const server = lab.far.exec(BINARY, ["serve", "--port", String(port)]);
  const listening = async () => (await lab.far.run("ss", ["-Htln", `sport = :${port}`])).stdout;
  await until("the server listens", async () => await listening() !== "");
  // A port of ours comes again at the same address half a second later, when its reset is there, also over a
  // link that stood still for a while.
  const addresses = [lab.link.b.v4, "10.77.1.66", "10.77.1.67", "10.77.1.68"];
  for (const other of addresses.slice(1)) {
    await lab.far.ip("addr", "add", `${other}/24`, "dev", lab.link.b.device);
  }
  const [target, ...others] = addresses.map((address) => `${address}:${port}`);
  const each = HALF_OPEN / addresses.length;
  await lab.link.capture();
  const schedule = ["-c", String(each), "-i", `${addresses.length}ms`, "-t", "10s"];
  const run = await runPackets(lab.near, "knock", [...schedule, target, ...others]);
  const counts = run.summaries.map(({ answered, lost, not_sent }) => [answered, lost, not_sent]);
  assertEquals(counts, addresses.map(() => [each, 0, 0]));
  const seen = handshakesIn(await lab.link.captured());
  for (const address of addresses) {
    const probes = run.probes.filter(({ target }) => target === `${address}:${port}`);
    const own = seen.filter(({ target }) => target === address.replaceAll(".", ","));
    assertPacketsOnTruth({ ...run, probes }, own, each);
  }
  // Each SYN-ACK was answered with RST, and with nothing else.
  const { ab, ba } = await lab.link.counters();
  assertEquals([ab.syns, ab.rsts, ab.fins, ab.tcp], [HALF_OPEN, HALF_OPEN, 0, 2 * HALF_OPEN]);
  assertEquals(ba.synAcks, HALF_OPEN);
  assertEquals([await passiveOpens(lab.far), await connections(lab.far)], [0, ""]);
  // The counters do count: one handshake that is meant to be completed.
  const real = await lab.probe("-c", "1", target);
  assertEquals([real.summary.answered, await passiveOpens(lab.far)], [1, 1]);
  server.kill("SIGTERM");
  const { stdout, stderr } = await server.output();
  assertStringIncludes(
    new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr),
    "accepted 1 in",
  );
});

wan("SYN-ACK, RST, router's refusal, no route and silence are told apart", async () => {
  await using lab = await Lab.open(2);
  await lab.far.route("unreachable", "fd99::/32");
  await lab.far.route("prohibit", "203.0.113.0/24");
  await lab.far.forward(true);
  await lab.near.route("fd99::/32", "via", lab.link.b.v6);
  await lab.near.route("203.0.113.0/24", "via", lab.link.b.v4);
  const { v4, v6 } = lab.link.b;
  const expected: readonly [target: string, outcome: string][] = [
    [`${v4}:${PORT}`, "established"],
    [`[${v6}]:${PORT}`, "established"],
    [`${v4}:${CLOSED_PORT}`, "refused"],
    [`[${v6}]:${CLOSED_PORT}`, "refused"],
    ["[fd99::1]:80", `unreachable: network unreachable from ${v6}`],
    ["203.0.113.1:80", `unreachable: administratively prohibited from ${v4}`],
    ["198.51.100.1:80", "error: send: network is unreachable"],
    ["[2001:db8::1]:80", "error: send: network is unreachable"],
  ];
  const targets = expected.map(([target]) => target);
  const run = await runPackets(lab.near, "knock", ["-c", "1", ...targets]);
  for (const [target, outcome] of expected) assertEquals(outcomes(run, target), [outcome], target);
  const refused = run.probes.filter(({ outcome }) => outcome === "refused");
  for (const { rtt_ms, rtt_source, connect_ms } of refused) {
    assertEquals([rtt_ms, rtt_source], [null, null]);
    assertGreaterOrEqual(connect_ms ?? 0, 2 - EARLIER_MS);
  }
  await lab.link.set({ drop: "all" });
  const silent = await runPackets(lab.near, "knock", [
    "-c",
    "2",
    "-t",
    "200ms",
    ...targets.slice(0, 4),
  ]);
  assertEquals(new Set(silent.probes.map(({ outcome }) => outcome)), new Set(["timeout"]));
  assert(silent.probes.every(({ rtt_ms, connect_ms }) => rtt_ms === null && connect_ms === null));
  assertEquals(await passiveOpens(lab.far), 0);
});

wan("a SYN lost is one probe lost: none is sent again", async () => {
  await using lab = await Lab.open(ROUND_TRIP_MS);
  await lab.link.set({ dropSynEvery: 3 }, "ab");
  const options = ["-c", "30", "-i", "20ms", "-t", "1500ms"];
  const { probes } = await runPackets(lab.near, "knock", [...options, lab.target]);
  const { ab } = await lab.link.counters();
  assertEquals([ab.syns, ab.synsDropped], [30, 10]);
  const lost = probes.filter(({ outcome }) => outcome === "timeout").map(({ seq }) => seq);
  assertEquals(lost, [3, 6, 9, 12, 15, 18, 21, 24, 27, 30]);
});

wan("an answer after the timeout is lost, and answers no later knock", async () => {
  await using lab = await Lab.open(300);
  const options = ["-c", "10", "-i", "100ms", "-t", "200ms"];
  const run = await runPackets(lab.near, "knock", [...options, lab.target]);
  assertEquals(run.summaries[0].lost, 10);
  // The last answers come when nobody listens any more.
  assertGreaterOrEqual(Number(/(\d+) answers? came/.exec(run.stderr)?.[1]), 5);
});

wan("connections of this host's own to the same server live on beside it", async () => {
  await using lab = await Lab.open(2);
  const knocking = runPackets(lab.near, "knock", ["-c", "500", "-i", "2ms", lab.target]);
  const probing = await lab.probe("-c", "300", "-i", "3ms", lab.target);
  const knocked = await knocking;
  assertEquals([probing.summary.answered, knocked.summaries[0].answered], [300, 500]);
  assertEquals(probing.summary.syn_retransmits, 0);
  assertEquals(await passiveOpens(lab.far), 300);
});

wan("with --source the SYNs leave from there", async () => {
  await using lab = await Lab.open(1);
  const [other, other6] = ["10.77.1.77", "fd77:0:0:1::77"];
  await lab.near.ip("addr", "add", `${other}/24`, "dev", lab.link.a.device);
  await lab.near.ip("addr", "add", `${other6}/64`, "dev", lab.link.a.device, "nodad");
  for (const [source, target] of [[other, lab.link.b.v4], [other6, `[${lab.link.b.v6}]`]]) {
    await lab.link.capture();
    const args = ["-c", "3", "--source", source, `${target}:${PORT}`];
    const run = await runPackets(lab.near, "knock", args);
    assertEquals(outcomes(run, `${target}:${PORT}`), new Array(3).fill("established"));
    const sent = (await lab.link.captured()).filter(({ direction }) => direction === 0);
    // Last byte of the source address, in the IPv4 header and the IPv6 one.
    const last = sent.map(({ bytes }) => bytes[bytes[0] >> 4 === 4 ? 15 : 23]);
    assertEquals(new Set(last), new Set(source === other ? [77] : [0x77]));
  }
  const refused = await runPackets(lab.near, "knock", ["--source", "198.51.100.7", lab.target]);
  assertEquals(refused.code, 4);
  assertStringIncludes(refused.stderr, "--source 198.51.100.7: not an address of this machine");
});

wan("without the capability one line says which it is and how to give it", async () => {
  await using lab = await Lab.open(1);
  const run = await runPackets(lab.near, "knock", ["-c", "1", lab.target], { user: "nobody" });
  assertEquals([run.code, run.probes.length], [4, 0]);
  assertEquals(run.stderr.trim().split("\n").length, 1);
  assertStringIncludes(run.stderr, "setcap cap_net_raw+ep");
});
