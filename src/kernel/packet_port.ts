/** The port through which packets of our own making are sent, and what comes of them is told. */
import type { Endpoint } from "../domain/target.ts";
import type { Message } from "./message_batch.ts";

/** `ping`: the unprivileged kind (SOCK_DGRAM). */
export type PacketKind = "ping" | "raw-echo" | "raw-tcp" | "udp";

export interface PacketSocketOptions {
  readonly kind: PacketKind;
  readonly family: 4 | 6;
  /** Of what is sent; null for the system's default. Not where packets bring their IPv4 header. */
  readonly ttl: number | null;
  /** Null for what the routes say; its port counts for UDP alone. */
  readonly source: Endpoint | null;
  /** TOS or traffic class; null for the system's default. */
  readonly tos?: number | null;
  /** The interface that everything goes through; null for what the routes say. */
  readonly interfaceName?: string | null;
  /**
   * For packets that are to die on their way: never fragmented, path MTUs that are known ignored,
   * extensions of ICMP errors and the TTL of answers told; a raw IPv4 socket is given whole packets.
   */
  readonly tracing?: boolean;
}

/** What a socket reports. A message is valid only during the call. */
export interface PacketEvents {
  /** A packet has come. */
  received(message: Message): void;
  /** One of our packets, or the head of it, has come back in an ICMP error. */
  returned(message: Message): void;
  /** The kernel's time of the packet that was sent as number `ordinal`, from 0. */
  left(ordinal: number, stampUs: number): void;
  /** This machine itself says that a packet is longer than its link takes. */
  tooLong?(mtuBytes: number): void;
}

/** The port through which probers send. */
export interface PacketSocket {
  readonly family: 4 | 6;
  /** The socket's port; 0 for raw sockets. For a ping socket it is the id of its echo requests. */
  readonly id: number;
  /** Sends the first `length` bytes now or not at all: 0, or the errno. */
  send(bytes: Uint8Array<ArrayBuffer>, length: number, to: Endpoint, flowLabel?: number): number;
  /** TTL or hop limit of what is sent from now on. */
  setHops(hops: number): void;
  /** The interface that packets leave by from now on; 0 for what the routes say. */
  setInterface(index: number): void;
  /** Tells `events` of everything that waits, and from now on of what comes, until `close`. */
  watch(events: PacketEvents): void;
  /** Reports what waits now; without this call, only the next turn would. */
  drain(): void;
  /** The same for times of sent packets and ICMP errors alone. */
  drainErrors(): void;
  /** Packets that came and were lost for want of room, since this process did not read in time. */
  overflowed(): number;
  /**
   * Lets through only what a program of socket_filter.ts accepts, and throws away what came before;
   * throws ErrnoError.
   */
  filter(program: Uint8Array<ArrayBuffer>): void;
  close(): void;
}
