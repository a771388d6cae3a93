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
export function sockaddr(endpoint: Endpoint, scope = 0, flowLabel = 0): Uint8Array<ArrayBuffer> {
  const address = sockaddrBytes(endpoint.family === 4 ? SOCKADDR_IN_BYTES : SOCKADDR_IN6_BYTES);
  writeSockaddr(address, endpoint, scope);
  if (endpoint.family === 6) address.view.setUint32(4, flowLabel, false);
  return address.bytes;
}

/** Memory for an address. */
export interface SockaddrBytes {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
}

export function sockaddrBytes(size: number): SockaddrBytes {
  const bytes = new Uint8Array(size);
  return { bytes, view: new DataView(bytes.buffer) };
}

/** Writes an address over another one and makes no object; returns its length. */
export function writeSockaddr(
  { bytes, view }: SockaddrBytes,
  endpoint: Endpoint,
  scope: number,
): number {
  const v4 = endpoint.family === 4;
  const at = v4 ? 4 : 8;
  bytes[0] = familyOf(endpoint);
  bytes[2] = endpoint.port >> 8;
  bytes[3] = endpoint.port & 255;
  for (let i = 0; i < endpoint.bytes.length; i++) bytes[at + i] = endpoint.bytes[i];
  if (v4) return SOCKADDR_IN_BYTES;
  // The flow label, which an IPv4 address may have been written over.
  view.setUint32(4, 0, true);
  view.setUint32(24, scope, true);
  return SOCKADDR_IN6_BYTES;
}

/** getsockname(2). */
type GetSocketName = (
  descriptor: number,
  name: Uint8Array<ArrayBuffer>,
  size: Uint32Array<ArrayBuffer>,
) => number;

/** The port that a socket is bound to. */
export function portOf(getsockname: GetSocketName, descriptor: number): number {
  const name = new Uint8Array(MAX_SOCKADDR_BYTES);
  getsockname(descriptor, name, new Uint32Array([name.length]));
  return name[2] << 8 | name[3];
}

/** The interface index of an endpoint's zone (RFC 4007), by name or number; 0 for none. */
export type ScopeOf = (endpoint: Endpoint) => number;

/** By if_nametoindex(3); null where there is no libc. */
export function openScopes(): ScopeOf | null {
  const libc = openLibc(["if_nametoindex"], "seldom")?.symbols;
  if (libc === undefined) return null;
  const encoder = new TextEncoder();
  return ({ address }) => {
    const at = address.indexOf("%");
    if (at < 0) return 0;
    const zone = address.slice(at + 1);
    const index = libc.if_nametoindex(encoder.encode(`${zone}\0`));
    return index !== 0 ? index : Number(zone) || 0;
  };
}

/** An interface's index; 0 for no name, and for one that no interface has. */
export function interfaceIndex(scopeOf: ScopeOf, name: string | null): number {
  if (name === null) return 0;
  return scopeOf({ address: `%${name}`, family: 6, bytes: new Uint8Array(16), port: 0 });
}
