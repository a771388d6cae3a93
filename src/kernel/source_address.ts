/** Which of this host's IPv4 addresses the routes choose for a target: by connecting a UDP socket, which sends nothing. */
import type { Endpoint } from "../domain/target.ts";
import { openErrno, type ReadErrno } from "./errno.ts";
import { type Calls, openLibc } from "./libc.ts";
import { AF_INET, SOCK_CLOEXEC, SOCK_DGRAM } from "./linux.ts";
import { sockaddr } from "./sockaddr.ts";

const CALLS = ["socket", "connect", "getsockname", "close"] as const;

/** Any port will do, but for 0, which connect(2) refuses on some systems. */
const DISCARD_PORT = 9;

type Libc = Calls<typeof CALLS>;

/** Writes the source into `out` (4 bytes): 0, or the errno. */
export interface SourceAddresses {
  choose(target: Endpoint, out: Uint8Array): number;
}

export class KernelSourceAddresses implements SourceAddresses {
  #libc: Libc;
  #errno: ReadErrno;
  #to = sockaddr({ address: "", family: 4, bytes: new Uint8Array(4), port: DISCARD_PORT });
  #name = new Uint8Array(this.#to.length);
  #size = new Uint32Array(1);

  private constructor(libc: Libc, errno: ReadErrno) {
    this.#libc = libc;
    this.#errno = errno;
  }

  /** Null where there is no libc. */
  static open(): KernelSourceAddresses | null {
    const libc = openLibc(CALLS)?.symbols;
    const errno = openErrno();
    return libc === undefined || errno === null ? null : new KernelSourceAddresses(libc, errno);
  }

  choose(target: Endpoint, out: Uint8Array): number {
    // A fresh socket each time: one that was connected keeps its source address.
    const descriptor = this.#libc.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return this.#errno();
    this.#to.set(target.bytes, 4);
    this.#size[0] = this.#name.length;
    const known = this.#libc.connect(descriptor, this.#to, this.#to.length) === 0 &&
      this.#libc.getsockname(descriptor, this.#name, this.#size) === 0;
    const errno = known ? 0 : this.#errno();
    this.#libc.close(descriptor);
    for (let i = 0; known && i < 4; i++) out[i] = this.#name[4 + i];
    return errno;
  }
}
