/**
 * What the kernel lets this process open, found by trying, and what an administrator does to allow
 * what it refuses.
 */
import { PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_TCP } from "../packet/ip.ts";
import { openLibc } from "./libc.ts";
import {
  AF_INET,
  AF_INET6,
  IP_RECVERR,
  IPV6_RECVERR,
  SO_TIMESTAMPING,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_RAW,
  SOCK_STREAM,
  SOL_IP,
  SOL_IPV6,
  SOL_SOCKET,
} from "./linux.ts";
import { PACKET_STAMPS } from "./packet_options.ts";

const CALLS = ["socket", "setsockopt", "close"] as const;

/** Each is true when such a socket could be had. */
export interface Capabilities {
  readonly pingSocket: boolean;
  readonly pingSocket6: boolean;
  readonly rawSocket: boolean;
  readonly rawSocket6: boolean;
  readonly errorQueue: boolean;
  readonly errorQueue6: boolean;
  /** The kernel's times of packets sent and received, for ping and knock. */
  readonly packetTimes: boolean;
}

/** Tries each in turn; null where there is no libc to ask. */
export function capabilities(): Capabilities | null {
  const library = openLibc(CALLS, "seldom");
  if (library === null) return null;
  const libc = library.symbols;
  const opens = (family: number, type: number, protocol: number) => {
    const descriptor = libc.socket(family, type | SOCK_CLOEXEC, protocol);
    if (descriptor >= 0) libc.close(descriptor);
    return descriptor >= 0;
  };
  const takes = (family: number, type: number, level: number, name: number, value: number) => {
    const descriptor = libc.socket(family, type | SOCK_CLOEXEC, 0);
    const works = libc.setsockopt(descriptor, level, name, new Int32Array([value]), 4) === 0;
    if (descriptor >= 0) libc.close(descriptor);
    return works;
  };
  const found = {
    pingSocket: opens(AF_INET, SOCK_DGRAM, PROTOCOL_ICMP),
    pingSocket6: opens(AF_INET6, SOCK_DGRAM, PROTOCOL_ICMPV6),
    rawSocket: opens(AF_INET, SOCK_RAW, PROTOCOL_TCP),
    rawSocket6: opens(AF_INET6, SOCK_RAW, PROTOCOL_TCP),
    errorQueue: takes(AF_INET, SOCK_STREAM, SOL_IP, IP_RECVERR, 1),
    errorQueue6: takes(AF_INET6, SOCK_STREAM, SOL_IPV6, IPV6_RECVERR, 1),
    packetTimes: takes(AF_INET, SOCK_DGRAM, SOL_SOCKET, SO_TIMESTAMPING, PACKET_STAMPS),
  };
  library.close();
  return found;
}

/** A command for a shell: ICMP echo for everybody (icmp(7)). */
export const ALLOW_PING_SOCKETS = 'sysctl -w net.ipv4.ping_group_range="0 2147483647"';

/** The same: raw sockets for this executable (capabilities(7)). */
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
