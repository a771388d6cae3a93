/**
 * The targets of a run: those of the command line and of the targets file, with members in the place
 * of names that stand for several.
 */
import { UsageError } from "../domain/exit.ts";
import { sameSeries, seriesKey, type Target } from "../domain/target.ts";
import { loadTargets } from "../input/targets_file.ts";
import { type KnownMembers, type MemberPorts, systemMembers, withMembers } from "./members.ts";
import type { RunOptions } from "./options.ts";
import { say } from "./outbox.ts";

/** What names the targets. */
export type TargetOptions =
  & Pick<RunOptions, "targets" | "targetsFile" | "defaults">
  & { readonly schedule: Pick<RunOptions["schedule"], "family"> };

/** Throws where some output cannot represent the targets. */
type CheckTargets = (targets: readonly Target[]) => void;

export class RunTargets {
  /** What is probed now. */
  current: readonly Target[] = [];
  #options: TargetOptions;
  #ports: MemberPorts;
  /** As they were given, before members took the place of their names. */
  #given: readonly Target[] = [];
  #known: KnownMembers = new Map();

  private constructor(options: TargetOptions, ports: MemberPorts) {
    this.#options = options;
    this.#ports = ports;
  }

  /** Reads the targets file, where there is one, and looks members up; throws as `read` does. */
  static async open(options: TargetOptions, ports = systemMembers(say)): Promise<RunTargets> {
    const targets = new RunTargets(options, ports);
    await targets.read();
    return targets;
  }

  /**
   * Reads the targets file again. Throws UsageError or SystemError where it is wrong, names a target that
   * the command line names too, or has one that `check` throws at; then the targets stay as they were.
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
    const now = await this.#withMembers(given);
    check(now);
    this.#given = given;
    this.current = now;
    const kept = new Set(given);
    for (const name of this.#known.keys()) if (!kept.has(name)) this.#known.delete(name);
  }

  /** Looks members up again; whether they have changed. Throws what `check` throws at the new ones. */
  async follow(check: CheckTargets = () => {}): Promise<boolean> {
    if (!this.#given.some(({ standsFor }) => standsFor !== undefined)) return false;
    const before = this.current;
    const now = await this.#withMembers(this.#given);
    if (now.length === before.length && now.every((target, i) => target === before[i])) {
      return false;
    }
    check(now);
    this.current = now;
    return true;
  }

  #withMembers(given: readonly Target[]): Promise<Target[]> {
    return withMembers(given, this.#options.schedule.family, this.#known, this.#ports);
  }
}
