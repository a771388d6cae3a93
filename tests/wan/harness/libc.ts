/** The libc calls the test link is made of, with the numbers of their headers. x86-64 and aarch64 Linux share them all. */

export const libc = Deno.dlopen("libc.so.6", {
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
  ppoll: { parameters: ["buffer", "u32", "buffer", "pointer"], result: "i32" },
  read: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  write: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  open: { parameters: ["buffer", "i32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
  setns: { parameters: ["i32", "i32"], result: "i32" },
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  recvmsg: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  socketpair: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  sched_setscheduler: { parameters: ["i32", "i32", "buffer"], result: "i32" },
  setrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  mlockall: { parameters: ["i32"], result: "i32" },
  _exit: { parameters: ["i32"], result: "void" },
  prctl: { parameters: ["i32", "u64", "u64", "u64", "u64"], result: "i32" },
}).symbols;

// time.h
export const CLOCK_REALTIME = 0;
export const CLOCK_MONOTONIC = 1;

// poll.h; `struct pollfd` is i32 fd, i16 events, i16 revents
export const POLLIN = 0x1;
export const POLLFD_BYTES = 8;

// asm-generic/fcntl.h
export const O_RDONLY = 0;
export const O_WRONLY = 0o1;
export const O_RDWR = 0o2;
export const O_CREAT = 0o100;
export const O_TRUNC = 0o1000;
export const O_NONBLOCK = 0o4000;
export const O_CLOEXEC = 0o2000000;

// sys/socket.h
const AF_UNIX = 1;
const AF_INET = 2;
const SOCK_DGRAM = 2;

// linux/sched.h
const CLONE_NEWNET = 0x40000000;
const SCHED_FIFO = 1;

// asm-generic/mman.h and asm-generic/resource.h
const MCL_CURRENT = 1;
const MCL_FUTURE = 2;
const MCL_ONFAULT = 4;
const RLIMIT_RTTIME = 15;

// linux/prctl.h
const PR_SET_TIMERSLACK = 29;

/** A NUL-terminated copy of `text`, as C takes its strings. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array([...new TextEncoder().encode(text), 0]);
}

/** Calls `work` with the thread inside the network namespace `namespace`; what it opens there stays there. */
export function inNamespace<T>(namespace: string, work: () => T): T {
  const home = libc.open(cString("/proc/thread-self/ns/net"), O_RDONLY | O_CLOEXEC, 0);
  const there = libc.open(cString(`/run/netns/${namespace}`), O_RDONLY | O_CLOEXEC, 0);
  try {
    if (there < 0 || libc.setns(there, CLONE_NEWNET) !== 0) {
      throw new Error(`cannot enter namespace ${namespace}`);
    }
    return work();
  } finally {
    libc.setns(home, CLONE_NEWNET);
    libc.close(home);
    libc.close(there);
  }
}

/** Two connected, non-blocking datagram sockets. */
export function socketPair(): [number, number] {
  const fds = new Int32Array(2);
  if (libc.socketpair(AF_UNIX, SOCK_DGRAM | O_NONBLOCK | O_CLOEXEC, 0, fds) !== 0) {
    throw new Error("cannot make a socket pair");
  }
  return [fds[0], fds[1]];
}

/** Two non-blocking UDP sockets on 127.0.0.1; what is written to the second can be read from the first. */
export function loopbackPair(): [number, number] {
  const [receiver, sender] = [0, 1].map(() =>
    libc.socket(AF_INET, SOCK_DGRAM | O_NONBLOCK | O_CLOEXEC, 0)
  );
  const address = new Uint8Array([AF_INET, 0, 0, 0, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
  libc.bind(receiver, address, address.length);
  libc.getsockname(receiver, address, new Uint32Array([address.length]));
  libc.connect(sender, address, address.length);
  return [receiver, sender];
}

/**
 * Puts the calling thread before all normal ones and its memory beyond eviction. `priority` is 1 to 99; a thread that
 * runs `limitUs` of CPU without ever blocking is killed by the kernel, so that a fault here cannot hold a core.
 * @returns whether the kernel allowed it
 */
export function becomeRealtime(priority: number, limitUs: number): boolean {
  libc.mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
  libc.prctl(PR_SET_TIMERSLACK, 1n, 0n, 0n, 0n);
  libc.setrlimit(RLIMIT_RTTIME, new Uint32Array([limitUs, 0, limitUs, 0]));
  return libc.sched_setscheduler(0, SCHED_FIFO, new Int32Array([priority])) === 0;
}
