/** Static routes for a whole test network: fewest hops, all of them where several paths are equal. */

import type { Host, Port } from "./host.ts";
import { system } from "./process.ts";

/** From one host to its neighbour. */
interface Hop {
  via: Port;
  from: Port;
}

/** Writes into every host a route to each pair's networks that is not its own, and lets hosts with several ports forward. */
export async function routeAll(hosts: Host[], pairs: [Port, Port][]): Promise<void> {
  const hops = new Map<Host, Hop[]>(hosts.map((host) => [host, []]));
  for (const [a, b] of pairs) {
    hops.get(a.host)?.push({ from: a, via: b });
    hops.get(b.host)?.push({ from: b, via: a });
  }
  const distances = new Map(hosts.map((host) => [host, distancesTo(host, hops)]));
  await Promise.all(hosts.map(async (host) => {
    const lines = pairs.flatMap((pair) => routesTo(pair, host, hops.get(host) ?? [], distances));
    await system("ip", ["-n", host.namespace, "-batch", "-"], lines.join("\n") + "\n");
    if (host.ports.length > 1) await host.forward(true);
  }));
}

/** Hops from every host to `end`, breadth first. */
function distancesTo(end: Host, hops: Map<Host, Hop[]>): Map<Host, number> {
  const distances = new Map([[end, 0]]);
  for (const [host, distance] of distances) {
    for (const { via } of hops.get(host) ?? []) {
      if (!distances.has(via.host)) distances.set(via.host, distance + 1);
    }
  }
  return distances;
}

/** The lines for `ip -batch` that lead from `host` to the pair's two networks. */
function routesTo(
  pair: [Port, Port],
  host: Host,
  hops: Hop[],
  distances: Map<Host, Map<Host, number>>,
): string[] {
  if (pair.some((port) => port.host === host)) return [];
  const length = (from: Host) =>
    Math.min(...pair.map((port) => distances.get(from)?.get(port.host) ?? Infinity));
  const best = hops.filter(({ via }) => length(via.host) < length(host));
  if (best.length === 0) return [];
  const line = (family: "v4" | "v6", network: string) => {
    const ways = best.map(({ via, from }) => `nexthop via ${via[family]} dev ${from.device}`);
    // `ip` tells the family by the addresses; in a batch it takes no option for it.
    return `route add ${network} ${ways.join(" ")}`;
  };
  return [
    line("v4", pair[0].v4.replace(/\.\d+$/, ".0/24")),
    line("v6", pair[0].v6.replace(/::[^:]*$/, "::/64")),
  ];
}
