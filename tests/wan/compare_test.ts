/**
 * compare over a link, by a user who may not run all of it. Its verdicts are in
 * tests/scenes/compare_scenes_test.ts.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { CAUSES_OF_DISTURBANCE, Disturbance } from "./harness/disturbance.ts";
import type { ExecOptions } from "./harness/host.ts";
import { handshakesIn } from "./harness/truth.ts";
import { wan } from "./harness/wan.ts";
import { Lab } from "./lab.ts";

/** A tenth of it is the margin within which delays are alike: more than a busy machine adds to one. */
const ROUND_TRIP_MS = 50;
/** Round trips that are longer by somewhat less than a quarter, which is a spike. */
const HELD_US = 10_000;
/** Of twenty, with which nobody has to ask for more; a prober that stood still skips the others. */
const ENOUGH_SLOTS = 15;
const SLOTS = ["-c", "20", "-i", "160ms", "-t", "1s"];

/** Over a link with a responder at its far end. */
function overLink(name: string, fn: (lab: Lab) => Promise<void>): void {
  wan(name, async () => {
    await using lab = await Lab.open(ROUND_TRIP_MS);
    await fn(lab);
  });
}

interface Compared {
  readonly code: number;
  readonly stderr: string;
  /** Of wire-probe.compare.v1, the fields that the tests look at. */
  readonly result: { readonly verdict: string; readonly cause: string; readonly sentence: string };
  /** What was asked, each once and by name: that this machine was late is asked twice where it was. */
  readonly questions: readonly string[];
  /** How many were made, by the two handshakes that the link saw of each. */
  readonly slots: number;
  /** The machine below the link held packets. */
  readonly isDisturbed: boolean;
}

async function compare(lab: Lab, options: ExecOptions = {}): Promise<Compared> {
  const words = ["compare", ...SLOTS, "-o", "json", lab.target];
  const disturbance = await Disturbance.watch(lab.link, HELD_US);
  const { code, stdout, stderr } = await lab.near.run(Lab.binary, words, options);
  const { packets, isDisturbed } = await disturbance.met();
  const result = JSON.parse(stdout);
  const findings: { question: string }[] = result.findings;
  const questions = [...new Set(findings.map(({ question }) => question))].sort();
  const slots = handshakesIn(packets).length / 2;
  return { code, stderr, result, questions, slots, isDisturbed };
}

overLink(
  "what nobody may not do is left out in a line each, and the rest is compared",
  async (lab) => {
    const neither = await compare(lab, { user: "nobody" });
    assertEquals([neither.code, neither.questions], [0, ["prober", "set_up", "tcp"]]);
    const [ping, knock, ...more] = neither.stderr.trim().split("\n");
    assertStringIncludes(
      ping,
      "left out: cannot ping: not permitted; allow ping sockets by sysctl",
    );
    assertMatch(knock, /left out: cannot knock: .* setcap cap_net_raw\+ep .*wire-probe$/);
    assertEquals(more, []);

    await lab.near.sysctl({ "net.ipv4.ping_group_range": "0 2147483647" });
    const echoes = await compare(lab, { user: "nobody" });
    const { verdict, cause, sentence } = echoes.result;
    const isRight = verdict === "no" ||
      echoes.isDisturbed && CAUSES_OF_DISTURBANCE.includes(cause) ||
      echoes.slots < ENOUGH_SLOTS && cause === "too_few";
    assert(echoes.code === 0 && isRight, sentence);
    assertEquals(echoes.questions, ["ping", "prober", "set_up", "tcp"]);
    assertStringIncludes(echoes.stderr, "left out: cannot knock");
  },
);
