/** The port between packets that are sent and what they mean: all that ping, knock and trace differ in. */
import type { Endpoint } from "../domain/target.ts";
import type { Message } from "../kernel/message_batch.ts";
import type { PacketSocket } from "../kernel/packet_port.ts";

/** A request on its way, as far as its answer has to match it. */
export interface Request {
  readonly endpoint: Endpoint;
  /** By which answers find it; no other request under way has it. */
  readonly key: number;
  /** What an answer must bring back beside the key; the exchange's own. */
  nonce: number;
  /** TTL or hop limit; 0 for the system's default. */
  readonly hops: number;
  /** Length of the whole IP packet that is wanted; 0 for the exchange's own. */
  readonly wantedBytes: number;
  /** Length of the whole IP packet that was sent. */
  sentBytes: number;
}

/** What a packet says of a request. */
export interface Answer {
  key: number;
  outcome: "established" | "refused";
}

/** Where an ICMP error quotes our packet, after `readQuoted`. */
export interface Quoted {
  /** The source address in the quoted IP header; -1 where that header is not there. */
  sourceAt: number;
  /** How much of the quoted packet the kernel has cut off before what it gives. */
  cutBytes: number;
}

export interface Exchange {
  readonly socket: PacketSocket;
  /** How often a request was sent again, for the record: 0, or NONE where there is no such thing. */
  readonly synRetransmits: number;
  readonly quoted: Quoted;
  /** A key for which `taken` is false, at random or in turn; -1 when there is none. */
  nextKey(taken: (key: number) => boolean): number;
  /**
   * Sends the request, its nonce and length set, now or not at all: 0, or the errno. `turn` chooses
   * among the flows that the exchange has.
   */
  send(request: Request, turn: number): number;
  /** Whether a packet is an answer to a request of this exchange, by its form; fills `out` if so. */
  read(message: Message, out: Answer): boolean;
  /** The key of the request that an ICMP error quotes; -1 for none of this exchange. */
  readQuoted(message: Message): number;
  /** Whether what was read last belongs to this very request. */
  matches(message: Message, request: Request): boolean;
  close(): void;
}

const DRAWN = 256;
const numbers = new Uint32Array(DRAWN);
let at = DRAWN;

/** 32 random bits that nobody can guess, drawn many at a time: what an exchange marks its packets with. */
export function random32(): number {
  if (at === DRAWN) {
    crypto.getRandomValues(numbers);
    at = 0;
  }
  return numbers[at++];
}
