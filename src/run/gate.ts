/**
 * The gate owns scarce resources: descriptors, and look-ups of names. Each look-up holds one of the
 * runtime's few blocking threads until the system's resolver returns.
 */
import { SystemError } from "../domain/exit.ts";
import { descriptorLimit } from "../kernel/process.ts";
import type { Lookups } from "../net/lookups.ts";
import { type Resolver, systemResolver } from "../net/resolver.ts";
import { SystemFiles } from "../kernel/system_file.ts";
import { systemClock } from "../time/clock.ts";
import { mostInFlight, mostLookups } from "./limit_notices.ts";
import { outbox } from "./outbox.ts";

export interface Gate {
  /** Names to addresses, for everybody. */
  readonly resolver: Resolver;
  /** Runs a look-up of another kind under the same limit. */
  beside<T>(lookUp: () => Promise<T>): Promise<T>;
  /** The descriptor limit of this process, its hard limit; null where the system does not tell. */
  readonly descriptors: number | null;
  /** Probes that may be in flight beside so many connections of others. */
  mostInFlight(others: number): number;
}

/** With fewer than this the runtime itself fails. */
const FEWEST_DESCRIPTORS = 24;
/** Linux lets no process have more unless it is told to (fs.nr_open, proc(5)). */
const MOST_DESCRIPTORS = 1_048_576;

let opened: Gate | null = null;

/** This process's gate; raises the descriptor limit. Open before FFI is revoked. */
export function openGate(): Gate {
  if (opened !== null) return opened;
  const descriptors = descriptorLimit(MOST_DESCRIPTORS);
  if (descriptors !== null && descriptors < FEWEST_DESCRIPTORS) {
    throw new SystemError(
      `only ${descriptors} descriptors may be open here, ${FEWEST_DESCRIPTORS} are wanted at least: ` +
        `'ulimit -n ${FEWEST_DESCRIPTORS}'`,
    );
  }
  // For the files that look-ups read: their functions are loaded before FFI is revoked.
  SystemFiles.open();
  let lookups: Promise<Lookups> | null = null;
  const names = () => lookups ??= openLookups(descriptors);
  return opened = {
    resolver: { resolve: async (host, family) => (await names()).resolve(host, family) },
    beside: async (lookUp) => (await names()).beside(lookUp),
    descriptors,
    mostInFlight: (others) => mostInFlight(descriptors, others),
  };
}

/** Opened with the first name: most targets are addresses, and to read these modules takes time at start. */
async function openLookups(descriptors: number | null): Promise<Lookups> {
  const { Lookups } = await import("../net/lookups.ts");
  const { openNameQueries } = await import("../net/dns_query.ts");
  return new Lookups({
    clock: systemClock,
    system: systemResolver,
    queries: openNameQueries(),
    detail: (text) => outbox.detail(text),
    most: mostLookups(descriptors),
  });
}
