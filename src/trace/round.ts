/**
 * One round of a trace: all hops in flight together, as far as the prober can, each waited for no
 * longer than makes sense, until nothing can come any more that would change the path.
 */
import type { MtuStep } from "../domain/path.ts";
import { NONE } from "../domain/probe_record.ts";
import type { HopAnswer, HopProber } from "./hop_prober.ts";
import type { Cancel, Clock } from "../time/clock.ts";
import { GRACE_MS } from "../time/deadlines.ts";
import { nextMtu } from "./mtu.ts";
import { Patience } from "./patience.ts";

/** So many hops behind the last one that answered are tried before the path counts as ended there. */
export const LOOKAHEAD = 12;
/** The same where each silent one costs a timeout of its own. */
export const LOOKAHEAD_ONE_BY_ONE = 5;
/** Probes waited for at once, of all flows together. */
export const MAX_UNDER_WAY = 128;
/**
 * Where the target answers one probe of a flow at a time, those that were sent beyond the end hold
 * it up: until an answer and our kernel's reset have crossed the path, and half as long again.
 */
const SETTLED_ROUND_TRIPS = 1.5;
/** How often one probe is sent again because a link takes no packet of its size. */
const MAX_SHRINKS = 8;

export interface RoundOptions {
  readonly firstHop: number;
  readonly maxHops: number;
  readonly queries: number;
  readonly flows: number;
  readonly timeoutMs: number;
  readonly sizeBytes: number;
  /** Packets that are too big are made smaller and sent again. */
  readonly mtu: boolean;
}

/** What earlier rounds have shown. */
export interface Known {
  /** Hops that have never answered. */
  readonly silent: ReadonlySet<number>;
  /** The farthest that the path is known to go; 0 for nothing known. */
  readonly length: number;
}

export const NOTHING_KNOWN: Known = { silent: new Set(), length: 0 };

/** A probe's fate: its answer, or null when there was none until the round was over. */
export interface ProbeFate {
  readonly hops: number;
  readonly flow: number;
  /** Counts the probes of a flow to a hop from 0. */
  readonly query: number;
  readonly answer: HopAnswer | null;
}

export interface RoundParts {
  readonly clock: Clock;
  readonly prober: HopProber;
  readonly onFate: (fate: ProbeFate) => void;
  readonly onMtu: (step: MtuStep) => void;
}

type ProbeState = "waiting" | "given up" | "answered";

interface Probe {
  readonly cell: Cell;
  readonly query: number;
  state: ProbeState;
  sentMs: number;
  sizeBytes: number;
  shrinks: number;
  cancel: Cancel;
}

/** The probes of one flow to one hop. */
interface Cell {
  readonly hops: number;
  readonly flow: number;
  readonly probes: Probe[];
}

/** What is known of one flow's path. */
interface FlowPath {
  /** By hops; sparse. */
  readonly cells: Cell[];
  /** The farthest hop that has answered. */
  farthest: number;
  /** Where the path ends, by an answer; else Infinity. */
  end: number;
  /** From when on the end is asked again. */
  endFromMs: number;
}

export class TraceRound {
  #options: RoundOptions;
  #known: Known;
  #parts: RoundParts;
  #patience: Patience;
  #flows: FlowPath[];
  #lookahead: number;
  #waiting = new Set<Probe>();
  #sizeBytes: number;
  /** When a probe may be sent that may not be now; Infinity for none. */
  #laterMs = Infinity;
  #timer: Cancel | null = null;
  #graceGiven = false;
  #over = Promise.withResolvers<void>();
  #ended = false;

  constructor(options: RoundOptions, known: Known, parts: RoundParts) {
    this.#options = options;
    this.#known = known;
    this.#parts = parts;
    this.#patience = new Patience(options.timeoutMs);
    this.#sizeBytes = options.sizeBytes;
    const { together } = parts.prober;
    this.#lookahead = together === "one-a-flow" ? LOOKAHEAD_ONE_BY_ONE : LOOKAHEAD;
    this.#flows = Array.from({ length: options.flows }, () => ({
      cells: [],
      farthest: options.firstHop - 1,
      end: Infinity,
      endFromMs: 0,
    }));
  }

  /** The size of the packets sent now: with `mtu`, the largest that no router has objected to. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Resolves when the round is over; rejects with what `send` threw. */
  async run(): Promise<void> {
    this.#turn();
    await this.#over.promise;
  }

  /** Ends the round now; what has not been answered is lost. */
  stop(): void {
    this.#finish();
  }

  /** Sends what may be sent, then waits for the next thing to happen; without any, it is over. */
  #turn(): void {
    if (this.#ended) return;
    try {
      for (let cell = this.#next(); cell !== null; cell = this.#next()) this.#send(cell);
    } catch (error) {
      this.#over.reject(error);
      return this.#finish();
    }
    this.#arm();
  }

  #arm(): void {
    this.#timer?.();
    this.#timer = null;
    if (this.#waiting.size === 0 && this.#laterMs === Infinity) return this.#finish();
    const expiriesMs = [...this.#waiting].map((probe) => this.#expiryMs(probe));
    const wakeMs = Math.min(this.#laterMs, ...expiriesMs);
    this.#timer = this.#parts.clock.wakeAt(wakeMs + GRACE_MS, () => this.#wake(wakeMs));
  }

  #wake(dueMs: number): void {
    this.#timer = null;
    const { clock } = this.#parts;
    const now = clock.now();
    // After a stall the timer comes before what the sockets have to tell: one more turn for them.
    if (now - dueMs > 2 * GRACE_MS && !this.#graceGiven) {
      this.#graceGiven = true;
      this.#timer = clock.wakeAt(now + GRACE_MS, () => this.#wake(dueMs));
      return;
    }
    this.#graceGiven = false;
    for (const probe of this.#waiting) {
      if (this.#expiryMs(probe) > now) continue;
      probe.state = "given up";
      this.#waiting.delete(probe);
      // It may be answered yet, but where a flow has one probe at a time the next needs its place.
      if (this.#parts.prober.together === "one-a-flow") probe.cancel();
    }
    this.#turn();
  }

  #expiryMs(probe: Probe): number {
    return probe.sentMs + this.#patience.waitMs(probe.cell.hops);
  }

  /** The probe to be sent next, or null when there is none for now. */
  #next(): Cell | null {
    this.#laterMs = Infinity;
    if (this.#waiting.size >= MAX_UNDER_WAY) return null;
    let best: Cell | null = null;
    for (const [flow, path] of this.#flows.entries()) {
      const limit = this.#limit(path);
      for (let hops = this.#options.firstHop; hops <= limit; hops++) {
        const cell = path.cells[hops] ??= { hops, flow, probes: [] };
        if (!this.#maySend(cell, path)) continue;
        if (best === null || this.#before(cell, best)) best = cell;
        // The flow's nearest hop comes first, unless its probes go one by one.
        if (this.#parts.prober.together !== "one-a-flow") break;
      }
    }
    return best;
  }

  /** Nearest hops first; where probes go one by one, each hop once before any a second time. */
  #before(one: Cell, other: Cell): boolean {
    if (this.#parts.prober.together === "one-a-flow" && one.probes.length !== other.probes.length) {
      return one.probes.length < other.probes.length;
    }
    return one.hops < other.hops;
  }

  /** The farthest hop that is worth a probe. */
  #limit({ farthest, end }: FlowPath): number {
    const { length } = this.#known;
    const ahead = length > farthest ? length : farthest + this.#lookahead;
    return Math.min(this.#options.maxHops, end, ahead);
  }

  #maySend(cell: Cell, path: FlowPath): boolean {
    if (cell.probes.length >= this.#options.queries) return false;
    switch (this.#parts.prober.together) {
      case "any":
        return true;
      case "not-at-the-end":
        // Before a farther hop has answered, this one may be the end.
        if (cell.hops < Math.min(path.farthest, path.end)) return true;
        return !isWaiting(cell) && !isSilent(cell) && this.#isSettled(cell, path);
      case "one-a-flow":
        return !isSilent(cell) && !path.cells.some(isWaiting);
      default:
        return this.#parts.prober.together satisfies never;
    }
  }

  /** Whether the end has nothing left to do with what was sent beyond it. */
  #isSettled(cell: Cell, path: FlowPath): boolean {
    if (cell.hops < path.end || this.#parts.clock.now() >= path.endFromMs) return true;
    this.#laterMs = Math.min(this.#laterMs, path.endFromMs);
    return false;
  }

  #send(cell: Cell): void {
    const probe: Probe = {
      cell,
      query: cell.probes.length,
      state: "waiting",
      sentMs: 0,
      sizeBytes: this.#sizeBytes,
      shrinks: 0,
      cancel: () => {},
    };
    cell.probes.push(probe);
    this.#launch(probe);
  }

  #launch(probe: Probe): void {
    const { clock, prober } = this.#parts;
    const { hops, flow } = probe.cell;
    probe.sizeBytes = this.#sizeBytes;
    probe.sentMs = clock.now();
    // A hop that is known to be silent may answer yet, but nobody waits for it.
    const waitedFor = !this.#known.silent.has(hops);
    probe.state = waitedFor ? "waiting" : "given up";
    if (waitedFor) this.#waiting.add(probe);
    const { sizeBytes } = probe;
    probe.cancel = prober.send({ hops, flow, sizeBytes }, (answer) => this.#answer(probe, answer));
  }

  #answer(probe: Probe, answer: HopAnswer): void {
    if (this.#ended || probe.state === "answered") return;
    const { hops } = probe.cell;
    const path = this.#flows[probe.cell.flow];
    this.#waiting.delete(probe);
    probe.cancel();
    if (answer.kind === "too big" && this.#shrink(probe, answer)) return this.#turn();
    probe.state = "answered";
    if (answer.rttUs !== NONE) this.#patience.answered(hops, answer.rttUs / 1000);
    path.farthest = Math.max(path.farthest, hops);
    this.#parts.onFate({ hops, flow: probe.cell.flow, query: probe.query, answer });
    if (answer.kind !== "router" && hops < path.end) this.#endAt(path, hops, probe.sentMs);
    this.#turn();
  }

  /** Sends a probe again that was too big; false when that has no end. */
  #shrink(probe: Probe, answer: HopAnswer): boolean {
    if (!this.#options.mtu || probe.shrinks >= MAX_SHRINKS) return false;
    if (probe.sizeBytes <= this.#sizeBytes) {
      const mtuBytes = nextMtu(probe.sizeBytes, answer.mtuBytes);
      if (mtuBytes === null) return false;
      this.#sizeBytes = mtuBytes;
      this.#parts.onMtu({ hops: probe.cell.hops, address: answer.address, mtuBytes });
    }
    probe.shrinks++;
    this.#launch(probe);
    return true;
  }

  /** Nothing that was sent farther matters any more. */
  #endAt(path: FlowPath, hops: number, sentMs: number): void {
    path.end = hops;
    const tripMs = this.#parts.clock.now() - sentMs;
    for (const cell of path.cells) {
      if (cell === undefined || cell.hops <= hops) continue;
      for (const probe of cell.probes) {
        probe.cancel();
        this.#waiting.delete(probe);
        const settledMs = probe.sentMs + SETTLED_ROUND_TRIPS * tripMs;
        path.endFromMs = Math.max(path.endFromMs, settledMs);
      }
    }
  }

  #finish(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#timer?.();
    for (const [flow, path] of this.#flows.entries()) {
      for (const cell of path.cells) {
        for (const probe of cell?.probes ?? []) {
          probe.cancel();
          if (probe.state === "answered" || cell.hops > path.end) continue;
          this.#parts.onFate({ hops: cell.hops, flow, query: probe.query, answer: null });
        }
      }
    }
    this.#over.resolve();
  }
}

function isWaiting(cell: Cell): boolean {
  return cell.probes.some(({ state }) => state === "waiting");
}

/** Waited for once, in vain. */
function isSilent(cell: Cell): boolean {
  return cell.probes.some(({ state }) => state === "given up") &&
    cell.probes.every(({ state }) => state !== "answered");
}
