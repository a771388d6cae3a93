/** The nodes of a mesh as the place that lists them has them now: a file, a name's addresses, SRV members. */
import { literalEndpoint } from "../domain/address.ts";
import { SystemError, UsageError } from "../domain/exit.ts";
import { MAX_NODES } from "../domain/mesh_row.ts";
import { DEFAULT_AZ, hostPort, type Label } from "../domain/target.ts";
import { loadNodes, type NodeEntry } from "../input/nodes_file.ts";
import type { NodesPlace } from "../input/nodes_place.ts";
import type { Resolver, SrvMember } from "../net/resolver.ts";
import { messageOf } from "../text/quote.ts";

export interface ListingPorts {
  readonly resolver: Resolver;
  srv(name: string): Promise<SrvMember[]>;
}

/** A node that a name lists: its zone and labels are told by its row. */
const UNKNOWN: { readonly az: string; readonly labels: readonly Label[] } = {
  az: DEFAULT_AZ,
  labels: [],
};

/** Throws UsageError for a file or a list that cannot be used, SystemError where nothing can be had. */
export async function listedNodes(
  place: NodesPlace,
  httpPort: number,
  { resolver, srv }: ListingPorts,
): Promise<NodeEntry[]> {
  switch (place.kind) {
    case "file":
      return await loadNodes(place.text, httpPort);
    case "dns": {
      const addresses = await found(place, () => resolver.resolve(place.host, 0));
      return entriesOf(
        place,
        oneFamily(addresses).map((host) => [host, host, place.port]),
        httpPort,
      );
    }
    case "srv": {
      const members = await found(place, () => srv(place.host));
      const hosts = members.map(({ host }) => host);
      const named = members.map(({ host, port }) => {
        const alone = hosts.indexOf(host) === hosts.lastIndexOf(host);
        return [alone ? host : hostPort(host, port), host, port] as const;
      });
      return entriesOf(place, named, httpPort);
    }
    default:
      return place satisfies never;
  }
}

async function found<T>({ text }: NodesPlace, lookUp: () => Promise<T>): Promise<T> {
  try {
    return await lookUp();
  } catch (error) {
    throw new SystemError(`--nodes ${text}: ${messageOf(error)}`, { cause: error });
  }
}

/** A node with an address of each family would be two: those of IPv4 count, where there are any. */
function oneFamily(addresses: readonly string[]): readonly string[] {
  const four = addresses.filter((address) => literalEndpoint(address, 1)?.family === 4);
  return four.length > 0 ? four : addresses;
}

function entriesOf(
  { text }: NodesPlace,
  named: readonly (readonly [name: string, host: string, port: number])[],
  httpPort: number,
): NodeEntry[] {
  const nodes = new Map(named.map(([name, host, port]) => [
    name,
    { target: { name, host, port, ...UNKNOWN }, httpPort },
  ]));
  if (nodes.size > MAX_NODES) throw new UsageError(`--nodes ${text}: more than ${MAX_NODES} nodes`);
  return [...nodes].sort(([a], [b]) => a < b ? -1 : 1).map(([, entry]) => entry);
}
