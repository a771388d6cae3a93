/** Follows the path to one target: turns each finished round into what monitoring is told of it. */
import type { PathRound, TraceProtocol } from "../domain/path.ts";
import { WallAnchor } from "../time/wall_anchor.ts";
import type { Clock } from "../time/clock.ts";
import { KnownPath } from "./known_path.ts";
import type { LoggedRound } from "./round_log.ts";

/** The target of the path. */
export interface WatchedTarget {
  /** Its name in monitoring. */
  readonly target: string;
  readonly address: string;
  /** Null for ICMP. */
  readonly port: number | null;
  readonly protocol: TraceProtocol;
}

export class PathWatch {
  #about: WatchedTarget;
  #known: KnownPath;
  #anchor: WallAnchor;

  /** `isFixed`: see KnownPath. */
  constructor(about: WatchedTarget, isFixed: boolean, clock: Clock) {
    this.#about = about;
    this.#known = new KnownPath(isFixed);
    this.#anchor = new WallAnchor(clock);
  }

  /** Rounds are given in the order in which they began. */
  round({ startMs, isWhole, probes, notSent, ends }: LoggedRound): PathRound {
    const known = this.#known;
    const change = isWhole ? known.add({ probes, ends }) : null;
    const at = { wallSeconds: 0, wallNanos: 0 };
    this.#anchor.stamp(startMs, at);
    return {
      ...at,
      ...this.#about,
      isWhole,
      probes,
      notSent,
      path: known.hash(),
      change,
      changes: known.changes,
    };
  }
}
