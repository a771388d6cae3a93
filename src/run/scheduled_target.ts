/** A target on the schedule: its addresses, its next slot, its counters; and a probe that was sent to it. */
import { blankRecord, type ProbeRecord } from "../domain/probe_record.ts";
import type { PendingProbe } from "../net/prober.ts";
import type { Endpoint, Target } from "../domain/target.ts";
import { literalEndpoint } from "../domain/address.ts";
import type { Family, Resolver } from "../net/resolver.ts";
import type { Cancel } from "../time/clock.ts";
import { skippedSlots } from "../time/schedule.ts";
import { TargetStats } from "../stats/target_stats.ts";

/** Addresses kept of one name; further ones are ignored. */
const MAX_ADDRESSES = 64;
/** A target is silent after so many losses in a row. */
const SILENT_AFTER = 3;
/** One for all targets without a timer: a function each would take memory. */
const NO_TIMER: Cancel = () => {};

export class ScheduledTarget {
  readonly target: Target;
  /** What the target names by an IP literal; null for a host's name. */
  readonly #literal: Endpoint | null;
  /**
   * When slot 0 is due, on the monotonic clock. Not a whole number: the engine would lay the objects of ten
   * thousand targets out anew when they get their times, in 20 ms.
   */
  startMs = NaN;
  /** The first slot not yet sent or skipped, and when it is due. */
  slot = 0;
  dueMs = NaN;
  /** Probes sent so far; the next one's seq is one more. */
  sent = 0;
  /** Probes whose fate is not known yet. */
  inFlight = 0;
  /** Losses in a row up to now; before the first answer as many as make it silent, or more. */
  losses = SILENT_AFTER;
  /** Its due probe waits for a place. */
  waits = false;
  /** A reload removed it. Probes in flight still count. */
  removed = false;
  /** Failures in a row on the address in use. */
  failures = 0;
  resolving = false;
  /** The first look-up of its name has ended, well or not. */
  lookedUp = false;
  /** Look-ups that failed in a row, and when the next one may be. */
  lookUpFailures = 0;
  lookUpMs = -Infinity;
  lookUpTimer = NO_TIMER;
  /** Why the name has no address; empty when it has one. */
  unresolvedReason = "not resolved yet";
  #endpoints: readonly Endpoint[] = [];
  #at = 0;
  #cold = true;
  #stats: TargetStats | null = null;

  constructor(target: Target) {
    this.target = target;
    this.#literal = literalEndpoint(target.host, target.port);
  }

  /** Made on first use: some commands keep figures of their own. */
  get stats(): TargetStats {
    if (this.#stats === null) {
      this.#stats = new TargetStats(this.target);
      this.#stats.address = this.endpoint?.address ?? "";
    }
    return this.#stats;
  }

  /** How many addresses are known. */
  get addresses(): number {
    return this.#endpoints.length;
  }

  get isLiteral(): boolean {
    return this.#literal !== null;
  }

  /** No further look-up is wanted. */
  cancelLookUp(): void {
    this.lookUpTimer();
  }

  /** The address in use; undefined while the name does not resolve. */
  get endpoint(): Endpoint | undefined {
    return this.#endpoints[this.#at];
  }

  /** Its next probe will hardly be answered; a single loss says little of that. */
  get silent(): boolean {
    return this.losses >= SILENT_AFTER;
  }

  /** Its next probe may stay in flight for long: no answer so far, or not to the last one. */
  get slow(): boolean {
    return this.endpoint !== undefined && (this.inFlight > 0 || this.silent);
  }

  /** True once after start and after each change of address. */
  takeCold(): boolean {
    const cold = this.#cold;
    this.#cold = false;
    return cold;
  }

  /**
   * Takes the address of a literal of the family at once; false where a look-up has to tell. Of
   * thousands of literals, a promise each would be most of what a start takes.
   */
  takeLiteral(family: Family): boolean {
    const literal = this.#literal;
    if (literal === null || family !== 0 && literal.family !== family) return false;
    this.adopt([literal], false);
    this.unresolvedReason = "";
    return true;
  }

  /** Shifts all of its schedule; where it is queued, all that are queued have to be shifted alike. */
  postpone(ms: number): void {
    this.startMs += ms;
    this.dueMs += ms;
  }

  /** Leaves the slots behind that went by unsent; returns how many. */
  takeMissed(intervalMs: number, nowMs: number): number {
    const missed = skippedSlots(this.startMs, intervalMs, this.slot, nowMs);
    this.slot += missed;
    return missed;
  }

  /** Looks the host up; a literal needs no resolver. */
  async lookUp(resolver: Resolver, family: Family): Promise<Endpoint[]> {
    const { host, port } = this.target;
    const literal = this.#literal;
    if (literal !== null) {
      if (family === 0 || literal.family === family) return [literal];
      throw new Error(`not an IPv${family} address`);
    }
    const found = (await resolver.resolve(host, family)).slice(0, MAX_ADDRESSES)
      .map((address) => literalEndpoint(address, port))
      .filter((endpoint) => endpoint !== null);
    if (found.length === 0) throw new Error("no address");
    return found;
  }

  /**
   * Takes a fresh list of addresses. `advance`: the one in use has failed, so the one after it
   * (in the new order) is next; else it stays as long as it is still listed. Returns the address
   * left behind when another one is now in use, null when nothing changed.
   */
  adopt(fresh: readonly Endpoint[], advance: boolean): Endpoint | null {
    const current = this.endpoint;
    const at = fresh.findIndex((endpoint) => endpoint.address === current?.address);
    this.#endpoints = fresh;
    this.#at = at < 0 ? 0 : advance ? (at + 1) % fresh.length : at;
    this.failures = 0;
    if (this.#stats !== null) this.#stats.address = this.endpoint?.address ?? "";
    if (current === undefined || this.endpoint?.address === current.address) return null;
    this.#cold = true;
    return current;
  }

  /** Moves on to the next known address. */
  advance(): Endpoint | null {
    return this.adopt(this.#endpoints, true);
  }
}

/** A probe that was sent, until its fate is known; used again afterwards. */
export class SentProbe implements PendingProbe {
  readonly record: ProbeRecord = blankRecord();
  entry!: ScheduledTarget;
  /** Counted among those in flight that targets which answer late or never may have. */
  slow = false;
  /** How many of its burst are still to be sent. */
  left = 0;
  #settled: (probe: SentProbe) => void;

  constructor(settled: (probe: SentProbe) => void) {
    this.#settled = settled;
  }

  settled(): void {
    this.#settled(this);
  }
}
