/** The options of a packet socket: setsockopt(2), as ip(7), ipv6(7) and socket(7) have them. */
import { TCP_CHECKSUM_AT } from "../packet/tcp.ts";
import { ErrnoError, type ReadErrno } from "./errno.ts";
import type { Calls } from "./libc.ts";
import {
  IP_HDRINCL,
  IP_MTU_DISCOVER,
  IP_RECVERR,
  IP_RECVERR_RFC4884,
  IP_RECVTTL,
  IP_TOS,
  IP_TTL,
  IP_UNICAST_IF,
  IPV6_CHECKSUM,
  IPV6_FLOWINFO_SEND,
  IPV6_MTU_DISCOVER,
  IPV6_RECVERR,
  IPV6_RECVERR_RFC4884,
  IPV6_RECVHOPLIMIT,
  IPV6_TCLASS,
  IPV6_UNICAST_HOPS,
  IPV6_UNICAST_IF,
  PMTUDISC_PROBE,
  SO_BINDTODEVICE,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_TIMESTAMPING,
  SOF_TIMESTAMPING_OPT_ID,
  SOF_TIMESTAMPING_OPT_TSONLY,
  SOF_TIMESTAMPING_RX_SOFTWARE,
  SOF_TIMESTAMPING_SOFTWARE,
  SOF_TIMESTAMPING_TX_SOFTWARE,
  SOL_IP,
  SOL_IPV6,
  SOL_SOCKET,
} from "./linux.ts";
import type { PacketSocketOptions } from "./packet_port.ts";

/**
 * Software stamps of packets as they go to the driver and come from it. Those of sent ones are
 * numbered from 0 and come without the packet.
 */
export const PACKET_STAMPS = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE |
  SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_ID | SOF_TIMESTAMPING_OPT_TSONLY;
/** Room for the answers of thousands of targets while this process is not scheduled. */
const RECEIVE_BUFFER_BYTES = 4 << 20;

/** Sets the options of one socket. */
export class PacketOptions {
  #libc: Calls<readonly ["setsockopt"]>;
  #errno: ReadErrno;
  #descriptor: number;
  #number = new Int32Array(1);

  constructor(libc: Calls<readonly ["setsockopt"]>, errno: ReadErrno, descriptor: number) {
    this.#libc = libc;
    this.#errno = errno;
    this.#descriptor = descriptor;
  }

  /** What all packet sockets have, and what this one was asked for. */
  configure(options: PacketSocketOptions): void {
    const { kind, family, ttl, interfaceName = null, tracing = false } = options;
    const four = family === 4;
    if (four) this.setNumber(SOL_IP, IP_RECVERR, 1, "IP_RECVERR");
    else this.setNumber(SOL_IPV6, IPV6_RECVERR, 1, "IPV6_RECVERR");
    this.setNumber(SOL_SOCKET, SO_TIMESTAMPING, PACKET_STAMPS, "SO_TIMESTAMPING");
    const isOwnHeader = kind === "raw-tcp" || kind === "raw-echo" && tracing;
    if (isOwnHeader && four) this.setNumber(SOL_IP, IP_HDRINCL, 1, "IP_HDRINCL");
    else if (kind === "raw-tcp") {
      this.setNumber(SOL_IPV6, IPV6_CHECKSUM, TCP_CHECKSUM_AT, "IPV6_CHECKSUM");
    }
    if (ttl !== null) this.hops(family, ttl);
    if (!four) this.try(SOL_IPV6, IPV6_FLOWINFO_SEND, 1);
    this.#setPath(four, options.tos ?? null, interfaceName);
    if (tracing) this.#configureTracing(four);
    if (kind === "udp") return;
    // Beyond the system's limit with CAP_NET_ADMIN only, else as much as that limit gives.
    if (!this.try(SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES)) {
      this.try(SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER_BYTES);
    }
  }

  #setPath(four: boolean, tos: number | null, interfaceName: string | null): void {
    if (tos !== null && four) this.setNumber(SOL_IP, IP_TOS, tos, "IP_TOS");
    else if (tos !== null) this.setNumber(SOL_IPV6, IPV6_TCLASS, tos, "IPV6_TCLASS");
    if (interfaceName === null) return;
    const name = new TextEncoder().encode(`${interfaceName}\0`);
    this.set(SOL_SOCKET, SO_BINDTODEVICE, name, "SO_BINDTODEVICE");
  }

  #configureTracing(four: boolean): void {
    const [level, discover, extensions, ttl] = four
      ? [SOL_IP, IP_MTU_DISCOVER, IP_RECVERR_RFC4884, IP_RECVTTL]
      : [SOL_IPV6, IPV6_MTU_DISCOVER, IPV6_RECVERR_RFC4884, IPV6_RECVHOPLIMIT];
    this.try(level, discover, PMTUDISC_PROBE);
    // Kernels before 5.9 do not know it: then extensions are looked for where they may lie.
    this.try(level, extensions, 1);
    this.try(level, ttl, 1);
  }

  /** The hops that packets may take. */
  hops(family: 4 | 6, hops: number): void {
    if (family === 4) this.setNumber(SOL_IP, IP_TTL, hops, "IP_TTL");
    else this.setNumber(SOL_IPV6, IPV6_UNICAST_HOPS, hops, "IPV6_UNICAST_HOPS");
  }

  /** The interface that packets to one host leave by; 0 for the routing table's. */
  unicastInterface(family: 4 | 6, index: number): void {
    // In network byte order (ip(7)).
    new DataView(this.#number.buffer).setInt32(0, index, false);
    const [level, option] = family === 4 ? [SOL_IP, IP_UNICAST_IF] : [SOL_IPV6, IPV6_UNICAST_IF];
    this.set(level, option, this.#number, "IP_UNICAST_IF");
  }

  /** Throws ErrnoError where the kernel refuses; `call` names the option. */
  setNumber(level: number, name: number, value: number, call: string): void {
    this.#number[0] = value;
    this.set(level, name, this.#number, call);
  }

  /** Whether the kernel has taken it. */
  try(level: number, name: number, value: number): boolean {
    this.#number[0] = value;
    return this.#libc.setsockopt(this.#descriptor, level, name, this.#number, 4) === 0;
  }

  /** As `setNumber`, for an option that is no number. */
  set(level: number, name: number, value: BufferSource, call: string): void {
    if (this.#libc.setsockopt(this.#descriptor, level, name, value, value.byteLength) !== 0) {
      throw new ErrnoError(call, this.#errno());
    }
  }
}
