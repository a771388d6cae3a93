/** Which peers are meant: an address or a prefix, with a port or without, or a target as elsewhere. */
import { MAX_PORT } from "../domain/limits.ts";
import { redacted } from "./connection_text.ts";
import { UsageError } from "../domain/exit.ts";
import { literalEndpoint } from "../domain/address.ts";
import { NO_PORT, type Target } from "../domain/target.ts";
import { quote } from "../text/quote.ts";
import { NO_DEFAULTS, parseTargetText, splitName } from "./target_text.ts";

export interface PeerPrefix {
  /** 4 or 16 bytes; an IPv4-mapped address is the IPv4 address. */
  readonly bytes: Uint8Array;
  /** Leading bits that count. */
  readonly bits: number;
  /** Null for every port. */
  readonly port: number | null;
}

/** A name that stands for peers by its addresses. */
export interface PeerName {
  readonly host: string;
  /** Null for every port. */
  readonly port: number | null;
}

/** Peers by address, and those whose addresses are to be looked up. */
export interface Peers {
  readonly prefixes: readonly PeerPrefix[];
  readonly names: readonly PeerName[];
}

export const PEER_PREFIX =
  "ADDR[/LEN][:PORT], such as 10.0.0.5, 10.0.0.0/24:5432 or [2001:db8::/32]:443";
export const PEERS = `${PEER_PREFIX}; a host's name or a URL`;

/** The zone of an IPv6 address: an address is seen on whichever interface it is used. */
const ZONE = /^(\[?[0-9a-f:.]*:[0-9a-f:.]*)%[^\]/:]+/i;
const MAPPED_BITS = 96;

/** Throws UsageError, which begins with `what`. */
export function parsePeerPrefix(text: string, what: string): PeerPrefix {
  const parsed = parse(text);
  if (parsed === null) {
    throw new UsageError(`${what} ${quote(redacted(text))}: wants ${PEER_PREFIX}`);
  }
  return parsed;
}

/**
 * The same, or what a target may be: a name, a service's name for the port, a URL or connection
 * string. Throws UsageError, which begins with `what`.
 */
export function parsePeers(text: string, what: string): Peers {
  const { place } = splitName(text);
  const known = parse(place.replace(ZONE, "$1"));
  if (known !== null) return { prefixes: [known], names: [] };
  const shown = `${what} ${quote(redacted(text))}`;
  // A slash without a scheme marks a prefix, and this one is wrong.
  if (place.includes("/") && !place.includes("://")) {
    throw new UsageError(`${shown}: wants ${PEERS}`);
  }
  const portless = !place.includes(":");
  const prefixes: PeerPrefix[] = [];
  const names: PeerName[] = [];
  for (const target of parseTargetText(text, { ...NO_DEFAULTS, called: what, portless })) {
    if (target.standsFor === "srv") {
      throw new UsageError(`${shown}: an SRV name stands for many ports: wants ${PEERS}`);
    }
    const prefix = prefixOf(target);
    if (prefix === null) names.push({ host: target.host, port: portOf(target) });
    else prefixes.push(prefix);
  }
  return { prefixes, names };
}

/** The one address, with its port; null for a name. Its zone is left out. */
export function peerOf(address: string, port: number | null): PeerPrefix | null {
  return prefix(address.split("%")[0], undefined, port === null ? undefined : String(port));
}

function prefixOf(target: Target): PeerPrefix | null {
  return peerOf(target.host, portOf(target));
}

function portOf({ port }: Target): number | null {
  return port === NO_PORT ? null : port;
}

function parse(text: string): PeerPrefix | null {
  const bracketed = /^\[([^\]/]+)(?:\/(\d{1,3}))?\](?:\/(\d{1,3}))?(?::(\d{1,5}))?$/.exec(text);
  if (bracketed !== null) {
    const [, address, within, behind, port] = bracketed;
    if (within !== undefined && behind !== undefined) return null;
    return prefix(address, within ?? behind, port);
  }
  // Without brackets the colons of IPv6 leave no room for a port.
  const v4 = /^([0-9.]+)(?:\/(\d{1,3}))?(?::(\d{1,5}))?$/.exec(text);
  if (v4 !== null) return prefix(v4[1], v4[2], v4[3]);
  const v6 = /^([0-9a-fA-F:.]+)(?:\/(\d{1,3}))?$/.exec(text);
  return v6 === null ? null : prefix(v6[1], v6[2], undefined);
}

function prefix(
  address: string,
  length: string | undefined,
  portText: string | undefined,
): PeerPrefix | null {
  const endpoint = literalEndpoint(address, 0);
  if (endpoint === null) return null;
  const { bytes } = endpoint;
  const bits = length === undefined ? 8 * bytes.length : Number(length);
  const port = portText === undefined ? null : Number(portText);
  if (bits > 8 * bytes.length || (port !== null && (port === 0 || port > MAX_PORT))) return null;
  if (isMapped(bytes) && bits >= MAPPED_BITS) {
    return { bytes: bytes.slice(12), bits: bits - MAPPED_BITS, port };
  }
  return { bytes, bits, port };
}

/** ::ffff:0:0/96 (RFC 4291, section 2.5.5.2) */
function isMapped(bytes: Uint8Array): boolean {
  return bytes.length === 16 && bytes[10] === 255 && bytes[11] === 255 &&
    bytes.subarray(0, 10).every((byte) => byte === 0);
}
