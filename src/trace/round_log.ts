/** Gathers what each round of a trace has shown, and hands the rounds out in the order in which they began. */
import type { RoundProbe } from "../domain/path.ts";
import { NONE } from "../domain/probe_record.ts";
import type { ProbeFate } from "./round.ts";

/** What a round has shown when it is over. */
export interface LoggedRound {
  /** When it began, by this process's clock. */
  readonly startMs: number;
  /** False where the trace was ended before every probe of it had its fate. */
  readonly isWhole: boolean;
  readonly probes: RoundProbe[];
  /** The hop of each probe that the system refused to send. */
  readonly notSent: number[];
  /** By flow, how far it was to the target after the round; flows without an end are not in it. */
  readonly ends: Map<number, number>;
}

const NO_ANSWER = { address: null, kind: null, rttUs: NONE };

/** Rounds under way are bounded by the timeout and the interval between them. */
export class RoundLog {
  #onRound: (round: LoggedRound) => void;
  #rounds = new Map<number, LoggedRound & { isWhole: boolean; isOver: boolean }>();

  constructor(onRound: (round: LoggedRound) => void) {
    this.#onRound = onRound;
  }

  /** Rounds are numbered in the order in which they begin. */
  begin(round: number, startMs: number): void {
    this.#rounds.set(round, {
      startMs,
      isWhole: true,
      probes: [],
      notSent: [],
      ends: new Map(),
      isOver: false,
    });
  }

  /** `jitterUs`: see RoundProbe. */
  fate({ round, hops, flow, answer }: ProbeFate, jitterUs: number): void {
    const { address, kind, rttUs } = answer ?? NO_ANSWER;
    this.#rounds.get(round)?.probes.push({ hops, flow, address, kind, rttUs, jitterUs });
  }

  notSent(round: number, hops: number): void {
    this.#rounds.get(round)?.notSent.push(hops);
  }

  end(round: number, flow: number, hops: number | null): void {
    if (hops !== null) this.#rounds.get(round)?.ends.set(flow, hops);
  }

  /** Hands out the round, once all before it are over, and those behind it that waited for it. */
  over(round: number, isWhole = true): void {
    const own = this.#rounds.get(round);
    if (own !== undefined) Object.assign(own, { isOver: true, isWhole });
    for (const [number, logged] of this.#rounds) {
      if (!logged.isOver) return;
      this.#rounds.delete(number);
      this.#onRound(logged);
    }
  }
}
