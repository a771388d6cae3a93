/**
 * How short this host is of CPU, memory and IO, as its kernel tells: pressure stall information
 * (Documentation/accounting/psi.rst), time stolen by the hypervisor (proc_stat(5)), and how long the
 * control group was throttled (cpu.stat of cgroup v2, Documentation/admin-guide/cgroup-v2.rst).
 */
import type { HostPressure } from "../domain/host_pressure.ts";
import { roundedShare } from "../text/number.ts";
import type { Clock } from "../time/clock.ts";
import { SystemFiles } from "./system_file.ts";

/** A share of the last ten seconds, in percent, that some task was waiting. */
const SOME_AVG10 = /^some avg10=([0-9.]+)/m;
/** As fine as the kernel's own percentages. */
const DECIMALS = 4;
/** All of the line's ticks; the eighth is steal. */
const CPU_TICKS = /^cpu +([0-9 ]+)$/m;
const STEAL_AT = 7;
/** Guest time is in user time already. */
const TICKS = 8;
const CGROUP_V2 = /^0::(\/.*)$/m;
const THROTTLED_US = /^throttled_usec ([0-9]+)$/m;

/** Counters of the reading before; null where they cannot be had. */
interface Reading {
  readonly atMs: number;
  readonly ticks: number;
  readonly steal: number | null;
  readonly throttledUs: number | null;
}

export class PressureGauge {
  #files: Pick<SystemFiles, "read">;
  #clock: Clock;
  #cpuStat: string;
  #before: Reading;

  /** From these files; the first reading has no counters to be held against. */
  constructor(files: Pick<SystemFiles, "read">, clock: Clock) {
    this.#files = files;
    this.#clock = clock;
    const group = CGROUP_V2.exec(files.read("/proc/self/cgroup") ?? "")?.[1] ?? "/";
    this.#cpuStat = `/sys/fs/cgroup${group === "/" ? "" : group}/cpu.stat`;
    this.#before = this.#reading();
  }

  /** Binds what reading takes, so that permissions may be given up later; null where nothing can be read. */
  static open(clock: Clock): PressureGauge | null {
    const files = SystemFiles.open();
    return files === null ? null : new PressureGauge(files, clock);
  }

  /** As it is now; what is counted is the difference from the reading before. */
  read(): HostPressure {
    const before = this.#before;
    const now = this.#before = this.#reading();
    const ticks = now.ticks - before.ticks;
    const share = (part: number | null, from: number | null, whole: number) =>
      part === null || from === null || whole <= 0
        ? null
        : roundedShare(Math.min(1, Math.max(0, (part - from) / whole)), DECIMALS);
    return {
      cpu: this.#some("cpu"),
      memory: this.#some("memory"),
      io: this.#some("io"),
      steal: share(now.steal, before.steal, ticks),
      throttled: share(now.throttledUs, before.throttledUs, (now.atMs - before.atMs) * 1000),
    };
  }

  #some(resource: "cpu" | "memory" | "io"): number | null {
    const percent = SOME_AVG10.exec(this.#files.read(`/proc/pressure/${resource}`) ?? "")?.[1];
    return percent === undefined
      ? null
      : roundedShare(Math.min(1, Number(percent) / 100), DECIMALS);
  }

  #reading(): Reading {
    const line = CPU_TICKS.exec(this.#files.read("/proc/stat") ?? "")?.[1] ?? "";
    const ticks = line.trim().split(/ +/).slice(0, TICKS).map(Number);
    const throttled = THROTTLED_US.exec(this.#files.read(this.#cpuStat) ?? "")?.[1];
    return {
      atMs: this.#clock.now(),
      ticks: ticks.reduce((sum, count) => sum + count, 0),
      steal: ticks[STEAL_AT] ?? null,
      throttledUs: throttled === undefined ? null : Number(throttled),
    };
  }
}
