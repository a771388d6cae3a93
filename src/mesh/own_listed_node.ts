/** Which of the nodes that a name lists this machine is; one that is not listed yet finds its own place. */
import { addressText, literalEndpoint } from "../domain/address.ts";
import { UsageError } from "../domain/exit.ts";
import type { NodeEntry } from "../input/nodes_file.ts";
import type { NodesPlace } from "../input/nodes_place.ts";
import type { Resolver } from "../net/resolver.ts";
import { type Machine, ownNode } from "./own_node.ts";

export interface OwnListing {
  readonly place: NodesPlace & { readonly kind: "dns" | "srv" };
  readonly httpPort: number;
  readonly machine: Machine;
  readonly resolver: Resolver;
}

/**
 * By `--name`, by address or by the host's name. A node that a name does not list yet, as one that is not
 * ready, is at its only address. Throws UsageError, its one line with the names there are.
 */
export async function ownListedNode(
  listed: readonly NodeEntry[],
  { place, httpPort, machine, resolver }: OwnListing,
): Promise<NodeEntry> {
  if (place.kind === "srv") return await memberOf(listed, place, machine, resolver);
  const { node, addresses } = machine;
  const own = node ?? onlyAddress(listed, addresses);
  const literal = own === null ? null : literalEndpoint(own, place.port);
  const isListed = listed.some(({ target }) => target.name === own) ||
    node === null && listed.some(({ target }) => isOwn(target.host, addresses));
  if (isListed || literal === null) return ownNode(listed, machine, place.text);
  const { address } = literal;
  const target = { name: address, host: address, port: place.port, az: "", labels: [] };
  return { target, httpPort };
}

/** Members are names: finds the one that has an address of this machine. */
async function memberOf(
  listed: readonly NodeEntry[],
  { text }: NodesPlace,
  machine: Machine,
  resolver: Resolver,
): Promise<NodeEntry> {
  try {
    return ownNode(listed, machine, text);
  } catch (error) {
    if (!(error instanceof UsageError) || machine.node !== null) throw error;
    const found = await Promise.all(listed.map(async (entry) => {
      const addresses = await resolver.resolve(entry.target.host, 0).catch(() => []);
      return addresses.some((address) => isOwn(address, machine.addresses)) ? [entry] : [];
    }));
    const [entry, ...more] = found.flat();
    if (entry === undefined || more.length > 0) throw error;
    return entry;
  }
}

/** The machine's one address of the nodes' family that others may reach; null for none, or several. */
function onlyAddress(listed: readonly NodeEntry[], own: readonly Uint8Array[]): string | null {
  const families = new Set(
    listed.map(({ target }) => literalEndpoint(target.host, 1)?.bytes.length),
  );
  const fits = own.filter((bytes) =>
    !isLocal(bytes) && (families.size === 0 || families.has(bytes.length))
  );
  return fits.length === 1 ? addressText(fits[0]) : null;
}

/** Loopback (RFC 1122 3.2.1.3, RFC 4291 2.5.3) and link-local (RFC 3927, RFC 4291 2.5.6). */
function isLocal(bytes: Uint8Array): boolean {
  if (bytes.length === 4) return bytes[0] === 127 || (bytes[0] === 169 && bytes[1] === 254);
  const linkLocal = bytes[0] === 0xfe && (bytes[1] & 0xc0) === 0x80;
  return linkLocal || (bytes.subarray(0, 15).every((byte) => byte === 0) && bytes[15] === 1);
}

function isOwn(address: string, own: readonly Uint8Array[]): boolean {
  const bytes = literalEndpoint(address, 1)?.bytes;
  return bytes !== undefined &&
    own.some((one) => one.length === bytes.length && one.every((byte, i) => byte === bytes[i]));
}
