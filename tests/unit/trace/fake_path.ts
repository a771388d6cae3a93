/** A path of made-up routers, through which a trace's probes go by the fake clock. */
import type { HopAnswerDetail, HopAnswerKind } from "../../../src/domain/path.ts";
import type { Concurrency, HopAnswer, HopProbe, HopProber } from "../../../src/trace/hop_prober.ts";
import { NO_EXTENSIONS } from "../../../src/packet/icmp_extension.ts";
import { PEER_LIMITS } from "../../../src/trace/peer_tracer.ts";
import { Trace, type TraceLimits } from "../../../src/trace/trace.ts";
import type { FakeClock } from "../fake_clock.ts";
import { endpoint } from "../fixtures.ts";

export interface FakeHop {
  readonly address: string;
  readonly rttMs: number;
  /** It answers nothing at all. */
  readonly silent?: boolean;
  /** The least between two answers; the first may come so long after the path was made. */
  readonly everyMs?: number;
  /** Packets larger than this do not get from here to the next hop. */
  readonly nextMtu?: number;
  /** What is said of those packets: nothing, or an MTU of 0, or that one. */
  readonly says?: "nothing" | "no mtu";
  /** It says this of every packet that comes by, whatever its hops. */
  readonly refuses?: HopAnswerDetail;
}

/** Hops by flow; the last is the target. */
export class FakePath implements HopProber {
  readonly flow = "fixed";
  readonly sent: (HopProbe & { readonly atMs: number })[] = [];
  /** Probes that have not been taken back. */
  readonly open = new Set<HopProbe>();
  /** The most that were open at once. */
  mostOpen = 0;
  closed = false;
  /** Thrown by the next send. */
  failure: Error | null = null;
  #clock: FakeClock;
  #answeredMs: number;
  #hops: (flow: number) => readonly FakeHop[];

  constructor(
    clock: FakeClock,
    hops: readonly FakeHop[] | ((flow: number) => readonly FakeHop[]),
    readonly concurrency: Concurrency = "any",
  ) {
    this.#clock = clock;
    this.#answeredMs = clock.now();
    this.#hops = typeof hops === "function" ? hops : () => hops;
  }

  readonly leastBytes = 28;
  linkBytes = 1500;

  linkMtu(): number {
    return this.linkBytes;
  }

  drain(): void {
    // What comes is told at once.
  }

  renew(): void {
    // There are no routes to look up.
  }

  remarks(): readonly string[] {
    return [];
  }

  send(probe: HopProbe, onAnswer: (answer: HopAnswer) => void): () => void {
    if (this.failure !== null) throw this.failure;
    this.sent.push({ ...probe, atMs: this.#clock.now() });
    this.open.add(probe);
    this.mostOpen = Math.max(this.mostOpen, this.open.size);
    const reply = this.#reply(probe);
    const cancel = reply === null
      ? () => {}
      : this.#clock.wakeAt(this.#clock.now() + reply.rttUs / 1000, () => onAnswer(reply));
    return () => {
      this.open.delete(probe);
      cancel();
    };
  }

  close(): void {
    this.closed = true;
  }

  /** How far a probe gets, and what comes back. */
  #reply({ hops, flow, sizeBytes }: HopProbe): HopAnswer | null {
    const path = this.#hops(flow);
    for (const [i, hop] of path.entries()) {
      const last = i === path.length - 1;
      if (hop.refuses !== undefined) return answer(hop, "unreachable", hop.refuses);
      if (last) {
        const isLimited = this.#clock.now() - this.#answeredMs < (hop.everyMs ?? 0);
        if (hop.silent || isLimited) return null;
        this.#answeredMs = this.#clock.now();
        return answer(hop, "end", "open");
      }
      if (i + 1 === hops) return hop.silent ? null : answer(hop, "router", "ttl exceeded");
      if (sizeBytes > (hop.nextMtu ?? Infinity)) {
        if (hop.says === "nothing") return null;
        const mtuBytes = hop.says === "no mtu" ? 0 : hop.nextMtu ?? 0;
        return { ...answer(hop, "too big", "packet too big"), mtuBytes };
      }
    }
    return null;
  }
}

function answer(hop: FakeHop, kind: HopAnswerKind, detail: HopAnswerDetail): HopAnswer {
  return hopAnswer(hop.address, Math.round(hop.rttMs * 1000), { kind, detail });
}

/** A router's answer to a probe whose hops ran out, but for what differs. */
export function hopAnswer(
  address: string,
  rttUs: number,
  more: Partial<HopAnswer> = {},
): HopAnswer {
  return {
    kind: "router",
    detail: "ttl exceeded",
    address,
    rttUs,
    rttSource: "kernel",
    mtuBytes: 0,
    extensions: NO_EXTENSIONS,
    ttl: 0,
    translation: null,
    synAck: null,
    ...more,
  };
}

/** Hops named `h1`, `h2`, …, each so many ms farther. */
export function evenHops(count: number, stepMs: number): FakeHop[] {
  return Array.from({ length: count }, (_, i) => ({
    address: `h${i + 1}`,
    rttMs: (i + 1) * stepMs,
  }));
}

/** A trace through the path that is over; of one flow and one probe a hop unless `more` says otherwise. */
export async function traced(
  clock: FakeClock,
  prober: FakePath,
  more: Partial<TraceLimits>,
): Promise<Trace> {
  const limits = {
    ...PEER_LIMITS,
    queries: 1,
    ...more,
  };
  const trace = new Trace(endpoint(), limits, { clock, prober, onAddress: () => {} });
  let isOver = false;
  const over = trace.run().then(() => isOver = true);
  for (let i = 0; i < 10_000 && !isOver; i++) await clock.advance(10);
  await over;
  return trace;
}
