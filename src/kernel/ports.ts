/** The local ports from which the kernel picks for connections that name none. */
import { sysctl } from "./process.ts";

/** How many there are, or null where nobody tells (ip_local_port_range, ip-sysctl). */
export function ephemeralPorts(): number | null {
  const [first, last] = (sysctl("net.ipv4.ip_local_port_range") ?? []).map(Number);
  return Number.isInteger(first) && Number.isInteger(last) ? last - first + 1 : null;
}
