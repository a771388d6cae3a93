/** Windows: each target's figures over consecutive spans of a run. */
import { NONE, type ProbeRecord, serviceRttOf } from "../domain/probe_record.ts";
import type { Target } from "../domain/target.ts";
import type { HostPressure } from "../domain/host_pressure.ts";
import type { Window } from "../domain/summary.ts";
import { Counts, PASSING } from "../stats/counts.ts";
import { FINE_BITS, Histogram } from "../stats/histogram.ts";
import { TargetStats } from "../stats/target_stats.ts";
import type { Cancel, Clock } from "../time/clock.ts";
import { WallAnchor, type WallTime } from "../time/wall_anchor.ts";

/** A target's figures since the last boundary. */
interface Span {
  readonly stats: TargetStats;
  readonly handshakes: Histogram;
}

/** A window that has ended and is not handed out yet. */
interface Ended extends Span {
  readonly at: WallTime;
  readonly lengthMs: number;
  readonly pressure: HostPressure | null;
}

/**
 * Windows handed out in one turn. The windows of more targets are spread over this share of the
 * length: all at once they would not fit the queues of outputs, and would delay probes. A late turn
 * hands out more, up to what the queues take.
 */
const AT_ONCE = 8;
const MOST_AT_ONCE = 16;
const SPREAD_SHARE = 0.8;

export interface WindowPorts {
  readonly clock: Clock;
  onWindow(window: Window): void;
  /** Lines lost so far, for the windows to state. */
  dropped(): number;
  /** How short this host is of what it needs. */
  readonly pressure: () => HostPressure | null;
  /**
   * Resolves when the outputs can take some more, or will not in time; `turns` are still to come.
   */
  room(turns: number): Promise<void>;
}

export class Windows {
  #ports: WindowPorts;
  #lengthMs: number;
  #spans = new Map<Target, Span>();
  /** Targets that a reload removed; results of probes in flight may still arrive. */
  #left = new WeakSet<Target>();
  #wall: WallAnchor;
  #startMs = 0;
  #ended = 0;
  #cancel: Cancel = () => {};
  #cancelPacing: Cancel = () => {};
  #pending: Ended[] = [];

  constructor(lengthMs: number, ports: WindowPorts) {
    this.#lengthMs = lengthMs;
    this.#ports = ports;
    this.#wall = new WallAnchor(ports.clock);
  }

  /** Boundaries lie at whole multiples of the length after this moment. */
  start(): void {
    this.#startMs = this.#ports.clock.now();
    this.#arm();
  }

  record(record: ProbeRecord): void {
    const span = this.#spanOf(record.target);
    span.stats.add(record);
    const rttUs = serviceRttOf(record);
    if (rttUs !== NONE) span.handshakes.add(rttUs);
  }

  skip(target: Target, probes: number): void {
    this.#spanOf(target).stats.skip(probes);
  }

  /** Forgets a target that is probed no more, after the window under way. */
  forget(target: Target): void {
    this.#left.add(target);
  }

  /** Ends the window under way, short as it may be, and hands out what is left as there is room. */
  async stop(): Promise<void> {
    this.#cancel();
    this.#cancelPacing();
    const { clock, room } = this.#ports;
    const begun = this.#startMs + this.#ended * this.#lengthMs;
    const lengthMs = clock.now() - begun;
    // At least 1 ms, so that the last results are not lost.
    if (lengthMs > 0) this.#endAll(Math.max(1, Math.round(lengthMs)));
    while (this.#pending.length > 0) {
      this.#handOut(AT_ONCE);
      if (this.#pending.length > 0) await room(Math.ceil(this.#pending.length / AT_ONCE));
    }
  }

  #arm(): void {
    const { clock } = this.#ports;
    const boundary = this.#startMs + (this.#ended + 1) * this.#lengthMs;
    this.#cancel = clock.wakeAt(boundary, () => {
      // After a stall, the windows that passed become one long window.
      const passed = Math.max(1, Math.floor((clock.now() - boundary) / this.#lengthMs) + 1);
      // Windows that are late wait for their turn, one a target at the most.
      this.#handOut(this.#pending.length - this.#spans.size);
      this.#endAll(passed * this.#lengthMs);
      this.#ended += passed;
      this.#pace(clock.now(), this.#pending.length);
      this.#arm();
    });
  }

  /** Hands some windows out, the next ones later: `all` of them are spread from `startMs` on. */
  #pace(startMs: number, all: number): void {
    this.#cancelPacing();
    const { clock } = this.#ports;
    const spreadMs = SPREAD_SHARE * this.#lengthMs;
    const handedOut = all - this.#pending.length;
    const late = Math.ceil(all * (clock.now() - startMs) / spreadMs) - handedOut;
    this.#handOut(Math.min(MOST_AT_ONCE, Math.max(AT_ONCE, late)));
    if (this.#pending.length === 0) return;
    const atMs = startMs + (all - this.#pending.length) / all * spreadMs;
    this.#cancelPacing = clock.wakeAt(atMs, () => this.#pace(startMs, all));
  }

  #endAll(lengthMs: number): void {
    const at: WallTime = { wallSeconds: 0, wallNanos: 0 };
    this.#wall.stamp(this.#ports.clock.now(), at);
    const pressure = this.#ports.pressure();
    for (const [target, span] of this.#spans) {
      this.#pending.push({ ...span, at, lengthMs, pressure });
      if (this.#left.has(target)) this.#spans.delete(target);
      else this.#spans.set(target, newSpan(target, span.stats));
    }
  }

  #handOut(most: number): void {
    for (
      const { stats, handshakes, at, lengthMs, pressure } of this.#pending.splice(
        0,
        Math.max(0, most),
      )
    ) {
      this.#ports.onWindow({
        ...stats.summary(this.#ports.dropped()),
        ...at,
        windowMs: lengthMs,
        handshakes: handshakes.distribution(),
        pressure,
      });
    }
  }

  #spanOf(target: Target): Span {
    const known = this.#spans.get(target);
    if (known !== undefined) return known;
    const span = newSpan(target, null);
    this.#spans.set(target, span);
    return span;
  }
}

/** Loss runs and consecutive pairs go on across a boundary. */
function newSpan(target: Target, before: TargetStats | null): Span {
  return {
    stats: new TargetStats(target, before, PASSING),
    handshakes: new Histogram(FINE_BITS, new Counts(1, PASSING)),
  };
}
