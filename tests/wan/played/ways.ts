/** The ways in which a scene is traced, and what every scene of traces needs. */
import { allowPing, beside, type Way, WAYS } from "./lab.ts";
import { type Captured, PlayedNetwork } from "./network.ts";
import { ICMP, ICMP6, type Packet, RST, TCP, UDP } from "./packets.ts";
import type { RouterScene, Scene } from "./scene.ts";

/** The bound on the probes of one flow that meet a target which answers in time. */
const MAX_AT_TARGET = 16;

/**
 * The same where the network may have been late. Hops whose answers are late are passed by, and asked again once
 * farther ones have shown the end, though they may be the target's.
 */
export function mostAtTarget({ wasLate }: PlayedNetwork): number {
  return wasLate ? 2 * MAX_AT_TARGET : MAX_AT_TARGET;
}

export const NOBODY_UDP: readonly Way[] = (["v4", "v6"] as const).map((family) => ({
  user: "nobody",
  protocol: "udp",
  family,
}));
export const IPV4: readonly Way[] = WAYS.filter(({ family }) => family === "v4");
export const ROOT_TCP: readonly Way[] = (["v4", "v6"] as const).map((family) => ({
  user: "root",
  protocol: "tcp",
  family,
}));

/** Routers at 2, 4, 6 … ms, each with what is said of all or of one of them. */
export function routers(
  count: number,
  each: RouterScene = {},
  at = 0,
  one: RouterScene = {},
): RouterScene[] {
  return Array.from({ length: count }, (_, i): RouterScene => ({
    rttMs: 2 * (i + 1),
    ...each,
    ...(i + 1 === at ? one : {}),
  }));
}

/**
 * Probes among what the network saw: no resets, nothing of the handshake with a silent end, and no SYN that
 * the kernel has sent again for a process that was not scheduled when it was to keep it back.
 */
export function probesAtTarget(captured: readonly Captured[], protocol: Way["protocol"]): number {
  const met = metTarget(captured, protocol);
  return protocol === "tcp" ? new Set(met.map(({ packet }) => synOf(packet))).size : met.length;
}

/** Packets of probes that met the target, those that were sent again too. */
export function metTarget(
  captured: readonly Captured[],
  protocol: Way["protocol"],
): readonly Captured[] {
  const numbers = { tcp: [TCP], udp: [UDP], icmp: [ICMP, ICMP6] }[protocol];
  return captured.filter(({ packet, reached }) => {
    if (reached !== "target" || !numbers.includes(packet.protocol)) return false;
    return packet.protocol !== TCP || (packet.transport[13] & RST) === 0 && packet.ttl < 64 - 1;
  });
}

/** A SYN's ends and its sequence number: the same when it is sent again. */
function synOf({ source, destination, transport }: Packet): string {
  return [...source, ...destination, ...transport.slice(0, 8)].join(" ");
}

/** Checks a scene in several ways at a time, each in a network of its own. */
export async function inEveryWay(
  scene: Scene,
  check: (network: PlayedNetwork, way: Way) => Promise<void>,
  ways: readonly Way[] = WAYS,
): Promise<void> {
  await beside(ways, async (way) => {
    await using network = await PlayedNetwork.open(scene);
    await allowPing(network);
    await check(network, way);
  });
}
