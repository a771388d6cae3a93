/** What the rounds of a trace have shown of the path: per hop who answered, how often, how fast. */
import type { Hop, HopAddress, HopSample, Jitter, PathEnd } from "../domain/path.ts";
import { NONE } from "../domain/probe_record.ts";
import { Counts, PASSING } from "../stats/counts.ts";
import { COARSE_BITS, Histogram } from "../stats/histogram.ts";
import type { HopAnswer } from "./hop_prober.ts";
import { type FlowEnd, type Known, NOTHING_KNOWN, type ProbeFate } from "./round.ts";

/** More routers than this at one hop are counted, not kept. */
export const MAX_ADDRESSES_A_HOP = 32;
/** Single results kept of the last round. */
const MAX_SAMPLES_A_HOP = 1024;
/** A known end that was silent in so many rounds in a row is given up for a farther one. */
const SILENT_ROUNDS = 3;
/** TTLs that systems begin with. They tell how many hops an answer took. */
const INITIAL_TTLS = [32, 64, 128, 255];

/** The differences between one round trip and the next. */
class JitterCount implements Jitter {
  lastUs = NONE;
  maxUs = NONE;
  #sumUs = 0;
  #count = 0;
  #earlierUs = NONE;

  add(rttUs: number): void {
    if (this.#earlierUs !== NONE) {
      this.lastUs = Math.abs(rttUs - this.#earlierUs);
      this.maxUs = Math.max(this.maxUs, this.lastUs);
      this.#sumUs += this.lastUs;
      this.#count++;
    }
    this.#earlierUs = rttUs;
  }

  get avgUs(): number {
    return this.#count === 0 ? NONE : this.#sumUs / this.#count;
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A hop's address while its answers come in. */
interface AddressState extends Mutable<Omit<HopAddress, "flows" | "rtt" | "jitter">> {
  readonly flows: Set<number>;
  readonly rtt: Histogram;
  readonly jitter: JitterCount;
}

/** A hop while its answers come in. */
interface HopState extends Mutable<Hop> {
  readonly addresses: AddressState[];
  samples: HopSample[];
}

/** Where a flow ends, and for how many rounds that has not been seen again. */
interface KnownEnd {
  readonly end: PathEnd;
  readonly silentRounds: number;
  /** The round that found it, and whether none has shown since that the target is not nearer. */
  readonly foundIn: number;
  readonly isAtMost: boolean;
}

export class TracePath {
  #firstHop: number;
  #hops = new Map<number, HopState>();
  /** The target's answers that are nearest, by flow and round, until the round is over. */
  #nearest = new Map<string, PathEnd>();
  /** Where each flow meets the target, and where it was last refused. */
  #ends = new Map<number, KnownEnd>();
  #refusals = new Map<number, PathEnd>();
  /** Why the system refused a send; null for never. */
  refusal: string | null = null;
  rounds = 0;

  constructor(firstHop: number) {
    this.#firstHop = firstHop;
  }

  beginRound(): number {
    for (const hop of this.#hops.values()) hop.samples = [];
    return ++this.rounds;
  }

  /** Returns the address when it is seen for the first time at this hop. */
  add({ round, hops, flow, query, answer }: ProbeFate): string | null {
    const hop = this.#hop(hops);
    hop.sent++;
    const { rttUs, rttSource } = answer ?? { rttUs: NONE, rttSource: null };
    if (round === this.rounds && hop.samples.length < MAX_SAMPLES_A_HOP) {
      hop.samples.push({ flow, query, address: answer?.address ?? null, rttUs, rttSource });
    }
    if (answer === null) return null;
    hop.answered++;
    this.#noteEnd(round, hops, flow, answer);
    const earlier = hop.addresses.find((of) => of.address === answer.address);
    if (earlier === undefined && hop.addresses.length >= MAX_ADDRESSES_A_HOP) {
      hop.others++;
      return null;
    }
    const known = earlier ?? newAddress(answer);
    if (earlier === undefined) hop.addresses.push(known);
    update(known, flow, answer);
    return earlier === undefined ? answer.address : null;
  }

  notSent(hops: number, reason: string): void {
    this.#hop(hops).notSent++;
    this.refusal = reason;
  }

  /** A flow's round is over: settles whether the path still ends where it was known to. */
  endFlow({ round, flow, endHops, isAtMost, farthestRouter }: FlowEnd): void {
    const key = `${flow} ${round}`;
    const found = this.#nearest.get(key) ?? null;
    this.#nearest.delete(key);
    const known = this.#ends.get(flow);
    if (known === undefined) return;
    if (found !== null && endHops <= known.end.hops) {
      const isStillAtMost = isAtMost && (known.isAtMost || known.foundIn === round);
      this.#ends.set(flow, { ...known, end: found, silentRounds: 0, isAtMost: isStillAtMost });
      return;
    }
    const silentRounds = known.silentRounds + 1;
    this.#ends.set(flow, { ...known, silentRounds });
    // The answer of the known end may just have been lost: a farther end counts only if a router behind
    // the known one answered, or if the known end was silent for some rounds while the target answered
    // all that it met.
    const isLonger = farthestRouter >= known.end.hops ||
      !isAtMost && silentRounds >= SILENT_ROUNDS;
    if (found !== null && isLonger) {
      this.#ends.set(flow, { end: found, silentRounds: 0, foundIn: round, isAtMost });
    }
  }

  /**
   * From the first hop to the farthest that has answered, or to the end. Silent hops in between are in
   * the list, without addresses; hops behind the last answer are not.
   */
  hops(): Hop[] {
    const ends = [...this.#ends.values()].map(({ end }) => end.hops);
    const refused = [...this.#refusals.values()].map(({ hops }) => hops);
    const last = ends.length > 0
      ? Math.max(...ends)
      : refused.length > 0
      ? Math.max(this.#farthestRouter(), ...refused)
      : this.#farthestAnswering();
    // Without any answer, the sends that failed are what there is to show.
    const refusedSend = this.#sorted().findLast(({ notSent }) => notSent > 0)?.hops ?? 0;
    const shown = last > 0 ? last : refusedSend;
    return this.#sorted().filter(({ hops }) => hops <= shown);
  }

  /** Silent hops behind the last one that answered, up to the farthest tried, where there is no end. */
  silentTail(): number {
    if (this.end() !== null) return 0;
    const last = this.hops().at(-1)?.hops ?? this.#firstHop - 1;
    const tried = this.#sorted().filter(({ sent }) => sent > 0).at(-1)?.hops ?? last;
    return Math.max(0, tried - last);
  }

  /** Where the shortest flow ends, as last seen: at the target, else where somebody refused. */
  end(): PathEnd | null {
    const nearest = (ends: PathEnd[]) => ends.toSorted((a, b) => a.hops - b.hops)[0] ?? null;
    const reached = nearest(
      [...this.#ends.values()].map(({ end, isAtMost }) => ({
        ...end,
        isAtMost: isAtMost || end.isAtMost,
      })),
    );
    return reached ?? nearest([...this.#refusals.values()]);
  }

  /**
   * By how much the last added round trip differs from the one before it; NONE where there was
   * none.
   */
  jitterOf({ hops, answer }: ProbeFate): number {
    if (answer === null || answer.rttUs === NONE) return NONE;
    const of = this.#hop(hops).addresses.find(({ address }) => address === answer.address);
    return of?.jitter.lastUs ?? NONE;
  }

  /** How far it is to the target along a flow, as last seen; null where that is not known. */
  endHops(flow: number): number | null {
    return this.#ends.get(flow)?.end.hops ?? null;
  }

  /** The knowledge that the next round begins with. */
  known(): Known {
    if (this.rounds === 0) return NOTHING_KNOWN;
    const end = this.end();
    const isReached = end?.kind === "end";
    const length = isReached ? this.#farthestEnd() : this.#farthestAnswering();
    const silent = this.#sorted().filter(({ answered, hops }) => answered === 0 && hops <= length);
    return { silent: new Set(silent.map(({ hops }) => hops)), length, isReached };
  }

  #farthestAnswering(): number {
    return this.#sorted().filter(({ answered }) => answered > 0).at(-1)?.hops ?? 0;
  }

  #farthestRouter(): number {
    const isRouter = ({ addresses }: Hop) => addresses.some(({ kind }) => kind === "router");
    return this.#sorted().filter(isRouter).at(-1)?.hops ?? 0;
  }

  /** The farthest known end. Where one may be nearer, the hops before it count up to the farthest router. */
  #farthestEnd(): number {
    const ends = [...this.#ends.values()];
    if (ends.some(({ isAtMost }) => isAtMost)) return this.#farthestRouter();
    return Math.max(...ends.map(({ end }) => end.hops));
  }

  #noteEnd(round: number, hops: number, flow: number, answer: HopAnswer): void {
    if (answer.kind === "router") return;
    const { kind, detail, address, rttUs, ttl, synAck } = answer;
    const isAtMost = hops === this.#firstHop && hops > 1;
    const returnHops = returnHopsOf(ttl);
    const end = { hops, kind, detail, address, rttUs, isAtMost, returnHops, synAck };
    if (kind !== "end") {
      const earlier = this.#refusals.get(flow);
      if (earlier === undefined || hops <= earlier.hops) this.#refusals.set(flow, end);
      return;
    }
    const key = `${flow} ${round}`;
    const nearest = this.#nearest.get(key);
    if (nearest === undefined || hops < nearest.hops) this.#nearest.set(key, end);
    const known = this.#ends.get(flow);
    if (known === undefined || hops < known.end.hops) {
      this.#ends.set(flow, { end, silentRounds: 0, foundIn: round, isAtMost: false });
    }
  }

  #sorted(): HopState[] {
    return [...this.#hops.values()].toSorted((a, b) => a.hops - b.hops);
  }

  #hop(hops: number): HopState {
    let hop = this.#hops.get(hops);
    if (hop === undefined) {
      hop = { hops, sent: 0, answered: 0, notSent: 0, addresses: [], others: 0, samples: [] };
      this.#hops.set(hops, hop);
    }
    return hop;
  }
}

function newAddress({ address, kind, detail, extensions }: HopAnswer): AddressState {
  return {
    address,
    flows: new Set(),
    rtt: new Histogram(COARSE_BITS, new Counts(1, PASSING)),
    jitter: new JitterCount(),
    answered: 0,
    lastUs: NONE,
    kind,
    detail,
    extensions,
    translation: null,
    returnHops: null,
  };
}

function update(of: AddressState, flow: number, answer: HopAnswer): void {
  const { kind, detail, rttUs, extensions, translation, ttl } = answer;
  of.answered++;
  of.flows.add(flow);
  of.kind = kind;
  of.detail = detail;
  of.lastUs = rttUs;
  const { labels, interfaces, others } = extensions;
  if (labels.length + interfaces.length + others > 0) of.extensions = extensions;
  of.translation = translation ?? of.translation;
  of.returnHops = returnHopsOf(ttl) ?? of.returnHops;
  if (rttUs === NONE) return;
  of.rtt.add(rttUs);
  of.jitter.add(rttUs);
}

/** Hops that an answer took, by what its TTL most likely began with; null where it is not known. */
function returnHopsOf(ttl: number): number | null {
  const initial = INITIAL_TTLS.find((of) => of >= ttl);
  return ttl <= 0 || initial === undefined ? null : initial - ttl + 1;
}
