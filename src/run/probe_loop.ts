/**
 * The loop that every probing command shares: an absolute schedule for any number of targets, a
 * bound on what is in flight, results handed on as their fate becomes known.
 */
import { messageOf } from "../domain/exit.ts";
import { fateOf } from "../domain/outcome.ts";
import { NONE, type ProbeRecord } from "../domain/probe_record.ts";
import { type Endpoint, type Target, targetKey } from "../domain/target.ts";
import type { Prober } from "../net/prober.ts";
import type { Family, Resolver } from "../net/resolver.ts";
import type { Cancel, Clock } from "../time/clock.ts";
import { DueQueue } from "../time/due_queue.ts";
import { CATCH_UP_MS, dueMs, nextSlot, splayMs } from "../time/schedule.ts";
import { WallAnchor } from "../time/wall_anchor.ts";
import { Lane, RecordPool } from "./lane.ts";

/** How many names are asked of the resolver at once. */
const MAX_LOOKUPS = 16;
/**
 * Probes sent in one turn. Late ones are sent in several, so that replies are read in between: what
 * waits to be read makes each further probe dearer, and a prober that is behind would fall behind more.
 * The runtime does 128 pieces of input and output a turn, two a handshake: more than 64 is where it
 * falls behind for good (`task bench:scale`).
 */
const MAX_SENDS_A_TURN = 48;

export interface LoopOptions {
  /** Probes a target, or null for no end. */
  readonly count: number | null;
  /** No probe is due this long after the start, in ms; null for no end. */
  readonly durationMs: number | null;
  readonly intervalMs: number;
  /** From the start to the first slot, in ms, for loops that take turns; else 0. */
  readonly offsetMs?: number;
  /** Probes back to back in each slot. */
  readonly burst: number;
  readonly family: Family;
  /** Failures in a row after which a name is resolved again and the next address taken. */
  readonly resolveAfter: number;
  /** Names are resolved again this often, in ms; null for only after failures. */
  readonly resolveEveryMs: number | null;
  readonly maxInFlight: number;
  /** Goes on without anything to probe, until it is stopped. */
  readonly idle: boolean;
  /** False where the caller keeps figures of its own: then the lanes keep none. */
  readonly statistics?: boolean;
}

/** What the loop needs of the world. */
export interface LoopPorts {
  readonly clock: Clock;
  readonly prober: Prober;
  readonly resolver: Resolver;
  /** Called with each probe whose fate is known; the record is reused afterwards. */
  onRecord(record: ProbeRecord): void;
  /** Slots went by without their probes. */
  onSkip(target: Target, probes: number): void;
  /** Something worth a line on stderr. */
  onNotice(text: string): void;
}

export class ProbeLoop {
  readonly lanes: Lane[] = [];
  #options: LoopOptions;
  #ports: LoopPorts;
  #queue = new DueQueue<Lane>();
  #pool = new RecordPool();
  #wall: WallAnchor;
  #inFlight = 0;
  /** A due probe waits for one in flight to end. */
  #full = false;
  /** Places that targets which answer late or never may hold; the rest is the others'. */
  #slowPlaces = 1;
  #slowInFlight = 0;
  /** Lanes with a due probe that wait for such a place, first come first served. */
  #held: Lane[] = [];
  #timer: Cancel | null = null;
  #refreshTimer: Cancel | null = null;
  #endMs = Infinity;
  #running = false;
  /** Stopped, be it before it ran. */
  #ended = false;
  #finish: () => void = () => {};
  /** Reloads happen one after the other, the last one wins. */
  #reloaded: Promise<unknown> = Promise.resolve();

  constructor(options: LoopOptions, ports: LoopPorts) {
    this.#options = options;
    this.#ports = ports;
    this.#wall = new WallAnchor(ports.clock);
  }

  /** Resolves the targets' names and makes their lanes; call before `run`. */
  async prepare(targets: readonly Target[]): Promise<void> {
    const lanes = targets.map((target) => new Lane(target));
    await this.#resolveAll(lanes);
    this.lanes.push(...lanes);
  }

  /** Probes until the count or the duration is reached, or `stop` is called. */
  run(): Promise<void> {
    if (this.#ended) return Promise.resolve();
    const { durationMs, resolveEveryMs } = this.#options;
    if (durationMs !== null) this.#endMs = this.#ports.clock.now() + durationMs;
    if (resolveEveryMs !== null) this.#refreshEvery(resolveEveryMs);
    this.#place(this.lanes);
    return new Promise((resolve) => {
      this.#finish = resolve;
      this.#running = true;
      this.#arm();
      this.#finishIfDone();
    });
  }

  /** Ends at once; probes whose fate is not known yet are not counted. */
  stop(): void {
    this.#ended = true;
    if (!this.#running) return;
    this.#running = false;
    this.#timer?.();
    this.#refreshTimer?.();
    this.#ports.prober.stop();
    this.#finish();
  }

  /**
   * Makes `targets` the ones probed from now on. Those that were there before keep their schedule
   * and their statistics; returns the lanes that left.
   */
  retarget(targets: readonly Target[]): Promise<Lane[]> {
    const turn = this.#reloaded.then(() => this.#retarget(targets));
    this.#reloaded = turn;
    return turn;
  }

  async #retarget(targets: readonly Target[]): Promise<Lane[]> {
    const wanted = new Map(targets.map((target) => [targetKey(target), target]));
    const kept = this.lanes.filter((lane) => wanted.delete(targetKey(lane.target)));
    const keeping = new Set(kept);
    const left = this.lanes.filter((lane) => !keeping.has(lane));
    const fresh = [...wanted.values()].map((target) => new Lane(target));
    await this.#resolveAll(fresh);
    if (!this.#running) return [];
    for (const lane of left) lane.removed = true;
    this.#queue.retain((lane) => !lane.removed);
    this.#held = this.#held.filter((lane) => !lane.removed);
    this.lanes.splice(0, this.lanes.length, ...kept, ...fresh);
    this.#place(fresh);
    this.#arm();
    this.#finishIfDone();
    return left;
  }

  #place(lanes: readonly Lane[]): void {
    const { maxInFlight, intervalMs, offsetMs = 0 } = this.#options;
    const kept = Math.min(Math.floor(maxInFlight / 2), this.lanes.length - 1);
    this.#slowPlaces = Math.max(1, maxInFlight - kept);
    const startMs = this.#ports.clock.now() + offsetMs;
    for (const [index, lane] of lanes.entries()) {
      lane.startMs = lane.dueMs = startMs + splayMs(index, lanes.length, intervalMs);
      this.#requeue(lane);
    }
  }

  /** Queues a lane's next slot, unless its run is over. */
  #requeue(lane: Lane): void {
    if (lane.removed || lane.dueMs >= this.#endMs || this.#countReached(lane)) return;
    this.#queue.push(lane);
  }

  #countReached(lane: Lane): boolean {
    const { count } = this.#options;
    return count !== null && lane.sent >= count;
  }

  #arm(): void {
    this.#timer?.();
    this.#timer = null;
    const first = this.#queue.peek();
    if (first === undefined || this.#full || !this.#running) return;
    const { clock } = this.#ports;
    this.#timer = clock.wakeAt(Math.max(first.dueMs, clock.now()), () => {
      this.#timer = null;
      this.#sendDue();
      this.#arm();
      // The end may have come while this process was not scheduled.
      this.#finishIfDone();
    });
  }

  #sendDue(): void {
    const { intervalMs, maxInFlight } = this.#options;
    const now = this.#ports.clock.now();
    for (let sends = 0; sends < MAX_SENDS_A_TURN; sends++) {
      const lane = this.#queue.peek();
      if (lane === undefined || lane.dueMs > now) return;
      this.#full = this.#inFlight >= maxInFlight;
      if (this.#full) return;
      this.#queue.pop();
      // What was due before the end is sent, though a timer was late.
      if (now >= this.#endMs + CATCH_UP_MS) {
        this.#skip(lane, Math.ceil((this.#endMs - lane.dueMs) / intervalMs));
        continue;
      }
      if (lane.slow && this.#slowInFlight >= this.#slowPlaces) {
        this.#held.push(lane);
        continue;
      }
      const next = nextSlot(lane.startMs, intervalMs, lane.slot, now);
      if (next.skipped > 0) this.#skip(lane, next.skipped);
      const due = dueMs(lane.startMs, intervalMs, next.slot);
      lane.slot = next.slot + 1;
      lane.dueMs = dueMs(lane.startMs, intervalMs, lane.slot);
      this.#send(lane, due, this.#options.burst);
      // A burst's next slot is looked at when the burst is over, and may be late by then.
      if (this.#options.burst === 1) this.#requeue(lane);
    }
  }

  /** Counts the probes of slots that are not sent. */
  #skip(lane: Lane, slots: number): void {
    const probes = slots * this.#options.burst;
    if (this.#options.statistics !== false) lane.stats.skip(probes);
    this.#ports.onSkip(lane.target, probes);
  }

  /** Sends one probe; `left` of its burst remain, this one included. */
  #send(lane: Lane, due: number, left: number): void {
    const { clock, prober } = this.#ports;
    const record = this.#pool.take();
    const now = clock.now();
    const slow = lane.slow;
    lane.sent++;
    lane.inFlight++;
    this.#inFlight++;
    if (slow) this.#slowInFlight++;
    const first = left === this.#options.burst;
    const startOfBurst = first && this.#options.burst > 1;
    record.target = lane.target;
    record.seq = lane.sent;
    record.slot = lane.slot - 1;
    record.cold = lane.endpoint !== undefined && lane.takeCold() || startOfBurst;
    record.rttUs = record.connectUs = record.synRetransmits = NONE;
    record.rttSource = record.error = null;
    record.lagUs = first ? Math.max(0, Math.round((now - due) * 1000)) : 0;
    this.#wall.stamp(now, record);
    const settled = () => {
      if (slow) this.#slowInFlight--;
      this.#settled(lane, record, left - 1);
    };
    const endpoint = lane.endpoint;
    if (endpoint !== undefined) {
      record.address = endpoint.address;
      prober.probe(endpoint, record).then(settled);
    } else {
      record.address = "";
      record.outcome = "unresolved";
      record.error = lane.unresolvedReason;
      queueMicrotask(settled);
    }
  }

  #settled(lane: Lane, record: ProbeRecord, left: number): void {
    this.#inFlight--;
    lane.inFlight--;
    lane.silent = fateOf(record.outcome) !== "answered";
    if (!this.#running) return;
    if (this.#options.statistics !== false) lane.stats.add(record);
    this.#ports.onRecord(record);
    // What was sent to an address left behind says nothing of the one in use.
    if (record.address === (lane.endpoint?.address ?? "")) {
      lane.failures = record.outcome === "established" ? 0 : lane.failures + 1;
      if (lane.failures >= this.#options.resolveAfter) this.#rotate(lane);
    }
    this.#pool.give(record);
    if (this.#options.burst > 1) this.#followBurst(lane, left);
    this.#releaseHeld();
    if (this.#full) {
      this.#full = false;
      this.#sendDue();
      this.#arm();
    }
    this.#finishIfDone();
  }

  /** A place may be free again; at the end of the run nobody waits for one any more. */
  #releaseHeld(): void {
    if (this.#held.length === 0) return;
    const over = this.#ports.clock.now() >= this.#endMs;
    const free = over ? this.#held.length : this.#slowPlaces - this.#slowInFlight;
    if (free <= 0) return;
    for (const lane of this.#held.splice(0, free)) this.#queue.push(lane);
    this.#arm();
  }

  /** The next of a burst at once, or the next slot after its last. */
  #followBurst(lane: Lane, left: number): void {
    const now = this.#ports.clock.now();
    if (left > 0 && !lane.removed && !this.#countReached(lane) && now < this.#endMs) {
      this.#send(lane, now, left);
    } else {
      this.#requeue(lane);
      this.#arm();
    }
  }

  #finishIfDone(): void {
    const waiting = this.#queue.size + this.#held.length + this.#inFlight;
    if (waiting === 0 && !this.#options.idle) this.stop();
  }

  async #resolveAll(lanes: readonly Lane[]): Promise<void> {
    const waiting = lanes.values();
    const worker = async () => {
      for (const lane of waiting) await this.#resolve(lane, false);
    };
    await Promise.all(Array.from({ length: MAX_LOOKUPS }, worker));
  }

  /** Asks for a name's addresses and adopts them; a failure keeps those there are. */
  async #resolve(lane: Lane, advance: boolean): Promise<void> {
    if (lane.resolving) return;
    lane.resolving = true;
    const { resolver, onNotice } = this.#ports;
    const before = lane.failures;
    const moved = (left: Endpoint | null) => {
      if (left === null) return;
      const why = advance ? `${left.address} failed ${before} times in a row` : "resolved again";
      onNotice(`${lane.target.name}: ${why}, now probing ${lane.endpoint?.address}`);
    };
    try {
      moved(lane.adopt(await lane.lookUp(resolver, this.#options.family), advance));
      lane.unresolvedReason = "";
    } catch (error) {
      lane.failures = 0;
      const reason = `cannot resolve ${lane.target.host}: ${messageOf(error)}`;
      if (reason !== lane.unresolvedReason) onNotice(`${lane.target.name}: ${reason}`);
      lane.unresolvedReason = reason;
      if (advance) moved(lane.advance());
    } finally {
      lane.resolving = false;
    }
  }

  #rotate(lane: Lane): void {
    // Probes go on while the resolver thinks, so its slowness is nobody else's.
    this.#resolve(lane, true);
  }

  #refreshEvery(everyMs: number): void {
    const { clock } = this.#ports;
    this.#refreshTimer = clock.wakeAt(clock.now() + everyMs, async () => {
      await this.#resolveAll(this.lanes);
      if (this.#running) this.#refreshEvery(everyMs);
    });
  }
}
