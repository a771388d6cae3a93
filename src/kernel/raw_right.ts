/**
 * Gives up the right to open raw sockets (CAP_NET_RAW, capabilities(7)), where this process has it. Those
 * that are open go on working.
 *
 * A capability is a thread's, and capset(2) changes the calling thread's alone: the one that runs this
 * program and makes all of its calls. The runtime's own threads were there before and keep theirs. To take
 * it from them as well would want a filter of all system calls (seccomp(2) with TSYNC), which would cost each
 * call of every probe some 0.1 µs; those threads run nothing of this program but waits that it gives them.
 */
import { type Calls, openLibc } from "./libc.ts";
import { AF_INET, SO_BINDTODEVICE, SOCK_CLOEXEC, SOCK_DGRAM, SOL_SOCKET } from "./linux.ts";

const CALLS = ["capget", "capset"] as const;
const BIND_CALLS = ["socket", "setsockopt", "close"] as const;

/** struct __user_cap_header_struct and two of __user_cap_data_struct (capget(2)), in words. */
const CAPABILITY_VERSION_3 = 0x20080522;
const CAPABILITY_WORDS = 6;
/** Of the first 32 capabilities: where the sets stand among the words. */
const [EFFECTIVE, PERMITTED, INHERITABLE] = [0, 1, 2] as const;
/** <linux/capability.h> */
const CAP_NET_RAW = 1 << 13;

/**
 * `device`: the interface that sockets will still be bound to, or null. Before Linux 5.7 binding to one
 * wants this right (SO_BINDTODEVICE, socket(7)): there it is kept.
 */
export function giveUpRawSockets(device: string | null): void {
  const libc = openLibc(CALLS, "seldom")?.symbols;
  if (libc === undefined) return;
  const header = Uint32Array.of(CAPABILITY_VERSION_3, 0);
  const sets = new Uint32Array(CAPABILITY_WORDS);
  if (libc.capget(header, sets) !== 0 || (sets[PERMITTED] & CAP_NET_RAW) === 0) return;
  if (device !== null && !bindsWithout(libc, header, sets, device)) return;
  for (const set of [EFFECTIVE, PERMITTED, INHERITABLE]) sets[set] &= ~CAP_NET_RAW;
  libc.capset(header, sets);
}

/** Tries whether a socket can be bound to an interface without the right, which is effective again after it. */
function bindsWithout(
  libc: Calls<typeof CALLS>,
  header: Uint32Array<ArrayBuffer>,
  sets: Uint32Array<ArrayBuffer>,
  device: string,
): boolean {
  const without = sets.slice();
  without[EFFECTIVE] &= ~CAP_NET_RAW;
  if (libc.capset(header, without) !== 0) return false;
  const binds = canBindTo(device);
  libc.capset(header, sets);
  return binds;
}

function canBindTo(device: string): boolean {
  const libc = openLibc(BIND_CALLS, "seldom")?.symbols;
  const descriptor = libc?.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) ?? -1;
  if (libc === undefined || descriptor < 0) return false;
  const name = new TextEncoder().encode(`${device}\0`);
  const bound = libc.setsockopt(descriptor, SOL_SOCKET, SO_BINDTODEVICE, name, name.length) === 0;
  libc.close(descriptor);
  return bound;
}
