/** How short a host is of CPU, memory and IO: shares of time, and from which share on it is short. */

/** Shares of the last ten seconds, 0 to 1; null where the kernel does not tell. */
export interface HostPressure {
  /** Some task waited for a CPU, for memory, for IO (PSI, `some`). */
  readonly cpu: number | null;
  readonly memory: number | null;
  readonly io: number | null;
  /** CPU time that the hypervisor gave to others. */
  readonly steal: number | null;
  /** Time that the control group was not allowed to run. */
  readonly throttled: number | null;
}

export type Resource = keyof HostPressure;

export interface ResourceWords {
  /** The words of a sentence before the share of time. */
  readonly short: string;
  /** The help text of its metric. */
  readonly help: string;
  /** From this share of the time on, a host is short of it. */
  readonly share: number;
}

export const RESOURCES: Readonly<Record<Resource, ResourceWords>> = {
  cpu: {
    short: "tasks wait for a CPU",
    help: "Share of the last ten seconds in which some task of this host waited for a CPU.",
    share: 0.4,
  },
  memory: {
    short: "tasks wait for memory",
    help: "Share of the last ten seconds in which some task of this host waited for memory.",
    share: 0.1,
  },
  io: {
    short: "tasks wait for IO",
    help: "Share of the last ten seconds in which some task of this host waited for IO.",
    share: 0.4,
  },
  steal: {
    short: "the hypervisor gives the CPU to others",
    help: "Share of this host's CPU time that its hypervisor gave to others.",
    share: 0.1,
  },
  throttled: {
    short: "the control group is throttled",
    help: "Share of the time in which this control group was not allowed to run.",
    share: 0.1,
  },
};
export const RESOURCE_NAMES = Object.keys(RESOURCES) as Resource[];

/** What a host is short of. */
export function shortOf(pressure: HostPressure | null): Resource[] {
  return RESOURCE_NAMES.filter((name) => (pressure?.[name] ?? 0) >= RESOURCES[name].share);
}

/** The shares under their names in lines of windows, such as `host_cpu_ratio`. */
export function pressureFields(
  pressure: HostPressure | null,
): (readonly [name: string, share: number | null])[] {
  return RESOURCE_NAMES.map((name) => [`host_${name}_ratio`, pressure?.[name] ?? null] as const);
}
