/** Windows: each target's figures over consecutive spans of a run. */
import { NONE, type ProbeRecord, serviceRttOf } from "../domain/probe_record.ts";
import type { Target } from "../domain/target.ts";
import type { Window } from "../domain/summary.ts";
import { Histogram } from "../stats/histogram.ts";
import { TargetStats } from "../stats/target_stats.ts";
import type { Cancel, Clock } from "../time/clock.ts";
import { WallAnchor, type WallTime } from "../time/wall_anchor.ts";

/** A target's figures since the last boundary. */
interface Span {
  readonly stats: TargetStats;
  readonly handshakes: Histogram;
}

export interface WindowPorts {
  readonly clock: Clock;
  onWindow(window: Window): void;
  /** Lines lost so far, for the windows to state. */
  dropped(): number;
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

  /** Ends the window under way, short as it may be. */
  stop(): void {
    this.#cancel();
    const begun = this.#startMs + this.#ended * this.#lengthMs;
    const lengthMs = this.#ports.clock.now() - begun;
    // At least 1 ms, so that the last results are not lost.
    if (lengthMs > 0) this.#endAll(Math.max(1, Math.round(lengthMs)));
  }

  #arm(): void {
    const { clock } = this.#ports;
    const boundary = this.#startMs + (this.#ended + 1) * this.#lengthMs;
    this.#cancel = clock.wakeAt(boundary, () => {
      // After a stall, the windows that passed become one long window.
      const passed = Math.max(1, Math.floor((clock.now() - boundary) / this.#lengthMs) + 1);
      this.#endAll(passed * this.#lengthMs);
      this.#ended += passed;
      this.#arm();
    });
  }

  #endAll(lengthMs: number): void {
    for (const target of this.#spans.keys()) this.#end(target, lengthMs);
  }

  #end(target: Target, lengthMs: number): void {
    const span = this.#spans.get(target);
    if (span === undefined) return;
    const at: WallTime = { wallSeconds: 0, wallNanos: 0 };
    this.#wall.stamp(this.#ports.clock.now(), at);
    this.#ports.onWindow({
      ...span.stats.summary(this.#ports.dropped()),
      ...at,
      windowMs: lengthMs,
      handshakes: span.handshakes.distribution(),
    });
    if (this.#left.has(target)) this.#spans.delete(target);
    else this.#spans.set(target, newSpan(target, span.stats));
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
  return { stats: new TargetStats(target, before), handshakes: new Histogram() };
}
