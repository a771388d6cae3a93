/**
 * compare's headline over links of known behaviour. The gate makes each scene once, with 20 slots;
 * `deno task test:compare` makes them 50 times, with 200 slots too.
 */
import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { traffic } from "../wan/connections_lab.ts";
import { saturate } from "../wan/harness/busy.ts";
import type { CapturedPacket } from "../wan/harness/capture.ts";
import { CAUSES_OF_DISTURBANCE, Disturbance } from "../wan/harness/disturbance.ts";
import type { Rules } from "../wan/harness/protocol.ts";
import { handshakesIn } from "../wan/harness/truth.ts";
import { Stalls } from "../wan/harness/stalls.ts";
import { wan } from "../wan/harness/wan.ts";
import { Lab, PORT } from "../wan/lab.ts";

const RUNS = Number(Deno.env.get("WIRE_PROBE_SCENE_RUNS") ?? 1);
const COUNTS = (Deno.env.get("WIRE_PROBE_SCENE_COUNTS") ?? "20").split(",").map(Number);
const ROUND_TRIP_MS = 4;
const SPIKE_US = 10_000;
const INTERVAL = "60ms";
/** Live connections are read once a second, three readings are the least; a held SYN is over before the next. */
const LONG_INTERVAL = "200ms";
const THINKER = 2130;
/** The protocol's number, and flags of TCP (RFC 9293). */
const [TCP, SYN, RST, ACK] = [6, 2, 4, 16];

/** Links as they are when a scene begins. */
const PLAIN: Rules = {
  delayUs: ROUND_TRIP_MS * 500,
  icmpDelayUs: null,
  tcpSpikeShare: 0,
  icmpSpikeShare: 0,
  spikeSynEvery: 0,
  spikeUs: SPIKE_US,
  coldAfterUs: 0,
  coldDelayUs: 0,
  dropSynEvery: 0,
  drop: "none",
};

interface Scene {
  readonly rules: Rules;
  /** Causes that are right. */
  readonly right: readonly string[];
  /** And where the link has held handshakes, which it was not to. */
  readonly mistimed?: readonly string[];
  /** Whether anything but a right cause, or none that asks for more, is wrong even at 20 slots. */
  readonly sure: boolean;
  readonly port?: number;
  readonly interval?: string;
  readonly busy?: boolean;
}

const HALF_SPIKES = 0.5;
/** On a busy machine this machine's own lateness is told too, and truly. */
const SCENES: Readonly<Record<string, Scene>> = {
  "no trouble": { rules: {}, right: ["none", "prober"], sure: false },
  "ICMP alone spikes": {
    rules: { icmpSpikeShare: HALF_SPIKES },
    right: ["ping", "prober"],
    sure: true,
  },
  "TCP alone spikes": { rules: { tcpSpikeShare: HALF_SPIKES }, right: ["spikes"], sure: true },
  "both spike": {
    rules: { icmpSpikeShare: HALF_SPIKES, tcpSpikeShare: HALF_SPIKES },
    right: ["spikes"],
    sure: true,
  },
  "ICMP is slower by 10 ms throughout": {
    rules: { icmpDelayUs: ROUND_TRIP_MS * 500 + SPIKE_US },
    right: ["ping", "prober"],
    sure: true,
  },
  "ICMP is dropped": { rules: { drop: "icmp" }, right: ["ping", "prober"], sure: true },
  "a fifth of the SYNs is lost": { rules: { dropSynEvery: 5 }, right: ["loss"], sure: true },
  "a twentieth of the SYNs is lost": { rules: { dropSynEvery: 20 }, right: ["loss"], sure: false },
  // Of the 40 handshakes of 20 slots perhaps none is met.
  "a hundredth of the SYNs is lost": {
    rules: { dropSynEvery: 100 },
    right: ["loss", "prober"],
    sure: false,
  },
  // On a machine that stands still between two handshakes of a slot the second is held too.
  "flows are set up slowly": {
    rules: { coldAfterUs: 40_000, coldDelayUs: 20_000 },
    right: ["set_up", "spikes"],
    sure: true,
    interval: LONG_INTERVAL,
  },
  // In each slot two handshakes, then the knock.
  "a knock is treated otherwise": {
    rules: { spikeSynEvery: 3 },
    right: ["knock", "prober"],
    mistimed: ["spikes", "perhaps_spikes", "set_up"],
    sure: true,
  },
  "a server thinks": {
    rules: {},
    right: ["server", "prober"],
    sure: false,
    port: THINKER,
    interval: LONG_INTERVAL,
  },
};

interface Answer {
  /** The machine held packets, so that all who look meet spikes. */
  readonly isDisturbed: boolean;
  /** The link has held handshakes. */
  readonly isMistimed: boolean;
  readonly verdict: string;
  readonly cause: string;
  readonly sentence: string;
  readonly enough_count: number | null;
  readonly connections?: { readonly connections: number } | null;
  /** Of a target without a command. */
  readonly path?: { readonly hops: number | null } | null;
}

async function ask(lab: Lab, scene: Scene, count: number): Promise<Answer> {
  await lab.link.set(PLAIN);
  // One way alone, so that what a share of the packets meets is met once a round trip.
  await lab.link.set(scene.rules, "ab");
  const target = `${lab.link.b.v4}:${scene.port ?? PORT}`;
  const options = [
    "-t",
    "1500ms",
    "-c",
    String(count),
    "-i",
    scene.interval ?? INTERVAL,
    "-o",
    "json",
  ];
  const disturbance = await Disturbance.watch(lab.link);
  const { stdout, stderr } = await lab.near.run(Lab.binary, ["compare", ...options, target]);
  const { packets, isDisturbed } = await disturbance.met(byRules(scene.rules));
  try {
    return { ...JSON.parse(stdout), isDisturbed, isMistimed: hasHeldHandshakes(packets) };
  } catch {
    throw new Error(`no JSON: ${stdout}${stderr}`);
  }
}

/** What the rules of a scene add to a packet now and then. */
function byRules(rules: Rules): number[] {
  const { spikeSynEvery = 0, tcpSpikeShare = 0, icmpSpikeShare = 0, coldDelayUs = 0 } = rules;
  const hasSpikes = spikeSynEvery > 0 || tcpSpikeShare > 0 || icmpSpikeShare > 0;
  return [...(hasSpikes ? [SPIKE_US] : []), coldDelayUs];
}

/**
 * Whether the link has held a SYN of a handshake, which is completed by an ACK; a knock is reset. A link that
 * counts SYNs holds another one where the program has left one out.
 */
function hasHeldHandshakes(packets: CapturedPacket[]): boolean {
  const completed = new Set(packets.flatMap(({ direction, bytes }) => {
    const at = (bytes[0] & 15) * 4;
    const isAck = direction === 0 && bytes[9] === TCP &&
      (bytes[at + 13] & (SYN | RST | ACK)) === ACK;
    return isAck ? [bytes[at] << 8 | bytes[at + 1]] : [];
  }));
  const seen = handshakesIn(packets);
  const least = Math.min(...seen.map(({ rttUs }) => rttUs ?? Infinity));
  return seen.some(({ port, rttUs }) => completed.has(port) && (rttUs ?? 0) > least + SPIKE_US / 2);
}

/** Live connections send again what a machine that stood still kept from being acknowledged. */
function isOfDisturbance({ cause, sentence }: Answer): boolean {
  return CAUSES_OF_DISTURBANCE.includes(cause) ||
    cause === "loss" && sentence.includes("of live connections");
}

/** Right, or asks for more; and blames the network only where it is to blame. */
function check(
  name: string,
  { right, mistimed, sure }: Scene,
  count: number,
  answer: Answer,
): void {
  const { cause, verdict, sentence, enough_count, isDisturbed, isMistimed } = answer;
  const isRight = right.includes(cause) || isDisturbed && isOfDisturbance(answer) ||
    isMistimed && (mistimed ?? []).includes(cause);
  const asksForMore = verdict === "unclear" || cause === "none" && enough_count !== null;
  const isFalseAlarm = verdict === "yes" && !isRight;
  assert(!isFalseAlarm, `${name}, -c ${count}: ${sentence}`);
  assert(isRight || asksForMore && !(sure && count > 20), `${name}, -c ${count}: ${sentence}`);
}

/** Those of one lab, one after the other. */
async function play(names: readonly string[]): Promise<void> {
  await using lab = await Lab.open(ROUND_TRIP_MS);
  await traffic(lab.far, ["reply", THINKER, 30]);
  if (names.includes("a server thinks")) {
    await traffic(lab.near, ["ask", `${lab.link.b.v4}:${THINKER}`, 4, 5]);
  }
  for (let run = 0; run < RUNS; run++) {
    for (const count of COUNTS) {
      for (const name of names) {
        check(name, SCENES[name], count, await ask(lab, SCENES[name], count));
      }
    }
  }
}

wan("the headline is right or asks for more, and never blames the network wrongly", async () => {
  const names = Object.keys(SCENES);
  const half = Math.ceil(names.length / 2);
  await Promise.all([play(names.slice(0, half)), play(names.slice(half))]);
});

wan("on a machine that is busy the network is not blamed", async () => {
  await using lab = await Lab.open(ROUND_TRIP_MS);
  await using _ = await saturate(2 * navigator.hardwareConcurrency);
  for (let run = 0; run < RUNS; run++) {
    for (const count of COUNTS) {
      const scene: Scene = { rules: {}, right: ["none", "prober"], sure: false };
      const answer = await ask(lab, scene, count);
      const { verdict, sentence, isDisturbed } = answer;
      const isTrue = isDisturbed && isOfDisturbance(answer);
      assert(["no", "unclear"].includes(verdict) || isTrue, sentence);
    }
  }
});

/** A target without a command, asked on the near host; how long it took, too. */
async function question(
  lab: Lab,
  ...words: string[]
): Promise<Answer & { took: number; code: number }> {
  const began = performance.now();
  const { stdout, stderr, code } = await lab.near.run("unshare", [
    "--mount",
    "sh",
    "-c",
    'echo "nameserver $0" >resolv && mount --bind resolv /etc/resolv.conf && exec "$@"',
    lab.link.b.v4,
    Lab.binary,
    "--json",
    ...words,
  ], { cwd: await Deno.makeTempDir() });
  const took = performance.now() - began;
  const answer = stdout === "" ? { sentence: stderr } : JSON.parse(stdout);
  return { ...answer, took, code };
}

const MOST_MS = 10_000;

wan("a target without a command is answered in ten seconds, whatever is dead", async () => {
  await using lab = await Lab.open(ROUND_TRIP_MS);
  await traffic(lab.far, ["reply", THINKER, 30]);
  await traffic(lab.near, ["ask", `${lab.link.b.v4}:${THINKER}`, 4, 5]);
  const disturbance = await Disturbance.watch(lab.link);
  using stalls = new Stalls();
  // The far host has no name server, and answers so; then nothing comes back any more.
  const [server, refused, noName] = await Promise.all([
    question(lab, `${lab.link.b.v4}:${THINKER}`),
    question(lab, lab.link.b.v4, "9"),
    question(lab, "db.example:5432"),
  ]);
  assertEquals([server.code, refused.code, noName.code], [0, 1, 2], noName.sentence);
  const { isDisturbed } = await disturbance.met();
  const isRight = ["server", "prober"].includes(server.cause) ||
    isDisturbed && isOfDisturbance(server);
  assert(isRight, server.sentence);
  assertEquals([server.path?.hops, server.connections?.connections], [1, 4], server.sentence);
  assertEquals([refused.verdict, refused.cause], ["no", "refused"], refused.sentence);
  await lab.link.set({ drop: "all" });
  const [silent, deadDns] = await Promise.all([
    question(lab, `${lab.link.b.v4}:${PORT}`),
    question(lab, "db.example:5432"),
  ]);
  assertEquals([silent.code, silent.cause], [1, "all_silent"], silent.sentence);
  assertEquals(deadDns.code, 2);
  assertMatch(deadDns.sentence, /address of db.example is not known, as no name server answers/);
  for (const { took, sentence } of [server, refused, noName, silent, deadDns]) {
    assertLess(took, MOST_MS + stalls.ms, sentence);
  }
});
