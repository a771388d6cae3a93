/** Root's rights for tests that need them, as far as this machine gives them. */
import { run } from "./command.ts";

/** What such tests do first, and an ordinary user may not. */
const TRIAL = ["sh", "-c", "test -w /dev/net/tun && ip link add type veth"];

/**
 * The words before a command that make it root, null when there are none to be had. None are needed
 * by root itself; else it is a user namespace of its own, with network and mounts, or, where
 * everything is to be run, sudo, if that asks for nothing.
 */
export async function rootPrefix(complete: boolean): Promise<readonly string[] | null> {
  if (Deno.uid() === 0) return [];
  const sudo = ["sudo", "-n", "--preserve-env", `PATH=${Deno.env.get("PATH")}`];
  // `ip netns` keeps its names below /run, which is not ours to write outside; and a new network has
  // its loopback down.
  const script = 'mount -t tmpfs tmpfs /run && ip link set lo up && exec "$@"';
  const namespaces = ["--user", "--map-root-user", "--mount", "--net"];
  const unshare = ["unshare", ...namespaces, "sh", "-c", script, "sh"];
  if (await works([...unshare, ...TRIAL])) return unshare;
  return complete && await works([...sudo, "test", "-w", "/dev/net/tun"]) ? sudo : null;
}

async function works(words: readonly string[]): Promise<boolean> {
  return await run(words).then(({ success }) => success, () => false);
}
