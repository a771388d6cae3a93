/**
 * The longest packet that gets to the end of a path, found by trying: an ICMP error that names a
 * router's MTU saves tries and proves nothing by itself (RFC 1191, RFC 8201; RFC 4821, section 7).
 */
import type { Hop, MtuStep, PathEnd, PathMtu } from "../domain/path.ts";
import type { Endpoint } from "../domain/target.ts";
import { ErrnoError } from "../kernel/errno.ts";
import { type Clock, sleepUntil } from "../time/clock.ts";
import type { HopAnswer, HopProber } from "./hop_prober.ts";

export interface MtuParts {
  readonly clock: Clock;
  readonly prober: HopProber;
  readonly target: Endpoint;
  readonly timeoutMs: number;
  /** The length that the path itself was traced with. */
  readonly sizeBytes: number;
  isStopped(): boolean;
  /** Resolves when it is stopped. */
  readonly stopped: Promise<void>;
}

/** What became of one packet. */
type Trial =
  | { readonly became: "arrived" | "lost" }
  | { readonly became: "refused"; readonly by: string; readonly mtuBytes: number };

/** Who answers, and how far away that is. */
interface Responder {
  readonly hops: number;
  readonly address: string;
  readonly rttMs: number;
}

/** Searches on a path that a trace has shown; throws ErrnoError where the first link's MTU is not told. */
export async function searchMtu(
  parts: MtuParts,
  hops: readonly Hop[],
  end: PathEnd | null,
): Promise<PathMtu> {
  const linkBytes = parts.prober.linkMtu(parts.target);
  const responder = responderOf(hops, end);
  const steps: MtuStep[] = [];
  const result = (arrivedBytes: number | null, lostBytes: number | null): PathMtu => ({
    hops: responder?.hops ?? null,
    address: responder?.address ?? null,
    arrivedBytes,
    lostBytes,
    linkBytes,
    steps,
  });
  if (responder === null) return result(null, null);
  let arrived = parts.sizeBytes;
  let lost = linkBytes + 1;
  let size = linkBytes;
  while (lost - arrived > 1 && !parts.isStopped()) {
    const trial = await tryLength(parts, responder, size);
    if (trial.became === "arrived") arrived = Math.max(arrived, size);
    else lost = Math.min(lost, size);
    let named = 0;
    if (trial.became === "refused") {
      named = trial.mtuBytes;
      addStep(steps, hops, trial, size);
    }
    // An MTU that a router names is tried as it is; without one, the middle of the range that is left.
    size = named > arrived && named < lost ? named : Math.floor((arrived + lost) / 2);
    // A named MTU is right as a rule: then one more try shows that nothing longer passes.
    if (trial.became === "arrived" && steps.some(({ mtuBytes }) => mtuBytes === arrived)) {
      size = arrived + 1;
    }
  }
  return result(arrived, lost > linkBytes ? null : lost);
}

/** The target, or else the farthest router that answers. */
function responderOf(hops: readonly Hop[], end: PathEnd | null): Responder | null {
  const isTarget = end?.kind === "end";
  const farthest = hops.filter(({ hops, addresses }) =>
    addresses.length > 0 && (!isTarget || hops === end.hops)
  ).at(-1);
  const [of] = farthest?.addresses ?? [];
  if (farthest === undefined || of === undefined) return null;
  const rttMs = (of.rtt.distribution()?.maxUs ?? 0) / 1000;
  return { hops: farthest.hops, address: isTarget ? end.address : of.address, rttMs };
}

/** Packets of one length that go unanswered before it counts as too long. */
const TRIES = 2;

async function tryLength(parts: MtuParts, responder: Responder, sizeBytes: number): Promise<Trial> {
  let last: Trial = { became: "lost" };
  for (let i = 0; i < TRIES && last.became === "lost" && !parts.isStopped(); i++) {
    last = await tryOnce(parts, responder, sizeBytes);
  }
  return last;
}

/** A packet is waited for three times as long as the hop took before, but so long at least. */
const WAIT_FACTOR = 3;
const LEAST_WAIT_MS = 200;
/** How long a send that the system refuses is put off. */
const REFUSED_PAUSE_MS = 100;

async function tryOnce(
  { clock, prober, target, timeoutMs, stopped }: MtuParts,
  { hops, address, rttMs }: Responder,
  sizeBytes: number,
): Promise<Trial> {
  const { promise, resolve } = Promise.withResolvers<Trial>();
  const onAnswer = (answer: HopAnswer) => {
    const trial = trialOf(answer, address);
    if (trial !== null) resolve(trial);
  };
  stopped.then(() => resolve({ became: "lost" }));
  const waitMs = Math.min(timeoutMs, Math.max(LEAST_WAIT_MS, WAIT_FACTOR * rttMs));
  let cancel = () => {};
  try {
    cancel = prober.send({ target, hops, flow: 0, sizeBytes }, onAnswer);
  } catch (error) {
    if (!(error instanceof ErrnoError)) throw error;
    if (error.code === "EMSGSIZE") return { became: "lost" };
    await sleepUntil(clock, clock.now() + REFUSED_PAUSE_MS);
  }
  const wake = clock.wakeAt(clock.now() + waitMs, () => {
    prober.drain();
    resolve({ became: "lost" });
  });
  const trial = await promise;
  wake();
  cancel();
  return trial;
}

/** An answer by the hop that is asked: any other says nothing of the packet's length. */
function trialOf(answer: HopAnswer, address: string): Trial | null {
  switch (answer.kind) {
    case "too big":
      return { became: "refused", by: answer.address, mtuBytes: answer.mtuBytes };
    case "router":
    case "end":
      return answer.address === address || answer.kind === "end" ? { became: "arrived" } : null;
    case "unreachable":
      return null;
    default:
      return answer.kind satisfies never;
  }
}

/** More refusals than this are not kept. */
const MOST_STEPS = 64;

/** The link behind a router is on the way to the hop after it. */
function addStep(
  steps: MtuStep[],
  hops: readonly Hop[],
  { by, mtuBytes }: { readonly by: string; readonly mtuBytes: number },
  sizeBytes: number,
): void {
  const isKnown = steps.some((step) => step.address === by && step.mtuBytes === mtuBytes);
  if (isKnown || steps.length >= MOST_STEPS) return;
  const router = hops.find(({ addresses }) => addresses.some(({ address }) => address === by));
  const to = router === undefined ? null : router.hops + 1;
  steps.push({ hops: to, address: by, mtuBytes, sizeBytes });
}
