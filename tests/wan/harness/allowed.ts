/** Says whether this machine can build the test network, and if not, what it lacks. */
import { existsSync } from "node:fs";
import { isOnPath } from "../../../scripts/gate/command.ts";

/** Null where the tests may run, else the reason why not, as words for "skipped: …". */
export function wanAllowed(): string | null {
  if (Deno.build.os !== "linux") return "network namespaces are Linux only";
  if (Deno.uid() !== 0) return "not root";
  for (const command of ["ip", "setpriv"]) {
    if (!isOnPath(command)) return `no ${command} command (Debian: iproute2, util-linux)`;
  }
  if (!existsSync("/dev/net/tun")) return "no /dev/net/tun (modprobe tun)";
  const name = `wp${Deno.pid}-${crypto.randomUUID().slice(0, 8)}-try`;
  const added = ip("netns", "add", name);
  if (!added.success) {
    const reason = new TextDecoder().decode(added.stderr).trim().split("\n")[0];
    return `cannot make a network namespace: ${reason}`;
  }
  ip("netns", "del", name);
  return null;
}

function ip(...args: string[]): Deno.CommandOutput {
  return new Deno.Command("ip", { args, stdout: "null", stderr: "piped" }).outputSync();
}
