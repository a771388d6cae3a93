/** compare's verdicts over links that treat ICMP as they treat TCP, and over links that do not. */
import { assertAlmostEquals, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { ExecOptions } from "./harness/host.ts";
import { wan } from "./harness/wan.ts";
import { Lab } from "./lab.ts";

/** A tenth of it is the margin within which delays are alike: more than a busy machine adds to one. */
const ROUND_TRIP_MS = 50;
const SLOW_MS = 120;
const TOLERANCE_MS = 5;
const SLOTS = ["-c", "20", "-i", "350ms", "-t", "1s"];

/** Over a link with a responder at its far end. */
function overLink(name: string, fn: (lab: Lab) => Promise<void>): void {
  wan(name, async () => {
    await using lab = await Lab.open(ROUND_TRIP_MS);
    await fn(lab);
  });
}

interface Finding {
  readonly question: string;
  readonly answer: string;
  readonly sentence: string;
  readonly p50_ms: number;
  readonly against_p50_ms: number;
}

interface Compared {
  readonly code: number;
  readonly stderr: string;
  /** Of wire-probe.compare.v1, the fields that the tests look at. */
  readonly result: {
    readonly verdict: string;
    readonly sentence: string;
    readonly ping: { readonly answered: number };
    readonly handshake: { readonly lost: number };
  };
  readonly questions: readonly string[];
  of(question: string): Finding;
}

async function compare(lab: Lab, options: ExecOptions = {}): Promise<Compared> {
  const words = ["compare", ...SLOTS, "-o", "json", lab.target];
  const { code, stdout, stderr } = await lab.near.run(Lab.binary, words, options);
  const result = JSON.parse(stdout);
  const findings: Finding[] = result.findings;
  const of = (question: string) => findings.find((finding) => finding.question === question)!;
  return { code, stderr, result, of, questions: findings.map(({ question }) => question) };
}

overLink(
  "where ICMP alone is delayed ping misleads, and where everything is it does not",
  async (lab) => {
    await lab.link.set({ icmpDelayUs: SLOW_MS * 500 });
    const misled = await compare(lab);
    assertEquals([misled.code, misled.result.verdict], [0, "slower"], misled.stderr);
    assertMatch(
      misled.result.sentence,
      /^Ping misleads here: it says 12\d ms, a TCP handshake /,
    );
    assertAlmostEquals(misled.of("ping").p50_ms, SLOW_MS, TOLERANCE_MS);
    assertAlmostEquals(misled.of("ping").against_p50_ms, ROUND_TRIP_MS, TOLERANCE_MS);
    assertEquals(misled.of("knock").answer, "same");

    await lab.link.set({ icmpDelayUs: null, delayUs: SLOW_MS * 500 });
    const told = await compare(lab);
    assertEquals([told.code, told.result.verdict], [0, "same"], told.result.sentence);
    assertMatch(told.result.sentence, /^Ping tells the truth here: it says 12\d ms, a TCP /);
    assertAlmostEquals(told.of("ping").against_p50_ms, SLOW_MS, TOLERANCE_MS);

    await lab.link.set({ drop: "icmp" });
    const silent = await compare(lab);
    assertEquals([silent.code, silent.result.verdict], [0, "silent"], silent.result.sentence);
    assertEquals([silent.result.ping.answered, silent.result.handshake.lost], [0, 0]);
  },
);

overLink(
  "what nobody may not do is left out in a line each, and the rest is compared",
  async (lab) => {
    const neither = await compare(lab, { user: "nobody" });
    assertEquals([neither.code, neither.questions], [0, ["set_up", "prober"]]);
    const [ping, knock, ...more] = neither.stderr.trim().split("\n");
    assertStringIncludes(
      ping,
      "left out: cannot ping: not permitted; allow ping sockets by sysctl",
    );
    assertMatch(knock, /left out: cannot knock: .* setcap cap_net_raw\+ep .*wire-probe$/);
    assertEquals(more, []);

    await lab.near.sysctl({ "net.ipv4.ping_group_range": "0 2147483647" });
    const echoes = await compare(lab, { user: "nobody" });
    assertEquals([echoes.code, echoes.result.verdict], [0, "same"], echoes.result.sentence);
    assertEquals(echoes.questions, ["ping", "set_up", "prober"]);
    assertStringIncludes(echoes.stderr, "left out: cannot knock");
  },
);
