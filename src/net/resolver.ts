/** Host names to addresses, by the system's own resolver. */

/** Which addresses are wanted: both families, or one of them. */
export type Family = 0 | 4 | 6;

export interface Resolver {
  /** All addresses in the system's order; rejects when there is none. */
  resolve(host: string, family: Family): Promise<string[]>;
}

/** getaddrinfo(3): the hosts file, the search list and nsswitch included. */
export const systemResolver: Resolver = {
  async resolve(host: string, family: Family): Promise<string[]> {
    // Loaded here, since most runs probe literals and never need it.
    const { lookup } = await import("node:dns/promises");
    try {
      const found = await lookup(host, { all: true, family, order: "verbatim" });
      return [...new Set(found.map((entry) => entry.address))];
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : "";
      throw new Error(code === "ENOTFOUND" ? "name not known" : "resolver failed", {
        cause: error,
      });
    }
  },
};
