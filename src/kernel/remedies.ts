/** What an administrator does to allow what the kernel refuses, ready to be pasted into a shell. */

/** ICMP echo for everybody (icmp(7)). */
export const ALLOW_PING_SOCKETS = 'sysctl -w net.ipv4.ping_group_range="0 2147483647"';

/** Raw sockets for this executable (capabilities(7)). */
export function allowRawSockets(): string {
  return `setcap cap_net_raw+ep ${ownPath() ?? "/path/to/wire-probe"}`;
}

/** Null where the permissions do not let it be known. */
function ownPath(): string | null {
  try {
    return Deno.execPath();
  } catch {
    return null;
  }
}
