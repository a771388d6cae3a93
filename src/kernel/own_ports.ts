/**
 * TCP ports held by sockets that neither connect nor listen: the kernel gives them to nobody else,
 * and answers whatever comes to them with RST, since no connection is theirs.
 */
import { ErrnoError, openErrno } from "./errno.ts";
import { type Calls, openLibc } from "./libc.ts";
import { AF_INET, AF_INET6, IPV6_V6ONLY, SOCK_CLOEXEC, SOCK_STREAM, SOL_IPV6 } from "./linux.ts";
import { portOf, sockaddr } from "./sockaddr.ts";

const CALLS = ["socket", "setsockopt", "bind", "getsockname", "close"] as const;

type Libc = Calls<typeof CALLS>;

/** Ports that are nobody else's until they are closed. */
export interface HeldPorts {
  readonly ports: readonly number[];
  /** Harmless when done twice. */
  close(): void;
}

export class OwnPorts implements HeldPorts {
  /** In the order the kernel chose them: at random from its ephemeral range. */
  readonly ports: readonly number[];
  #libc: Libc;
  #descriptors: readonly number[];

  private constructor(libc: Libc, descriptors: readonly number[]) {
    this.#libc = libc;
    this.#descriptors = descriptors;
    this.ports = descriptors.map((descriptor) => portOf(libc.getsockname, descriptor));
  }

  /**
   * Null where there is no libc; throws ErrnoError when so many cannot be had. `first`: these ports in
   * a row, from this one on; 0 for any.
   */
  static reserve(count: number, first = 0): OwnPorts | null {
    const libc = openLibc(CALLS)?.symbols;
    const errno = openErrno();
    if (libc === undefined || errno === null) return null;
    const descriptors: number[] = [];
    while (descriptors.length < count) {
      const descriptor = reserveOne(libc, first === 0 ? 0 : first + descriptors.length);
      if (descriptor >= 0) descriptors.push(descriptor);
      else {
        const error = new ErrnoError("bind", errno());
        for (const opened of descriptors) libc.close(opened);
        throw error;
      }
    }
    return new OwnPorts(libc, descriptors);
  }

  close(): void {
    for (const descriptor of this.#descriptors) this.#libc.close(descriptor);
    this.#descriptors = [];
  }
}

/** In both families at once where there is IPv6; the descriptor, or -1 with errno set. */
function reserveOne(libc: Libc, port: number): number {
  const descriptor = libc.socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) {
    return reserveIn(libc, libc.socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), 4, port);
  }
  libc.setsockopt(descriptor, SOL_IPV6, IPV6_V6ONLY, new Int32Array([0]), 4);
  return reserveIn(libc, descriptor, 6, port);
}

function reserveIn(libc: Libc, descriptor: number, family: 4 | 6, port: number): number {
  if (descriptor < 0) return -1;
  const bytes = new Uint8Array(family === 4 ? 4 : 16);
  const any = sockaddr({ address: "", family, bytes, port });
  if (libc.bind(descriptor, any, any.length) === 0) return descriptor;
  libc.close(descriptor);
  return -1;
}
