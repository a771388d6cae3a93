/** The port between a prober and the packets it sends: all that ping and knock differ in. */
import type { Endpoint } from "../domain/target.ts";
import type { Message } from "../kernel/message_batch.ts";
import type { PacketSocket } from "../kernel/packet_socket.ts";

/** A request on its way, as far as its answer has to match it. */
export interface Request {
  readonly endpoint: Endpoint;
  /** By which answers find it; no other request under way has it. */
  readonly key: number;
  /** What an answer must bring back beside the key; the exchange's own. */
  nonce: number;
}

/** What a packet says of a request. */
export interface Answer {
  key: number;
  outcome: "established" | "refused";
}

export interface Exchange {
  readonly socket: PacketSocket;
  /** How often a request was sent again, for the record: 0, or NONE where there is no such thing. */
  readonly synRetransmits: number;
  /** A key for which `taken` is false, at random or in turn; -1 when there is none. */
  nextKey(taken: (key: number) => boolean): number;
  /** Sends the request, its nonce set, now or not at all: 0, or the errno. `seq` counts the target's. */
  send(request: Request, seq: number): number;
  /** Whether a packet is an answer to a request of this exchange, by its form; fills `out` if so. */
  read(message: Message, out: Answer): boolean;
  /** The key of the request that an ICMP error quotes; -1 for none of this exchange. */
  readQuoted(message: Message): number;
  /** Whether what was read last belongs to this very request. */
  matches(message: Message, request: Request): boolean;
  close(): void;
}
