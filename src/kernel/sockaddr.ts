/** Addresses as the socket calls take them (ip(7), ipv6(7)). */
import type { Endpoint } from "../domain/target.ts";
import { openLibc } from "./libc.ts";
import { AF_INET, AF_INET6 } from "./linux.ts";

// <bits/socket.h>
const SOCKADDR_IN_BYTES = 16;
const SOCKADDR_IN6_BYTES = 28;
/** What holds either. */
export const MAX_SOCKADDR_BYTES = SOCKADDR_IN6_BYTES;

/** The address family of an endpoint. */
export function familyOf(endpoint: Endpoint): number {
  return endpoint.family === 4 ? AF_INET : AF_INET6;
}

/** A sockaddr_in or sockaddr_in6; `scope` is the interface index of a link-local address. */
export function sockaddr(endpoint: Endpoint, scope = 0): Uint8Array<ArrayBuffer> {
  const v4 = endpoint.family === 4;
  const bytes = new Uint8Array(v4 ? SOCKADDR_IN_BYTES : SOCKADDR_IN6_BYTES);
  bytes[0] = familyOf(endpoint);
  bytes[2] = endpoint.port >> 8;
  bytes[3] = endpoint.port & 255;
  bytes.set(endpoint.bytes, v4 ? 4 : 8);
  if (!v4) new DataView(bytes.buffer).setUint32(24, scope, true);
  return bytes;
}

/** The interface index of an endpoint's zone (RFC 4007), by name or number; 0 for none. */
export type ScopeOf = (endpoint: Endpoint) => number;

/** By if_nametoindex(3); null where there is no libc. */
export function openScopes(): ScopeOf | null {
  const libc = openLibc(["if_nametoindex"])?.symbols;
  if (libc === undefined) return null;
  const encoder = new TextEncoder();
  return ({ address }) => {
    const zone = address.split("%")[1];
    if (zone === undefined) return 0;
    const index = libc.if_nametoindex(encoder.encode(`${zone}\0`));
    return index !== 0 ? index : Number(zone) || 0;
  };
}
