/** A trace to one target: its rounds one after the other, then what is asked for beside them. */
import type { PathMtu } from "../domain/path.ts";
import type { Endpoint } from "../domain/target.ts";
import { type Clock, Pause } from "../time/clock.ts";
import type { HopProber } from "./hop_prober.ts";
import { searchMtu } from "./mtu_search.ts";
import { TracePath } from "./path.ts";
import { type RoundLimits, TraceRound } from "./round.ts";
import { type LoggedRound, RoundLog } from "./round_log.ts";

/** The limits of each round, and how many rounds there are. */
export interface TraceLimits extends RoundLimits {
  /** Infinity for no end. */
  readonly rounds: number;
  readonly intervalMs: number;
  /** Whether the path's MTU is searched for when the path is known. */
  readonly mtu: boolean;
}

export interface TraceParts {
  readonly clock: Clock;
  readonly prober: HopProber;
  /** An address is met for the first time. */
  onAddress(address: string): void;
  /** A round is over, and so are all before it. */
  onRound?(round: LoggedRound): void;
}

export class Trace {
  readonly target: Endpoint;
  readonly path: TracePath;
  mtu: PathMtu | null = null;
  /** How long the rounds took, without what came between them. */
  durationMs = 0;
  #limits: TraceLimits;
  #parts: TraceParts;
  #rounds = new Set<TraceRound>();
  #log: RoundLog;
  #pause = new Pause();
  #stop = Promise.withResolvers<void>();
  #isStopped = false;

  constructor(target: Endpoint, limits: TraceLimits, parts: TraceParts) {
    this.target = target;
    this.path = new TracePath(limits.firstHop);
    this.#limits = limits;
    this.#parts = parts;
    this.#log = new RoundLog((round) => parts.onRound?.(round));
  }

  /**
   * Resolves when the last round is over. A round begins an interval after the one before it, once
   * that one waits for nothing but hops that are overdue: those may answer while the next one runs.
   */
  async run(): Promise<void> {
    const { clock } = this.#parts;
    const { rounds, intervalMs, mtu } = this.#limits;
    const startMs = clock.now();
    for (let i = 0; i < rounds && !this.#isStopped; i++) {
      await this.#pause.until(clock, startMs + i * intervalMs);
      if (this.#isStopped) break;
      const roundMs = clock.now();
      const round = this.#begin();
      await round.settled;
      this.durationMs += clock.now() - roundMs;
    }
    const restMs = clock.now();
    await Promise.all([...this.#rounds].map((round) => round.over));
    if (mtu && !this.#isStopped) this.mtu = await this.#searchMtu();
    this.durationMs += clock.now() - restMs;
  }

  /** Ends the trace now, whatever it waits for. */
  stop(): void {
    this.#isStopped = true;
    this.#pause.end();
    this.#stop.resolve();
    for (const round of this.#rounds) round.stop();
  }

  #begin(): TraceRound {
    const { path, target } = this;
    const { clock, prober, onAddress } = this.#parts;
    const known = path.known();
    prober.renew(target);
    const log = this.#log;
    const number = path.beginRound();
    log.begin(number, clock.now());
    const round = new TraceRound(number, { ...this.#limits, target }, known, {
      clock,
      prober,
      onFate: (fate) => {
        const fresh = path.add(fate);
        log.fate(fate, path.jitterOf(fate));
        if (fresh !== null) onAddress(fresh);
      },
      onNotSent: (hops, reason) => {
        log.notSent(number, hops);
        path.notSent(hops, reason);
      },
      onFlowEnd: (end) => {
        path.endFlow(end);
        log.end(number, end.flow, path.endHops(end.flow));
      },
    });
    this.#rounds.add(round);
    round.over.then(() => {
      this.#rounds.delete(round);
      log.over(number, !round.isBrokenOff);
    });
    round.start();
    return round;
  }

  #searchMtu(): Promise<PathMtu> {
    const { clock, prober } = this.#parts;
    const { timeoutMs, sizeBytes } = this.#limits;
    const { target, path } = this;
    const isStopped = () => this.#isStopped;
    const stopped = this.#stop.promise;
    const parts = { clock, prober, target, timeoutMs, sizeBytes, isStopped, stopped };
    return searchMtu(parts, path.hops(), path.end());
  }
}
