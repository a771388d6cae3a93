/** The loop of every probing command: an absolute schedule, a bound on what is in flight, results as they become known. */
import { fateOf } from "../domain/outcome.ts";
import { NONE } from "../domain/probe_record.ts";
import { type Target, targetKey } from "../domain/target.ts";
import { warmUpStatistics } from "../stats/warm_up.ts";
import type { Cancel } from "../time/clock.ts";
import { DueQueue } from "../time/due_queue.ts";
import { CATCH_UP_MS, dueMs, splayMs } from "../time/schedule.ts";
import { WallAnchor } from "../time/wall_anchor.ts";
import type { LoopOptions, LoopPorts } from "./loop_options.ts";
import { LookUps } from "./look_ups.ts";
import { ScheduledTarget, SentProbe } from "./scheduled_target.ts";
import { SlowPlaces } from "./slow_places.ts";

/**
 * The most probes sent in one turn, unless the prober says more. Replies are read between turns:
 * each unread one makes a further probe more expensive, and a late prober would fall further behind.
 */
const MAX_SENDS_A_TURN = 48;
/** Answers are read before the first of a turn's probes, and after every so many: some 0.5 ms. */
const SENDS_A_READING = 16;

/** From so many targets on, it pays to make the statistics' code ready before the first probe. */
const MANY_TARGETS = 1000;

/** How often slots are counted that went by while targets waited for a place, if any wait. */
const MISSED_EVERY_MS = 1000;

export class ProbeLoop {
  readonly entries: ScheduledTarget[] = [];
  #options: LoopOptions;
  #ports: LoopPorts;
  #queue = new DueQueue<ScheduledTarget>();
  /** Probes to be used again: only as many are made as were ever in flight at once. */
  #spare: SentProbe[] = [];
  #onSettled = (probe: SentProbe): void => this.#settled(probe);
  #wall: WallAnchor;
  #lookUps: LookUps;
  #inFlight = 0;
  /** Results that keep their places. */
  #held = 0;
  /** A due probe waits for one in flight to end, or for a place that is held. */
  #full = false;
  #slow: SlowPlaces;
  #endTimer: Cancel | null = null;
  #missedTimer: Cancel | null = null;
  #timer: Cancel | null = null;
  #endMs = Infinity;
  #running = false;
  /** `stop` was called, perhaps before `run`. */
  #ended = false;
  #finish: () => void = () => {};
  /** Entries whose first look-up is under way. */
  #lookingUp = 0;
  #onLookedUp: () => void = () => {};

  constructor(options: LoopOptions, ports: LoopPorts) {
    this.#options = options;
    this.#ports = ports;
    this.#wall = new WallAnchor(ports.clock);
    this.#lookUps = new LookUps(options, ports);
    this.#slow = new SlowPlaces(options.maxInFlight);
  }

  /**
   * Makes the targets' entries and looks their names up; call before `run`. Resolves when every first
   * look-up has ended, well or not: nothing has to wait for that.
   */
  async prepare(targets: readonly Target[]): Promise<void> {
    const entries = targets.map((target) => new ScheduledTarget(target));
    this.entries.push(...entries);
    // Makes the statistics now: those of thousands would hold the first probes up.
    for (const entry of entries) this.#countWaiting(entry);
    if (this.#options.statistics !== false && entries.length >= MANY_TARGETS) {
      warmUpStatistics();
      for (const { stats } of entries) stats.tally.reserve();
    }
    await this.#lookUpFirst(entries);
  }

  /** Whether a target has an address; waits until one has, or every first look-up has ended. */
  async reachable(): Promise<boolean> {
    const has = () => this.entries.some(({ endpoint }) => endpoint !== undefined);
    while (!has() && this.#lookingUp > 0 && !this.#ended) {
      await new Promise<void>((resolve) => this.#onLookedUp = resolve);
    }
    return has();
  }

  /** Probes until the count or the duration is reached, or `stop` is called. */
  run(): Promise<void> {
    if (this.#ended) return Promise.resolve();
    const { durationMs, resolveEveryMs } = this.#options;
    const { clock } = this.#ports;
    const begunMs = clock.now();
    if (durationMs !== null) this.#endMs = begunMs + durationMs;
    if (resolveEveryMs !== null) this.#lookUps.repeat(this.entries, resolveEveryMs);
    return new Promise((resolve) => {
      this.#finish = resolve;
      this.#running = true;
      this.#spread(this.entries);
      // To queue thousands takes a while: the schedule begins behind it, or the first would be late.
      const tookMs = clock.now() - begunMs;
      for (const entry of this.entries) entry.postpone(tookMs);
      this.#endMs += tookMs;
      // A name that is still looked up must not outlast the end.
      if (durationMs !== null && this.#lookingUp > 0) {
        this.#endTimer = clock.wakeAt(this.#endMs, () => this.#finishIfDone());
      }
      this.#arm();
      this.#finishIfDone();
    });
  }

  /** Ends at once; probes whose fate is not known yet are not counted. */
  stop(): void {
    this.#ended = true;
    this.#onLookedUp();
    this.#lookUps.stop(this.entries);
    if (!this.#running) return;
    this.#countMissed();
    this.#running = false;
    for (const cancel of [this.#timer, this.#endTimer, this.#missedTimer]) cancel?.();
    this.#ports.prober.stop();
    this.#finish();
  }

  /**
   * Makes `targets` the ones probed from now on. Those that were there before keep their schedule
   * and their statistics; returns the entries that left. Names are probed as they resolve.
   */
  retarget(targets: readonly Target[]): ScheduledTarget[] {
    if (!this.#running) return [];
    this.#countMissed();
    const wanted = new Map(targets.map((target) => [targetKey(target), target]));
    const kept = this.entries.filter((entry) => wanted.delete(targetKey(entry.target)));
    const keeping = new Set(kept);
    const left = this.entries.filter((entry) => !keeping.has(entry));
    const fresh = [...wanted.values()].map((target) => new ScheduledTarget(target));
    for (const entry of left) {
      entry.removed = true;
      entry.cancelLookUp();
    }
    this.#queue.retain((entry) => !entry.removed);
    this.#slow.forget(left);
    this.entries.splice(0, this.entries.length, ...kept, ...fresh);
    this.#spread(fresh);
    this.#lookUpFirst(fresh);
    this.#arm();
    this.#finishIfDone();
    return left;
  }

  /** Spreads entries over the interval, and queues those that need not wait for a look-up. */
  #spread(entries: readonly ScheduledTarget[]): void {
    const { intervalMs, offsetMs = 0 } = this.#options;
    const startMs = this.#ports.clock.now() + offsetMs;
    for (const [index, entry] of entries.entries()) {
      entry.startMs = entry.dueMs = startMs + splayMs(index, entries.length, intervalMs);
      if (entry.lookedUp) this.#requeue(entry);
    }
  }

  /** Queues an entry whose first look-up has ended. */
  #place(entry: ScheduledTarget): void {
    const now = this.#ports.clock.now();
    const { intervalMs } = this.#options;
    const late = now - entry.startMs;
    // A little late: at once. Later, many may come at the same time, so it waits for its own place.
    if (late > intervalMs / 2) entry.startMs += Math.ceil(late / intervalMs) * intervalMs;
    else entry.startMs = Math.max(entry.startMs, now);
    entry.dueMs = entry.startMs;
    this.#requeue(entry);
    this.#arm();
    this.#finishIfDone();
  }

  /** Queues a target's next slot, unless its run is over. */
  #requeue(entry: ScheduledTarget): void {
    if (entry.removed || entry.dueMs >= this.#endMs || this.#countReached(entry)) return;
    this.#queue.push(entry);
  }

  #countReached(entry: ScheduledTarget): boolean {
    return entry.sent >= (this.#options.count ?? Infinity);
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
    const { clock } = this.#ports;
    const most = this.#ports.prober.sendsATurn ?? MAX_SENDS_A_TURN;
    for (let sends = 0; sends < most; sends++) {
      if (sends % SENDS_A_READING === 0) this.#ports.prober.readAnswers?.();
      // An answer may have been the last one that was awaited.
      const entry = this.#running ? this.#queue.peek() : undefined;
      // What has come due meanwhile is sent in this turn too: the next one may be milliseconds away.
      const now = clock.now();
      if (entry === undefined || entry.dueMs > now) return;
      this.#full = this.#inFlight + this.#held >= maxInFlight;
      if (this.#full) return this.#watchMissed();
      this.#queue.pop();
      // Probes that were due before the end are sent, even if a timer was late.
      if (now >= this.#endMs + CATCH_UP_MS) {
        this.#skipTo(entry, this.#endMs);
        continue;
      }
      if (this.#slow.defer(entry)) {
        this.#watchMissed();
        continue;
      }
      this.#skip(entry, entry.takeMissed(intervalMs, now));
      const due = dueMs(entry.startMs, intervalMs, entry.slot++);
      entry.dueMs = dueMs(entry.startMs, intervalMs, entry.slot);
      this.#send(entry, due, now, this.#options.burst);
      // A burst's next slot is queued when the burst is over, and may be late by then.
      if (this.#options.burst === 1) this.#requeue(entry);
    }
  }

  /** Keeps the number of probes whose fate is not known yet in the target's statistics. */
  #countWaiting(entry: ScheduledTarget): void {
    if (this.#options.statistics !== false) entry.stats.tally.waiting = entry.inFlight;
  }

  /** Counts the probes of slots that are not sent. */
  #skip(entry: ScheduledTarget, slots: number): void {
    if (slots === 0) return;
    const probes = slots * this.#options.burst;
    if (this.#options.statistics !== false) entry.stats.skip(probes);
    this.#ports.onSkip(entry.target, probes);
  }

  /** Counts missed slots now and then while targets wait; for a reader alone, no timer keeps a program alive. */
  #watchMissed(): void {
    if (this.#inFlight === 0) return;
    const { clock } = this.#ports;
    this.#missedTimer ??= clock.wakeAt(clock.now() + MISSED_EVERY_MS, () => {
      this.#missedTimer = null;
      this.#countMissed();
      if (this.#full || this.#slow.waiting > 0) this.#watchMissed();
    });
  }

  /** Counts the slots that went by of targets that still wait for a place. */
  #countMissed(): void {
    const now = Math.min(this.#ports.clock.now(), this.#endMs);
    const { intervalMs } = this.#options;
    for (const entry of [...this.#queue, ...this.#slow]) {
      this.#skip(entry, entry.takeMissed(intervalMs, now));
    }
  }

  /** Sends one probe, `now`; `left` of its burst remain, this one included. */
  #send(entry: ScheduledTarget, due: number, now: number, left: number): void {
    const { prober } = this.#ports;
    const probe = this.#spare.pop() ?? new SentProbe(this.#onSettled);
    const { record } = probe;
    probe.entry = entry;
    this.#slow.take(probe, entry);
    probe.left = left - 1;
    entry.sent++;
    entry.inFlight++;
    this.#inFlight++;
    this.#countWaiting(entry);
    const first = left === this.#options.burst;
    const startOfBurst = first && this.#options.burst > 1;
    record.target = entry.target;
    record.seq = entry.sent;
    record.slot = entry.slot - 1;
    record.cold = entry.endpoint !== undefined && entry.takeCold() || startOfBurst;
    record.rttUs = record.connectUs = record.synRetransmits = NONE;
    record.rttSource = record.error = null;
    record.lagUs = first ? Math.max(0, Math.round((now - due) * 1000)) : NONE;
    this.#wall.stamp(now, record);
    const endpoint = entry.endpoint;
    if (endpoint !== undefined) {
      record.address = endpoint.address;
      prober.probe(endpoint, probe);
    } else {
      record.address = "";
      record.outcome = "unresolved";
      record.error = entry.unresolvedReason;
      queueMicrotask(() => probe.settled());
    }
  }

  #settled(probe: SentProbe): void {
    const { entry, record, left } = probe;
    const fate = fateOf(record.outcome);
    this.#inFlight--;
    entry.inFlight--;
    this.#slow.settled(probe, fate);
    if (!this.#running) return;
    if (this.#options.holdsPlaces === true) this.#held++;
    this.#countWaiting(entry);
    if (this.#options.statistics !== false) entry.stats.add(record);
    this.#ports.onRecord(record);
    // A probe sent to a former address tells nothing about the address in use.
    if (record.address === (entry.endpoint?.address ?? "")) {
      entry.failures = record.outcome === "established" ? 0 : entry.failures + 1;
      if (entry.failures >= this.#options.resolveAfter) {
        this.#lookUps.advance(entry, record.outcome);
      }
    }
    this.#spare.push(probe);
    if (this.#options.burst > 1) this.#followBurst(entry, left, fate === "lost");
    this.#releaseDeferred();
    this.#goOn();
    this.#finishIfDone();
  }

  /** Frees the places of so many results, where they are held. */
  release(results: number): void {
    this.#held -= results;
    if (!this.#running) return;
    this.#goOn();
    this.#finishIfDone();
  }

  /** Sends what had to wait for a place. */
  #goOn(): void {
    if (!this.#full) return;
    this.#full = false;
    this.#sendDue();
    this.#arm();
  }

  /** Queues deferred targets again: as many as may be in flight, or all at the end of the run. */
  #releaseDeferred(): void {
    if (this.#slow.waiting === 0) return;
    const free = this.#slow.release(this.#ports.clock.now() >= this.#endMs);
    if (free.length === 0) return;
    for (const entry of free) this.#queue.push(entry);
    this.#arm();
  }

  /** Sends the next probe of a burst at once, or queues the next slot after its last one. */
  #followBurst(entry: ScheduledTarget, left: number, lost: boolean): void {
    const now = this.#ports.clock.now();
    const over = left === 0 || lost && this.#options.endsSilentBursts === true;
    if (!over && !entry.removed && !this.#countReached(entry) && now < this.#endMs) {
      this.#send(entry, now, now, left);
    } else {
      if (this.#options.endsSilentBursts === true) this.#skipTo(entry, now);
      this.#requeue(entry);
      this.#arm();
    }
  }

  /** Skips the slots before a moment. */
  #skipTo(entry: ScheduledTarget, now: number): void {
    const { intervalMs } = this.#options;
    const slots = Math.ceil((now - dueMs(entry.startMs, intervalMs, entry.slot)) / intervalMs);
    if (slots <= 0) return;
    this.#skip(entry, slots);
    entry.slot += slots;
    entry.dueMs = dueMs(entry.startMs, intervalMs, entry.slot);
  }

  #finishIfDone(): void {
    const lookingUp = this.#ports.clock.now() >= this.#endMs ? 0 : this.#lookingUp;
    const waiting = this.#queue.size + this.#slow.waiting + this.#inFlight + lookingUp;
    if (waiting === 0 && !this.#options.idle) this.stop();
  }

  /** Looks names up for the first time; each entry is queued when its look-up has ended. */
  async #lookUpFirst(entries: readonly ScheduledTarget[]): Promise<void> {
    const { family } = this.#options;
    const literals = entries.filter((entry) => entry.takeLiteral(family));
    const names = entries.filter((entry) => entry.endpoint === undefined);
    this.#lookingUp += names.length;
    for (const entry of literals) this.#lookedUp(entry);
    await Promise.all(names.map(async (entry) => {
      await this.#lookUps.resolve(entry, false);
      this.#lookingUp--;
      this.#lookedUp(entry);
    }));
  }

  #lookedUp(entry: ScheduledTarget): void {
    entry.lookedUp = true;
    if (this.#running && !entry.removed) this.#place(entry);
    this.#onLookedUp();
  }
}
