/** What a played network is: hops, what each does with packets, and the target behind them. Data, no code under test. */
import type { Bytes, Packet } from "./packets.ts";

/** An ICMP error that a router says of a packet instead of passing it on. */
export interface Refusal {
  /** Type and code by family (RFC 792, RFC 4443). */
  readonly says: "network" | "host" | "port" | "prohibited" | "too big";
  /** MTU in a "too big"; 0 names none. */
  readonly mtu?: number;
  readonly when?: (packet: Packet, count: number) => boolean;
}

export interface RouterScene {
  /** Round trip from the prober to here. */
  readonly rttMs?: number;
  /** It says nothing of packets whose hops are used up. */
  readonly silent?: boolean;
  /** So many bytes of the transport header are quoted; all there are without it. */
  readonly quote?: number;
  /** The least between two errors. */
  readonly everyMs?: number;
  /** Of the link behind it. */
  readonly mtu?: number;
  /** What is said of packets larger than that: nothing, an MTU of 0, or `mtu`. */
  readonly says?: "nothing" | "no mtu" | "mtu";
  readonly refuses?: Refusal;
  /** RFC 4884: what stands behind the quote, and how the length of it is given. */
  readonly extensions?: Bytes;
  readonly lengthIn?: "words" | "bytes" | "nothing";
  /** Source address that packets have from here on, in quotes too (a NAT that does not undo them). */
  readonly rewrites?: { readonly v4: string; readonly v6: string };
  /** Its own address; one of the scene's numbering without it. */
  readonly v4?: string;
  readonly v6?: string;
  /** The TTL its errors arrive with. */
  readonly ttl?: number;
}

export interface TargetScene {
  readonly rttMs?: number;
  readonly tcp?: "open" | "refused" | "silent";
  readonly udp?: "port unreachable" | "data" | "silent";
  /** A port of UDP on which somebody listens and says nothing. */
  readonly listens?: number;
  readonly icmp?: "echo" | "silent";
  /** The least between two ICMP messages, for all probers together. */
  readonly everyMs?: number;
  /** Options in its SYN-ACK. */
  readonly options?: readonly number[];
  /** The address that answers, if it is another one (anycast). */
  readonly answersFrom?: { readonly v4: string; readonly v6: string };
  readonly ttl?: number;
  /** Its echoes, segments and datagrams come a second time, so much later. */
  readonly againMs?: number;
  /** Its echoes and segments come with a wrong checksum. */
  readonly spoils?: boolean;
}

/** What routers choose an equal path by. */
export type Hash = "ports" | "label";

export interface Scene {
  /** Several routers in one place are equal paths. */
  readonly hops: readonly (RouterScene | readonly RouterScene[])[];
  readonly hash?: Hash;
  readonly target?: TargetScene;
}

/** The MTU of every interface that a scene does not set. */
export const WIDE = 65_535;
