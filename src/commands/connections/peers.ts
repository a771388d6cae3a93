/** The peers that are asked for by name: their addresses, looked up once at the start. */
import type { ConnectionFilter, PeerFilter } from "../../connections/grouping.ts";
import { type PeerName, peerOf } from "../../input/peer_prefix.ts";
import type { Resolver } from "../../net/resolver.ts";
import { openGate } from "../../run/gate.ts";
import { say } from "../../run/outbox.ts";
import { messageOf } from "../../text/quote.ts";
import type { ConnectionsOptions } from "./options.ts";

/**
 * The filter with the addresses of all names. Null where a name has none, which is then said: the
 * report would show fewer connections than were asked for.
 */
export async function wholeFilter(
  { filter, peerNames }: Pick<ConnectionsOptions, "filter" | "peerNames">,
): Promise<ConnectionFilter | null> {
  if (peerNames.length === 0) return filter;
  const { resolver } = openGate();
  try {
    const found = await Promise.all(peerNames.map((name) => addressesOf(name, resolver)));
    return { ...filter, peers: [...filter.peers ?? [], ...found.flat()] };
  } catch (error) {
    say(messageOf(error));
    return null;
  }
}

async function addressesOf({ host, port }: PeerName, resolver: Resolver): Promise<PeerFilter[]> {
  const addresses = await resolver.resolve(host, 0).catch((error) => {
    throw new Error(`cannot resolve ${host}: ${messageOf(error)}`, { cause: error });
  });
  return addresses.flatMap((address) => peerOf(address, port) ?? []);
}
