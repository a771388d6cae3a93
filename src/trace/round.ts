/** One round of a trace: sends what the strategy allows, notes what is answered, tells each probe's fate. */
import { NONE } from "../domain/probe_record.ts";
import type { Endpoint } from "../domain/target.ts";
import { ErrnoError } from "../kernel/errno.ts";
import type { Cancel, Clock } from "../time/clock.ts";
import { GRACE_MS } from "../time/deadlines.ts";
import type { HopAnswer, HopProber } from "./hop_prober.ts";
import {
  type FlowView,
  isDone,
  isEndAtMost,
  isSettled,
  nextHop,
  nextMomentMs,
  OVERDUE_FACTOR,
  type ProbeState,
  type Rules,
  SETTLED_ROUND_TRIPS,
} from "./strategy.ts";

/** Probes waited for at once, of all flows together. */
export const MAX_UNDER_WAY = 256;
/** How long a send that the system refused is put off, and how long it is tried at most. */
const REFUSED_PAUSE_MS = 100;
const REFUSED_AT_MOST_MS = 5000;
/**
 * The shortest time after which all answers under way have come, where answers do not tell which
 * probe they belong to.
 */
const UNCLEAR_PAUSE_MS = 300;
/** Errors of a send that say that there is no way from here. */
const NO_ROUTE = [
  "ENODEV",
  "ENETUNREACH",
  "EHOSTUNREACH",
  "ENETDOWN",
  "EHOSTDOWN",
  "EADDRNOTAVAIL",
];

/** The rules of a round that the user chooses, and what its probes look like. */
export interface RoundLimits extends Omit<Rules, "concurrency"> {
  readonly flows: number;
  /** The whole IP packet of a probe. */
  readonly sizeBytes: number;
}

export interface RoundOptions extends RoundLimits {
  readonly target: Endpoint;
}

/** What earlier rounds have shown of a flow. */
export interface Known {
  /** Hops that have never answered. */
  readonly silent: ReadonlySet<number>;
  /** The farthest that the path is known to go; 0 for nothing known. */
  readonly length: number;
  /** Whether the target itself has answered there. */
  readonly isReached: boolean;
}

export const NOTHING_KNOWN: Known = { silent: new Set(), length: 0, isReached: false };

/** A probe's fate: its answer, or null when there was none until its time was over. */
export interface ProbeFate {
  readonly round: number;
  readonly hops: number;
  readonly flow: number;
  /** Counts the probes of a flow to a hop from 0. */
  readonly query: number;
  readonly answer: HopAnswer | null;
}

/** How a flow's round ended. */
export interface FlowEnd {
  readonly round: number;
  readonly flow: number;
  /** The nearest hop at which the target answered; Infinity for none. */
  readonly endHops: number;
  /** It may be nearer: the hops before it are silent, and it does not answer all that it meets. */
  readonly isAtMost: boolean;
  readonly farthestRouter: number;
}

export interface RoundParts {
  readonly clock: Clock;
  readonly prober: HopProber;
  onFate(fate: ProbeFate): void;
  /** The system refused to send a probe to this hop. */
  onNotSent(hops: number, reason: string): void;
  onFlowEnd(end: FlowEnd): void;
}

interface Probe {
  readonly hops: number;
  readonly flow: number;
  readonly query: number;
  state: ProbeState;
  readonly sentMs: number;
  cancel: Cancel;
  /** An error from elsewhere, whose meaning is settled when the round is over. */
  refusal: HopAnswer | null;
}

interface FlowState extends FlowView {
  readonly cells: Probe[][];
  farthestRouter: number;
  end: number;
  endAnswers: number;
  /** The nearest answer of the target, which an error from elsewhere is not. */
  targetHops: number;
  endFromMs: number;
  readonly slowestMs: number[];
  /** Who answered as a router, by hops; sparse. */
  readonly routers: (string | undefined)[];
}

export class TraceRound {
  /** Resolves when the next round may begin, and when nothing is waited for any more. */
  readonly settled: Promise<void>;
  readonly over: Promise<void>;
  #number: number;
  #options: RoundOptions;
  #known: Known;
  #parts: RoundParts;
  #flows: FlowState[];
  #timer: Cancel | null = null;
  /** Takes back the turn after a probe was withdrawn. */
  #cancelTurn: Cancel = () => {};
  #pausedUntilMs = 0;
  /** When a send was first refused; NaN for never. */
  #refusedMs = NaN;
  #sendsNoMore = false;
  #waiting = 0;
  #settle = Promise.withResolvers<void>();
  #finished = Promise.withResolvers<void>();
  #isOver = false;
  #isBrokenOff = false;

  /** `number` counts a trace's rounds from 1. */
  constructor(number: number, options: RoundOptions, known: Known, parts: RoundParts) {
    this.#number = number;
    this.#options = options;
    this.#known = known;
    this.#parts = parts;
    this.settled = this.#settle.promise;
    this.over = this.#finished.promise;
    this.#flows = Array.from({ length: options.flows }, () => ({
      cells: [],
      farthestRouter: options.firstHop - 1,
      end: Infinity,
      endAnswers: 0,
      targetHops: Infinity,
      endFromMs: 0,
      slowestMs: [],
      routers: [],
      knownLength: known.length,
      knownSilent: known.silent,
    }));
  }

  /** Sends what may be sent; the rest follows by itself. */
  start(): void {
    this.#turn();
  }

  /** Whether it was ended before every probe had its fate. */
  get isBrokenOff(): boolean {
    return this.#isBrokenOff;
  }

  /** Ends the round now; what is still waited for has no fate. */
  stop(): void {
    if (this.#isOver) return;
    this.#isBrokenOff = true;
    this.#finish();
  }

  #turn(): void {
    if (this.#isOver) return;
    const { clock } = this.#parts;
    for (const [flow, view] of this.#flows.entries()) {
      while (this.#maySend()) {
        const hops = nextHop(view, this.#rules, clock.now());
        if (hops === 0 || !this.#send(flow, hops)) break;
      }
    }
    const now = clock.now();
    const isPaused = now < this.#pausedUntilMs && !this.#sendsNoMore;
    const flows = this.#flows;
    const isOver = this.#sendsNoMore
      ? flows.every((view) => nextMomentMs(view, this.#rules, now) === Infinity)
      : !isPaused && flows.every((view) => isDone(view, this.#rules, now));
    if (isOver) return this.#finish();
    if (!isPaused && flows.every((view) => isSettled(view, this.#rules, now))) {
      this.#settle.resolve();
    }
    const moments = flows.map((view) => nextMomentMs(view, this.#rules, now));
    const atMs = Math.min(...moments, isPaused ? this.#pausedUntilMs : Infinity);
    this.#timer?.();
    this.#timer = clock.wakeAt(atMs + GRACE_MS, () => this.#wake());
  }

  get #rules(): Rules {
    return { ...this.#options, concurrency: this.#parts.prober.concurrency };
  }

  #maySend(): boolean {
    return !this.#sendsNoMore && this.#waiting < MAX_UNDER_WAY &&
      this.#parts.clock.now() >= this.#pausedUntilMs;
  }

  #wake(): void {
    this.#timer = null;
    // Answers that came in time may still be unread, if this process was not scheduled for a while.
    this.#parts.prober.drain();
    if (this.#isOver) return;
    const now = this.#parts.clock.now();
    for (const { cells } of this.#flows) {
      for (const cell of cells) {
        for (const probe of cell ?? []) {
          if (probe.state !== "waiting" || now - probe.sentMs < this.#options.timeoutMs) continue;
          this.#leaves(probe, "lost");
        }
      }
    }
    this.#turn();
  }

  /** False where the system refused. */
  #send(flow: number, hops: number): boolean {
    const { clock, prober } = this.#parts;
    const { target, sizeBytes } = this.#options;
    const cell = this.#flows[flow].cells[hops] ??= [];
    const probe: Probe = {
      hops,
      flow,
      query: cell.length,
      state: "waiting",
      sentMs: clock.now(),
      cancel: () => {},
      refusal: null,
    };
    try {
      const onAnswer = (answer: HopAnswer) => this.#answer(probe, answer);
      const onUnclear = () => this.#withdraw(probe);
      probe.cancel = prober.send({ target, hops, flow, sizeBytes }, onAnswer, onUnclear);
    } catch (error) {
      this.#refused(hops, error);
      return false;
    }
    cell.push(probe);
    this.#waiting++;
    return true;
  }

  #refused(hops: number, error: unknown): void {
    if (!(error instanceof ErrnoError)) throw error;
    const now = this.#parts.clock.now();
    this.#parts.onNotSent(hops, error.reason);
    if (Number.isNaN(this.#refusedMs)) this.#refusedMs = now;
    this.#pausedUntilMs = now + REFUSED_PAUSE_MS;
    const isInVain = now - this.#refusedMs >= REFUSED_AT_MOST_MS;
    if (isInVain || NO_ROUTE.includes(error.code)) this.#sendsNoMore = true;
  }

  #answer(probe: Probe, answer: HopAnswer): void {
    const view = this.#flows[probe.flow];
    const { hops } = probe;
    const isBeyond = hops > view.end;
    if (this.#isOver || probe.state !== "waiting") return;
    // Whether it is late is decided by the kernel's times, however late this process reads it.
    if (answer.rttUs > this.#options.timeoutMs * 1000) return;
    this.#leaves(probe, "answered");
    if (isBeyond) {
      // This answer only shows that the end answers what it meets.
      if (answer.kind !== "router") view.endAnswers++;
      return this.#turn();
    }
    if (answer.rttUs !== NONE) {
      view.slowestMs[hops] = Math.max(view.slowestMs[hops] ?? 0, answer.rttUs / 1000);
    }
    if (answer.kind === "router") {
      view.farthestRouter = Math.max(view.farthestRouter, hops);
      view.routers[hops] = answer.address;
    } else if (answer.kind === "end") {
      view.endAnswers++;
      view.targetHops = Math.min(view.targetHops, hops);
      this.#endAt(view, hops, probe.sentMs);
    } else if (this.#known.isReached) {
      // An earlier round reached the target. Whether the path ends here now is decided by the other refusals.
      probe.refusal = answer;
      return this.#turn();
    } else {
      view.endAnswers++;
      this.#endAt(view, hops, probe.sentMs);
    }
    this.#tell(probe, answer);
    this.#turn();
  }

  /** Treats the probe as not sent. Late answers to it must not count for the next one. */
  #withdraw(probe: Probe): void {
    if (this.#isOver || probe.state !== "waiting") return;
    const { slowestMs } = this.#flows[probe.flow];
    const slowest = Math.max(0, ...slowestMs.filter((ms) => ms !== undefined));
    const pauseMs = Math.max(UNCLEAR_PAUSE_MS, OVERDUE_FACTOR * slowest);
    this.#pausedUntilMs = this.#parts.clock.now() + pauseMs;
    this.#leaves(probe, "lost");
    const cell = this.#flows[probe.flow].cells[probe.hops];
    cell.splice(cell.indexOf(probe), 1);
    const { clock } = this.#parts;
    this.#cancelTurn();
    this.#cancelTurn = clock.wakeAt(clock.now(), () => this.#turn());
  }

  #tell({ hops, flow, query }: Probe, answer: HopAnswer | null): void {
    this.#parts.onFate({ round: this.#number, hops, flow, query, answer });
  }

  /** The round does not wait for what was sent farther. */
  #endAt(view: FlowState, hops: number, sentMs: number): void {
    if (hops >= view.end) return;
    view.end = hops;
    const tripMs = this.#parts.clock.now() - sentMs;
    for (const cell of view.cells.slice(hops + 1)) {
      for (const probe of cell ?? []) {
        // Behind silent hops: whether it answers these tells whether the silence is its own.
        if (probe.state === "waiting" && !isEndAtMost(view)) this.#leaves(probe, "lost");
        const settledMs = probe.sentMs + SETTLED_ROUND_TRIPS * tripMs;
        view.endFromMs = Math.max(view.endFromMs, settledMs);
      }
    }
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer?.();
    this.#cancelTurn();
    for (const [flow, view] of this.#flows.entries()) {
      const { farthestRouter, targetHops } = view;
      const refuser = this.#refuser(view);
      for (const probe of view.cells.flat()) {
        if (probe === undefined) continue;
        probe.cancel();
        if (probe.state === "waiting") continue;
        const isRefused = probe.refusal !== null && probe.hops === refuser;
        if (isRefused) this.#tell(probe, probe.refusal);
        else if (probe.refusal !== null || probe.state !== "answered") {
          if (probe.hops <= view.end) this.#tell(probe, null);
        }
      }
      const isAtMost = targetHops === view.end && isEndAtMost(view);
      const end = { round: this.#number, flow, endHops: targetHops, isAtMost, farthestRouter };
      this.#parts.onFlowEnd(end);
    }
    this.#settle.resolve();
    this.#finished.resolve();
  }

  /**
   * The hop whose router refuses to pass packets on: the nearest that was refused, unless that router
   * has answered at a nearer hop. What it says of farther probes is no answer of theirs.
   */
  #refuser({ cells, routers }: FlowState): number {
    // Cells are in the order of hops.
    const nearest = cells.flat().find((probe) => (probe?.refusal ?? null) !== null);
    if (nearest === undefined) return Infinity;
    const address = nearest.refusal?.address;
    return routers.slice(0, nearest.hops).includes(address) ? Infinity : nearest.hops;
  }

  #leaves(probe: Probe, state: ProbeState): void {
    if (probe.state === "waiting") this.#waiting--;
    probe.state = state;
    probe.cancel();
  }
}
