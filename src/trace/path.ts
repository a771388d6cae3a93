/** What the rounds of a trace have shown of the path: per hop who answered, how often, how fast. */
import type { Hop, HopAddress, HopSample, MtuStep, PathEnd } from "../domain/path.ts";
import { NONE } from "../domain/probe_record.ts";
import { COARSE_BITS, Histogram } from "../stats/histogram.ts";
import type { Known, ProbeFate } from "./round.ts";

/** More routers than this at one hop are counted, not kept. */
export const MAX_ADDRESSES_A_HOP = 32;
/** Single results kept of the last round. */
const MAX_SAMPLES_A_HOP = 1024;
const MAX_MTU_STEPS = 64;

/** A hop's address while its answers come in. */
interface AddressState extends HopAddress {
  readonly flows: Set<number>;
  readonly rtt: Histogram;
  answered: number;
  lastUs: number;
  kind: HopAddress["kind"];
  detail: HopAddress["detail"];
  labels: HopAddress["labels"];
}

/** A hop while its answers come in. */
interface HopState extends Hop {
  sent: number;
  answered: number;
  readonly addresses: AddressState[];
  others: number;
  samples: HopSample[];
}

export class TracePath {
  #hops = new Map<number, HopState>();
  /** Where each flow ended: in the round under way, and as it was known before. */
  #ends = new Map<number, PathEnd>();
  #earlierEnds = new Map<number, PathEnd>();
  #mtuSteps: MtuStep[] = [];
  rounds = 0;

  beginRound(): void {
    this.rounds++;
    for (const [flow, end] of this.#ends) this.#earlierEnds.set(flow, end);
    this.#ends.clear();
    for (const hop of this.#hops.values()) hop.samples = [];
  }

  /** Returns the address when it is seen for the first time at this hop. */
  add({ hops, flow, query, answer }: ProbeFate): string | null {
    const hop = this.#hop(hops);
    hop.sent++;
    const sample = { flow, query, address: answer?.address ?? null };
    const { rttUs, rttSource } = answer ?? { rttUs: NONE, rttSource: null };
    if (hop.samples.length < MAX_SAMPLES_A_HOP) hop.samples.push({ ...sample, rttUs, rttSource });
    if (answer === null) return null;
    hop.answered++;
    const { kind, detail, address, labels } = answer;
    const end = this.#ends.get(flow);
    if (kind !== "router" && (end === undefined || hops < end.hops)) {
      this.#ends.set(flow, { hops, kind, detail, address, rttUs });
    }
    let known = hop.addresses.find((of) => of.address === address);
    const isNew = known === undefined;
    if (known === undefined) {
      if (hop.addresses.length >= MAX_ADDRESSES_A_HOP) {
        hop.others++;
        return null;
      }
      const rtt = new Histogram(COARSE_BITS);
      const flows = new Set<number>();
      known = { address, flows, rtt, answered: 0, lastUs: NONE, kind, detail, labels };
      hop.addresses.push(known);
    }
    known.answered++;
    known.flows.add(flow);
    known.kind = kind;
    known.detail = detail;
    known.lastUs = rttUs;
    if (labels.length > 0) known.labels = labels;
    if (rttUs !== NONE) known.rtt.add(rttUs);
    return isNew ? address : null;
  }

  addMtu(step: MtuStep): void {
    if (this.#mtuSteps.length < MAX_MTU_STEPS) this.#mtuSteps.push(step);
  }

  get mtuSteps(): readonly MtuStep[] {
    return this.#mtuSteps;
  }

  /**
   * From the first hop to the farthest that has answered, or to the end; what is behind that has
   * told nothing. Silent ones in between are there, with no addresses.
   */
  hops(): Hop[] {
    const end = this.end();
    const answering = [...this.#hops.values()].filter(({ answered }) => answered > 0);
    const farthest = Math.max(0, ...answering.map(({ hops }) => hops));
    const last = end === null ? farthest : Math.min(farthest, this.#farthestEnd());
    return this.#sorted().filter(({ hops }) => hops <= last);
  }

  /** Silent hops behind the last one that answered, where the path has no end: how many were tried. */
  silentTail(): number {
    const last = this.hops().at(-1)?.hops ?? 0;
    return this.end() === null ? this.#sorted().filter(({ hops }) => hops > last).length : 0;
  }

  /** Where the shortest flow ends, as last seen: at the target, else where somebody refused. */
  end(): PathEnd | null {
    const ends = this.#lastEnds().toSorted((a, b) => a.hops - b.hops);
    return ends.find(({ kind }) => kind === "end") ?? ends[0] ?? null;
  }

  /** What the next round need not find out again. */
  known(): Known {
    const hops = this.hops();
    const silent = hops.filter(({ answered }) => answered === 0);
    return {
      silent: new Set(silent.map((hop) => hop.hops)),
      length: hops.at(-1)?.hops ?? 0,
    };
  }

  #farthestEnd(): number {
    return Math.max(...this.#lastEnds().map(({ hops }) => hops));
  }

  #lastEnds(): PathEnd[] {
    return [...new Map([...this.#earlierEnds, ...this.#ends]).values()];
  }

  #sorted(): HopState[] {
    return [...this.#hops.values()].toSorted((a, b) => a.hops - b.hops);
  }

  #hop(hops: number): HopState {
    let hop = this.#hops.get(hops);
    if (hop === undefined) {
      hop = { hops, sent: 0, answered: 0, addresses: [], others: 0, samples: [] };
      this.#hops.set(hops, hop);
    }
    return hop;
  }
}
