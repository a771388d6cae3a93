/** Notices of this machine's limits that a run may reach, each with its remedy. Pure. */
import { hostPort, type Target } from "../domain/target.ts";
import type { CloseKind } from "../net/connector.ts";
import { MAX_LOOKUPS } from "../net/resolver.ts";
import { durationText } from "../text/duration.ts";
import { thousands } from "../text/number.ts";

/**
 * Descriptors kept for everything that is neither a probe nor counted by the caller: the runtime has 14,
 * look-ups of names take up to 30. Of few descriptors, a share.
 */
const SPARE_DESCRIPTORS = 52;
const SPARE_SHARE = 0.8;
/** What the runtime has, with two of our own for DNS queries; a look-up's socket and the file that it reads. */
const RUNTIME_DESCRIPTORS = 16;
const LOOKUP_DESCRIPTORS = 2;
const FEWEST_LOOKUPS = 1;
/** One for a target that answers, whatever the others do. */
const FEWEST_IN_FLIGHT = 2;
/** Probes in flight where the system does not tell its limit, and at most. */
const DEFAULT_IN_FLIGHT = 200;
const MOST_IN_FLIGHT = 50_000;

/**
 * Probes that may be in flight beside so many connections of others (an HTTP server's, exporters'), where a
 * process may have so many descriptors; null where the system does not tell.
 */
export function mostInFlight(descriptors: number | null, others: number): number {
  if (descriptors === null) return DEFAULT_IN_FLIGHT;
  const lookups = mostLookups(descriptors) * LOOKUP_DESCRIPTORS;
  const beside = Math.max(spareOf(descriptors), RUNTIME_DESCRIPTORS + lookups);
  const left = descriptors - beside - others;
  return Math.max(FEWEST_IN_FLIGHT, Math.min(left, MOST_IN_FLIGHT));
}

function spareOf(descriptors: number): number {
  return Math.min(SPARE_DESCRIPTORS, Math.ceil(descriptors * SPARE_SHARE));
}

/** Look-ups of names under way at once, where a process may have so many descriptors. */
export function mostLookups(descriptors: number | null): number {
  const left = spareOf(descriptors ?? Infinity) - RUNTIME_DESCRIPTORS;
  return Math.max(FEWEST_LOOKUPS, Math.min(MAX_LOOKUPS, Math.floor(left / LOOKUP_DESCRIPTORS)));
}

/** How long the side that closes first keeps a connection's ports (TCP_TIMEWAIT_LEN, <net/tcp.h>). */
const TIME_WAIT_S = 60;

export interface Demand {
  readonly targets: readonly Target[];
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Probes back to back in each interval. */
  readonly burst: number;
  readonly close: CloseKind;
}

/** Null where the system does not tell. */
export interface Limits {
  /** Probes that may be in flight at once. */
  readonly maxInFlight: number;
  /** The descriptor limit, where `maxInFlight` comes from it; else null. */
  readonly descriptors: number | null;
  /** Connections of others with such a limit: an HTTP server takes a share. */
  othersOf(descriptors: number): number;
  /** Local ports that the kernel picks from. */
  readonly ports: number | null;
}

/** Probes in flight at once when no target answers. */
export function inFlightAtWorst({ targets, intervalMs, timeoutMs, burst }: Demand): number {
  // A burst has one probe in flight at a time.
  return targets.length * (burst > 1 ? 1 : Math.ceil(timeoutMs / intervalMs));
}

/** A line for each limit that the run may reach; usually none. */
export function limitNotices(demand: Demand, limits: Limits): string[] {
  return [inFlightNotice(demand, limits), portsNotice(demand, limits)]
    .filter((notice) => notice !== null);
}

/** The limit with which so many probes may be in flight. */
function descriptorsFor(inFlight: number, { othersOf }: Limits): number {
  const own = inFlight + SPARE_DESCRIPTORS;
  let wanted = own;
  while (wanted < own + othersOf(wanted)) wanted = own + othersOf(wanted);
  return wanted;
}

function inFlightNotice(demand: Demand, limits: Limits): string | null {
  const { maxInFlight, descriptors } = limits;
  const worst = inFlightAtWorst(demand);
  if (descriptors === null || worst <= maxInFlight) return null;
  const [most, limit] = [thousands(maxInFlight), thousands(descriptors)];
  // More than MOST_IN_FLIGHT no limit allows.
  const raised = descriptorsFor(Math.min(worst, MOST_IN_FLIGHT), limits);
  const why = maxInFlight < MOST_IN_FLIGHT ? ` (descriptor limit ${limit})` : "";
  const remedy = maxInFlight < MOST_IN_FLIGHT ? `'ulimit -n ${raised}', ` : "";
  return `of ${thousands(worst)} probes that could be unanswered at once, ${most} may be ` +
    `under way${why}; the rest would wait, seen as lag and skipped: ${remedy}` +
    "a shorter --timeout or a longer --interval";
}

function portsNotice(demand: Demand, { ports }: Limits): string | null {
  if (ports === null || demand.close === "rst") return null;
  const busiest = busiestDestination(demand.targets);
  const perSecond = busiest.targets * demand.burst * 1000 / demand.intervalMs;
  const wanted = Math.ceil(perSecond * TIME_WAIT_S);
  if (wanted <= ports) return null;
  return `${busiest.name} is closed ${
    thousands(Math.round(perSecond))
  } times a second, and each close ` +
    `can hold a local port for ${durationText(TIME_WAIT_S * 1000)}: ${
      thousands(wanted)
    } ports, of ` +
    `${
      thousands(ports)
    } (net.ipv4.ip_local_port_range): --close rst, a longer --interval, or more addresses`;
}

/** The kernel reuses a local port for another remote address and port, so ports are counted for each. */
function busiestDestination(targets: readonly Target[]): { name: string; targets: number } {
  const counts = new Map<string, number>();
  let busiest = { name: "", targets: 0 };
  for (const { host, port } of targets) {
    const name = hostPort(host, port);
    const seen = (counts.get(name) ?? 0) + 1;
    counts.set(name, seen);
    if (seen > busiest.targets) busiest = { name, targets: seen };
  }
  return busiest;
}
