/** What the tests and the link's process say to one another: one JSON object a line, each request answered once. */

/** Rules for one direction. What is left out stays as it is. */
export interface Rules {
  /** One-way delay of every packet, in microseconds. */
  delayUs?: number;
  /** Delay of TCP in place of `delayUs`; null takes it back. */
  tcpDelayUs?: number | null;
  /** Delay of ICMP and ICMPv6 in place of `delayUs`; null takes it back. */
  icmpDelayUs?: number | null;
  /** Longer delays: of a share (0..1) of the SYNs, and of the ICMP packets; which ones is drawn. */
  tcpSpikeShare?: number;
  icmpSpikeShare?: number;
  /** Every nth SYN (without ACK) is held longer too, counted from this setting; 0 is none. */
  spikeSynEvery?: number;
  /** How much longer those are held. */
  spikeUs?: number;
  /** A SYN that comes this long after the TCP packet before it is held so much longer; 0 is none. */
  coldAfterUs?: number;
  coldDelayUs?: number;
  /** Which packets get lost. */
  drop?: "none" | "all" | "tcp" | "udp" | "icmp";
  /** Every nth packet is dropped, counted from this setting; 0 is none. */
  dropEvery?: number;
  /** Every nth SYN (without ACK) is dropped, counted from this setting; 0 is none. */
  dropSynEvery?: number;
  /** Which SYNs (1 is the first after this setting) are dropped. */
  dropSyns?: number[];
  /** Unreachable, time exceeded and their like are dropped. */
  dropIcmpErrors?: boolean;
  /** ICMP errors a second that pass, by a token bucket that holds one token; null is no limit. */
  icmpErrorsPerSecond?: number | null;
  /** The two rules above touch only errors sent from these addresses; empty is any. At most `ERROR_SOURCES_MAX`. */
  icmpErrorSources?: string[];
}

export const ERROR_SOURCES_MAX = 8;
export const DROP_SYNS_MAX = 256;

/** What one direction has seen. `packets` = `forwarded` + `dropped` + `overflowed` + `unwritten` + those on their way. */
export interface Counters {
  packets: number;
  bytes: number;
  forwarded: number;
  /** By a rule. */
  dropped: number;
  /** For want of a free slot: the numbers of such a run are worth nothing. */
  overflowed: number;
  /** Refused by the device at the far end. */
  unwritten: number;
  tcp: number;
  udp: number;
  syns: number;
  synsDropped: number;
  synAcks: number;
  fins: number;
  rsts: number;
  icmpErrors: number;
  icmpErrorsDropped: number;
  /** Packets that left more than 50 µs after they were due: this machine stood still. */
  late: number;
  /** The longest that a packet left after its due time, in microseconds. */
  maxLateUs: number;
  /** Packets by ICMP type number. */
  icmp: Record<string, number>;
  icmp6: Record<string, number>;
}

export interface Side {
  namespace: string;
  device: string;
}

export type Command =
  | { do: "link"; a: Side; b: Side }
  | { do: "set"; link: number; direction: number; rules: Rules }
  | { do: "counters"; link: number }
  | { do: "capture"; link: number; packets: number }
  | { do: "dump"; link: number; path: string }
  /** Forgets all links, their devices and what is on its way. */
  | { do: "reset" };

export type Request = Command & { id: number };

export type Reply = { id: number; value: unknown } | { id: number; error: string };

/** The first line of the link's process. */
export interface Hello {
  realtime: boolean;
}

/** Answer to `dump`: how to read the file. */
export interface DumpInfo {
  /** Packets ever seen; the file's ring holds the last ones. */
  total: number;
  capacity: number;
  /** Wall clock at the link's time zero, in microseconds since 1970. */
  epochUs: number;
}
