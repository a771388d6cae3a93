/**
 * The targets of a run: those of the command line and of the targets file, with members in the place
 * of names that stand for several.
 */
import { UsageError } from "../domain/exit.ts";
import { sameSeries, seriesKey, type Target, targetKey } from "../domain/target.ts";
import { loadTargets } from "../input/targets_file.ts";
import { type Family, type Resolver, resolveSrv } from "../net/resolver.ts";
import { type Cancel, type Clock, systemClock } from "../time/clock.ts";
import { type KnownMembers, lookUpMembers, type MemberPorts, withMembers } from "./members.ts";
import type { RunOptions } from "./options.ts";
import { say } from "./outbox.ts";

/** What names the targets. */
export type TargetOptions =
  & Pick<RunOptions, "targets" | "targetsFile" | "defaults">
  & { readonly schedule: Pick<RunOptions["schedule"], "family"> };

export interface RunTargetsPorts extends MemberPorts {
  readonly clock: Clock;
}

/** Names by this resolver, SRV names by DNS. */
export function memberPorts(resolver: Resolver): RunTargetsPorts {
  return { resolver, srv: resolveSrv, say, clock: systemClock };
}

/** Throws where some output cannot represent the targets. */
type CheckTargets = (targets: readonly Target[]) => void;

/** How long the first look-ups of members may delay the targets that are known, in ms. */
const PATIENCE_MS = 500;

export class RunTargets implements Resolver {
  /** What is probed now. */
  current: readonly Target[] = [];
  #options: TargetOptions;
  #ports: RunTargetsPorts;
  /** As they were given, before members took the place of their names. */
  #given: readonly Target[] = [];
  #known: KnownMembers = new Map();
  /** By host, the first look-ups of members that are still under way. */
  #late = new Map<string, Promise<void>>();
  /** Members were found late and have not been taken yet. */
  #isFound = false;
  #onFound: (() => void) | null = null;

  private constructor(options: TargetOptions, ports: RunTargetsPorts) {
    this.#options = options;
    this.#ports = ports;
  }

  /** Reads the targets file, where there is one, and looks members up; throws as `read` does. */
  static async open(options: TargetOptions, ports: RunTargetsPorts): Promise<RunTargets> {
    const targets = new RunTargets(options, ports);
    await targets.read();
    return targets;
  }

  /**
   * Reads the targets file again. Throws UsageError or SystemError where it is wrong, names a target that
   * the command line names too, or has one that `check` throws at; then the targets stay as they were.
   * Look-ups of members that take long are not waited for: `onFound` tells of what they find.
   */
  async read(check: CheckTargets = () => {}): Promise<void> {
    const { targets, targetsFile, defaults } = this.#options;
    const fromFile = targetsFile === null ? [] : await loadTargets(targetsFile, defaults);
    const all = new Map(targets.map((target) => [seriesKey(target), target]));
    for (const target of fromFile) {
      const key = seriesKey(target);
      const earlier = all.get(key);
      if (earlier !== undefined) {
        throw new UsageError(`${targetsFile}: ${sameSeries(earlier, target)}`);
      }
      all.set(key, target);
    }
    const given = [...all.values()];
    this.#keepKnown(given);
    await this.#lookUpFirst(given);
    const now = withMembers(given, this.#known);
    check(now);
    this.#given = given;
    this.current = now;
    const kept = new Set(given);
    for (const name of this.#known.keys()) if (!kept.has(name)) this.#known.delete(name);
  }

  /** Looks members up again; whether they have changed. Throws what `check` throws at the new ones. */
  async follow(check: CheckTargets = () => {}): Promise<boolean> {
    await this.#lookUp(this.#given);
    return this.takeFound(check);
  }

  /** Puts members found since in the place of their names; the rest is as in `follow`. */
  takeFound(check: CheckTargets = () => {}): boolean {
    this.#isFound = false;
    const before = this.current;
    const now = withMembers(this.#given, this.#known);
    if (now.length === before.length && now.every((target, i) => target === before[i])) {
      return false;
    }
    check(now);
    this.current = now;
    return true;
  }

  /** Whether members were found late that `takeFound` has not taken. */
  get found(): boolean {
    return this.#isFound;
  }

  /** Calls back when members are found late, at once where some were. */
  set onFound(callback: () => void) {
    this.#onFound = callback;
    if (this.#isFound) callback();
  }

  /** A name whose members are looked up is no target of its own before that has failed. */
  async resolve(host: string, family: Family): Promise<string[]> {
    await this.#late.get(host);
    return await this.#ports.resolver.resolve(host, family);
  }

  /** A name keeps the members that it had before the file was read again. */
  #keepKnown(given: readonly Target[]): void {
    const before = new Map([...this.#known].map(([name, members]) => [targetKey(name), members]));
    for (const target of given) {
      const members = target.standsFor === undefined ? undefined : before.get(targetKey(target));
      if (members !== undefined) this.#known.set(target, members);
    }
  }

  #lookUp(given: readonly Target[], onLookedUp?: (target: Target) => void): Promise<void> {
    const { family } = this.#options.schedule;
    return lookUpMembers(given, family, this.#known, this.#ports, onLookedUp);
  }

  /** Looks members up until all are known, or PATIENCE_MS from when there is something to probe. */
  async #lookUpFirst(given: readonly Target[]): Promise<void> {
    const { clock } = this.#ports;
    const fresh = given.filter((target) => !this.#known.has(target));
    const several = fresh.filter(({ standsFor }) => standsFor !== undefined);
    if (several.length === 0) return;
    const ended = new Map(several.map((target) => [target, Promise.withResolvers<void>()]));
    for (const [{ host }, { promise }] of ended) this.#late.set(host, promise);
    let late = false;
    await new Promise<void>((resolve) => {
      let cancel: Cancel | null = null;
      const limit = () => cancel ??= clock.wakeAt(clock.now() + PATIENCE_MS, resolve);
      if (several.length < given.length) limit();
      this.#lookUp(several, (target) => {
        this.#late.delete(target.host);
        if (this.#known.has(target)) {
          limit();
          if (late) this.#tellFound();
        }
        ended.get(target)?.resolve();
      }).then(() => {
        cancel?.();
        resolve();
      });
    });
    late = true;
  }

  #tellFound(): void {
    this.#isFound = true;
    this.#onFound?.();
  }
}
