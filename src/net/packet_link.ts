/**
 * One socket's packets under way: sends each with a mark, maps the kernel's stamps to it, and finds
 * for every answer and every ICMP error the packet that it is about.
 */
import type { IcmpErrorKind } from "../domain/path.ts";
import { NONE } from "../domain/probe_record.ts";
import { SO_EE_ORIGIN_ICMP } from "../kernel/linux.ts";
import type { Message } from "../kernel/message_batch.ts";
import { icmpErrorKind } from "../packet/icmp_kind.ts";
import type { Answer, Exchange, Request } from "./exchange.ts";
import type { Departure } from "./round_trip.ts";
import { StampBook } from "./stamp_book.ts";

/** A packet under way. */
export interface Flight extends Request, Departure {}

/**
 * After so many sends what waits in the socket is read: hundreds of loops may send in one turn of the event
 * loop, and the answers to all of them would not fit.
 */
const SENDS_BETWEEN_READS = 128;

/** What became of packets; a message holds during the call alone. */
export interface LinkEvents<F extends Flight> {
  answered(flight: F, answer: Answer, message: Message): void;
  /** An ICMP error about it. */
  returned(flight: F, kind: IcmpErrorKind, message: Message): void;
  /** An answer that matches no probe: it came twice, or too late, or is somebody else's. */
  unmatched(): void;
}

export class PacketLink<F extends Flight> {
  readonly exchange: Exchange;
  #flights = new Map<number, F>();
  #stamps = new StampBook<F>();
  #answer: Answer = { key: NONE, outcome: "established" };
  #events: LinkEvents<F>;
  #sends = 0;
  #overflowed = 0;
  /** When the count of lost packets last rose. */
  #overflowedMs = -Infinity;
  #taken = (key: number) => this.#flights.has(key);

  /** Watches the exchange's socket from now on. `tooLong`: see PacketEvents. */
  constructor(
    exchange: Exchange,
    events: LinkEvents<F>,
    tooLong: (mtuBytes: number) => void = () => {},
  ) {
    this.exchange = exchange;
    this.#events = events;
    exchange.socket.watch({
      received: (message) => this.#received(message),
      returned: (message) => this.#returned(message),
      left: (ordinal, stampUs) => {
        const flight = this.#stamps.take(ordinal);
        if (flight !== null) flight.leftUs = stampUs;
      },
      tooLong,
    });
  }

  /** A key that no packet under way has; NONE when there is none. */
  nextKey(): number {
    return this.exchange.nextKey(this.#taken);
  }

  /** 0, or the errno; see Exchange. */
  send(flight: F, turn: number): number {
    const errno = this.exchange.send(flight, turn);
    if (errno !== 0) this.#stamps.failed();
    else {
      this.#stamps.sent(flight);
      this.#flights.set(flight.key, flight);
    }
    if (++this.#sends % SENDS_BETWEEN_READS === 0) this.drain();
    return errno;
  }

  /** Reads what waits in the socket. */
  drain(): void {
    this.exchange.socket.drain();
  }

  has(flight: F): boolean {
    return this.#flights.get(flight.key) === flight;
  }

  delete(flight: F): void {
    if (this.has(flight)) this.#flights.delete(flight.key);
  }

  /** Whether answers were lost here since `sentMs`; `nowMs` is the time of the question. */
  overflowedSince(sentMs: number, nowMs: number): boolean {
    const overflowed = this.exchange.socket.overflowed();
    if (overflowed !== this.#overflowed) this.#overflowedMs = nowMs;
    this.#overflowed = overflowed;
    return sentMs <= this.#overflowedMs;
  }

  close(): void {
    this.#flights.clear();
    this.exchange.close();
  }

  #received(message: Message): void {
    const answer = this.#answer;
    if (!this.exchange.read(message, answer)) return;
    const flight = this.#flights.get(answer.key);
    if (flight === undefined || !this.exchange.matches(message, flight)) this.#events.unmatched();
    else this.#events.answered(flight, answer, message);
  }

  #returned(message: Message): void {
    const family = message.origin === SO_EE_ORIGIN_ICMP ? 4 : 6;
    const kind = icmpErrorKind(family, message.type, message.code);
    if (kind === null) return;
    const flight = this.#flights.get(this.exchange.readQuoted(message));
    if (flight === undefined || !this.exchange.matches(message, flight)) return;
    // RFC 5927, section 7.2: this MTU lets the packet pass, so the error is about another one or forged.
    if (kind === "packet too big" && message.info >= flight.sentBytes) return;
    this.#events.returned(flight, kind, message);
  }
}
