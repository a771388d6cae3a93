/** Host names to addresses, by the system's own resolver. */

import { unmapped } from "../domain/address.ts";

/** Which addresses are wanted: both families, or one of them. */
export type Family = 0 | 4 | 6;

/** Look-ups under way at once: the runtime has 32 blocking threads, which others need too. */
export const MAX_LOOKUPS = 8;

/** What looks host names up. */
export interface Resolver {
  /** All addresses in the system's order; rejects when there is none. */
  resolve(host: string, family: Family): Promise<string[]>;
}

/** A member of an SRV name (RFC 2782). */
export interface SrvMember {
  readonly host: string;
  readonly port: number;
}

/** A server that takes longer has failed, in ms. */
const SRV_DEADLINE_MS = 5000;

/** All members of an SRV name, by DNS; rejects when there is none. */
export async function resolveSrv(name: string): Promise<SrvMember[]> {
  try {
    const found = await Deno.resolveDns(name, "SRV", {
      signal: AbortSignal.timeout(SRV_DEADLINE_MS),
    });
    return found.map(({ target, port }) => ({ host: target.replace(/\.$/, ""), port }));
  } catch (error) {
    throw new Error(srvReason(error), { cause: error });
  }
}

function srvReason(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "no such SRV name";
  const isLate = error instanceof DOMException && error.name === "TimeoutError";
  return isLate ? `no name server answers within ${SRV_DEADLINE_MS / 1000} s` : "resolver failed";
}

/** getaddrinfo(3): the hosts file, the search list and nsswitch included. */
export const systemResolver: Resolver = {
  async resolve(host: string, family: Family): Promise<string[]> {
    // Loaded here, since most runs probe literals and never need it.
    const { lookup } = await import("node:dns/promises");
    try {
      const found = await lookup(host, { all: true, family, order: "verbatim" });
      return [...new Set(found.map((entry) => unmapped(entry.address)))];
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : "";
      throw new Error(code === "ENOTFOUND" ? "name not known" : "resolver failed", {
        cause: error,
      });
    }
  },
};
