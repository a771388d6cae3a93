/**
 * compare over a link, by a user who may not run all of it. Its verdicts are in
 * tests/scenes/compare_scenes_test.ts.
 */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { ExecOptions } from "./harness/host.ts";
import { wan } from "./harness/wan.ts";
import { Lab } from "./lab.ts";

/** A tenth of it is the margin within which delays are alike: more than a busy machine adds to one. */
const ROUND_TRIP_MS = 50;
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
  readonly result: { readonly verdict: string; readonly sentence: string };
  readonly questions: readonly string[];
}

async function compare(lab: Lab, options: ExecOptions = {}): Promise<Compared> {
  const words = ["compare", ...SLOTS, "-o", "json", lab.target];
  const { code, stdout, stderr } = await lab.near.run(Lab.binary, words, options);
  const result = JSON.parse(stdout);
  const findings: { question: string }[] = result.findings;
  return { code, stderr, result, questions: findings.map(({ question }) => question) };
}

overLink(
  "what nobody may not do is left out in a line each, and the rest is compared",
  async (lab) => {
    const neither = await compare(lab, { user: "nobody" });
    assertEquals([neither.code, neither.questions], [0, ["tcp", "tcp", "set_up", "prober"]]);
    const [ping, knock, ...more] = neither.stderr.trim().split("\n");
    assertStringIncludes(
      ping,
      "left out: cannot ping: not permitted; allow ping sockets by sysctl",
    );
    assertMatch(knock, /left out: cannot knock: .* setcap cap_net_raw\+ep .*wire-probe$/);
    assertEquals(more, []);

    await lab.near.sysctl({ "net.ipv4.ping_group_range": "0 2147483647" });
    const echoes = await compare(lab, { user: "nobody" });
    assertEquals([echoes.code, echoes.result.verdict], [0, "no"], echoes.result.sentence);
    assertEquals(echoes.questions, ["tcp", "tcp", "ping", "set_up", "prober"]);
    assertStringIncludes(echoes.stderr, "left out: cannot knock");
  },
);
