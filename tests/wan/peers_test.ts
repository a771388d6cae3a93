/** ping, knock and probe beside fping and nping, on one link in one run: they tell of the same network. */
import { assertAlmostEquals, assertEquals, assertGreaterOrEqual } from "@std/assert";
import { wan } from "./harness/wan.ts";
import { Lab, PORT, quantile } from "./lab.ts";
import { runPackets } from "./packet_lab.ts";

const ROUND_TRIP_MS = 10;
const COUNT = 25;
/** Of the quickest of them: the peers' clocks hold this machine's scheduling, also at its best. */
const TOLERANCE_MS = 1;

/**
 * The quickest tenth of many, which a busy machine delays least; not the quickest of all, which a
 * machine that stood still between two stamps of one packet makes too short.
 */
function quickest(delaysMs: readonly number[]): number {
  assertGreaterOrEqual(delaysMs.length, COUNT / 2);
  const quick = quantile(delaysMs, 0.1);
  assertGreaterOrEqual(quick, ROUND_TRIP_MS - 0.5);
  return quick;
}

/** Pairs of words such as `SENT (0.0379s)` and `RCVD (0.0482s)`, in ms. */
function npingTimes(stdout: string): number[] {
  const sent = [...stdout.matchAll(/^SENT \(([\d.]+)s\)/gm)].map(([, seconds]) => Number(seconds));
  const received = [...stdout.matchAll(/^RCVD \(([\d.]+)s\).* SA /gm)].map(([, at]) => Number(at));
  // One probe at a time: each answer is to the last packet before it.
  return received.map((at) => (at - Math.max(...sent.filter((time) => time <= at))) * 1000);
}

wan("fping and nping see the round trip that ping and knock see", async () => {
  await using lab = await Lab.open(ROUND_TRIP_MS);
  const { near, link, target } = lab;
  const pace = ["-c", String(COUNT), "-i", "50ms"];
  const rtts = async (command: "ping" | "knock", target: string) => {
    const { code, probes, stderr } = await runPackets(near, command, [...pace, target]);
    assertEquals(code, 0, stderr);
    return quickest(probes.flatMap(({ rtt_ms }) => rtt_ms ?? []));
  };

  const ping = await rtts("ping", link.b.v4);
  const fping = await near.run("fping", ["-q", "-C", `${COUNT}`, "-p", "50", link.b.v4]);
  const echoes = fping.stderr.split(" : ")[1].trim().split(" ").map(Number);
  assertAlmostEquals(ping, quickest(echoes.filter(Number.isFinite)), TOLERANCE_MS, fping.stderr);

  const knock = await rtts("knock", target);
  const words = ["--tcp", "-p", `${PORT}`, "--flags", "syn", "-c", `${COUNT}`, "--delay", "50ms"];
  const nping = await near.run("nping", [...words, link.b.v4]);
  assertAlmostEquals(knock, quickest(npingTimes(nping.stdout)), TOLERANCE_MS, nping.stdout);
  assertAlmostEquals(knock, ping, TOLERANCE_MS);
}, ["fping", "nping"]);
