/** Zones of link-local addresses as the kernel numbers them (RFC 4007, if_nametoindex(3)). */
import type { Endpoint } from "../domain/target.ts";
import { openLibc } from "./libc.ts";

const LIBC_SYMBOLS = {
  if_nametoindex: { parameters: ["buffer"], result: "u32" },
} as const;

/** The interface index of an endpoint's zone, by name or number; 0 for none. */
export type ScopeOf = (endpoint: Endpoint) => number;

/** Null where there is no libc. */
export function openScopes(): ScopeOf | null {
  const libc = openLibc(LIBC_SYMBOLS)?.symbols;
  if (libc === undefined) return null;
  const encoder = new TextEncoder();
  return ({ address }) => {
    const zone = address.split("%")[1];
    if (zone === undefined) return 0;
    const index = libc.if_nametoindex(encoder.encode(`${zone}\0`));
    return index !== 0 ? index : Number(zone) || 0;
  };
}
