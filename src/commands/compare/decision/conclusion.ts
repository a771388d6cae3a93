/** From the findings to the headline: is it the network? */
import type {
  Answer,
  Aspect,
  Cause,
  Conclusion,
  Finding,
  Question,
  Sides,
  Verdict,
} from "../../../domain/comparison.ts";
import { enoughToRuleOut, LOSS_FLOORS, mostOf } from "./certainty.ts";
import { findingsOf } from "./findings.ts";
import { type Measured, sidesOf } from "./sides.ts";

/** The first cause of these that holds is the headline: what TCP meets comes before what ping tells. */
const VERDICTS: Readonly<Record<Cause, Verdict>> = {
  nothing_sent: "unclear",
  all_silent: "unclear",
  port_silent: "unclear",
  loss: "yes",
  spikes: "yes",
  queueing: "yes",
  refused: "no",
  perhaps_loss: "unclear",
  perhaps_spikes: "unclear",
  set_up: "yes",
  server: "no",
  prober: "no",
  ping: "no",
  knock: "no",
  perhaps_ping: "unclear",
  too_few: "unclear",
  none: "no",
};

/** All that is decided of one target. */
export interface Decision {
  readonly sides: Sides;
  readonly findings: readonly Finding[];
  readonly conclusion: Conclusion;
}

/** From samples to the answer; depends on them alone. */
export function decide(samples: Measured): Decision {
  // An echo is never repeated, so one that took seconds took them on the way.
  const measured: Measured = {
    ...samples,
    cold: samples.cold.settled(),
    steady: samples.steady.settled(),
    knock: samples.knock?.settled() ?? null,
  };
  const sides = sidesOf(measured);
  const findings = findingsOf(measured);
  const holds = holdsOf(sides, findings);
  const cause = (Object.keys(VERDICTS) as Cause[]).find((cause) => holds[cause]()) ?? "none";
  const verdict = VERDICTS[cause];
  const { sent } = sides.handshake;
  const unseenShare = sent === 0 ? 1 : mostOf({ count: 0, of: sent });
  const perSlot = Math.max(1, sent / Math.max(1, measured.steady.slots));
  const enoughSlots = cause === "none" && unseenShare > LOSS_FLOORS.matters
    ? enoughToRuleOut(LOSS_FLOORS.matters, perSlot)
    : verdict === "unclear"
    ? findings.find(({ enoughSlots }) => enoughSlots !== null)?.enoughSlots ?? null
    : null;
  return { sides, findings, conclusion: { verdict, cause, unseenShare, enoughSlots } };
}

/** Whether each cause holds, with no regard to the others. */
function holdsOf(
  { handshake, ping }: Sides,
  findings: readonly Finding[],
): Readonly<Record<Cause, () => boolean>> {
  const is = (question: Question, aspects: readonly Aspect[], ...answers: Answer[]) =>
    findings.some((finding) =>
      finding.question === question && aspects.includes(finding.aspect) &&
      answers.includes(finding.answer)
    );
  const any: readonly Aspect[] = ["loss", "tail", "median"];
  const { sent, answered, refused } = handshake;
  return {
    nothing_sent: () => sent === 0,
    all_silent: () => answered === 0 && (ping === null || ping.answered === 0),
    port_silent: () => answered === 0,
    loss: () => is("tcp", ["loss"], "more") || is("connections", ["loss"], "more"),
    spikes: () => is("tcp", ["tail"], "more"),
    queueing: () => is("connections", ["tail"], "more"),
    refused: () => refused === answered,
    perhaps_loss: () => is("tcp", ["loss"], "perhaps"),
    perhaps_spikes: () => is("tcp", ["tail"], "perhaps"),
    set_up: () => is("set_up", any, "more"),
    prober: () => is("prober", ["median", "tail"], "more"),
    server: () => is("connections", ["median"], "more"),
    ping: () => is("ping", any, "more", "less", "silent"),
    knock: () => is("knock", any, "more", "less", "silent"),
    perhaps_ping: () => is("ping", ["tail"], "perhaps"),
    too_few: () => is("set_up", ["median"], "too_few"),
    none: () => true,
  };
}
