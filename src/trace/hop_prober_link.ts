/**
 * Hops by ICMP echo, or by SYNs of our own making: through one socket for all targets of a family
 * (of ping sockets, one a flow), the same exchanges that ping and knock use.
 */
import { NONE } from "../domain/probe_record.ts";
import type { Endpoint } from "../domain/target.ts";
import { ErrnoError } from "../kernel/errno.ts";
import { ERRNO } from "../kernel/linux.ts";
import type { Message } from "../kernel/message_batch.ts";
import { type Flight, PacketLink } from "../net/packet_link.ts";
import type { RouteBook } from "../net/route_book.ts";
import { wallOffset } from "../net/round_trip.ts";
import { EchoExchange } from "../net/echo_exchange.ts";
import { SynExchange } from "../net/syn_exchange.ts";
import type { Clock } from "../time/clock.ts";
import { endAnswer, icmpAnswer, roundTrip } from "./hop_answer.ts";
import type { Concurrency, HopAnswer, HopProbe, HopProber } from "./hop_prober.ts";

/** Longer than any link takes. */
const TOO_LONG_BYTES = 65_535;

interface HopFlight extends Flight {
  readonly onAnswer: (answer: HopAnswer) => void;
}

export class LinkHopProber implements HopProber {
  readonly concurrency: Concurrency;
  readonly flow = "fixed";
  readonly leastBytes: number;
  #clock: Clock;
  #links: readonly PacketLink<HopFlight>[];
  #routes: RouteBook;
  #unsteerable: string;
  #tooLongMtu = 0;

  /**
   * Exchanges of which each is a flow, or one that has all flows itself. `unsteerable` is said where
   * the routes have several next hops that packets of our own cannot be sent to.
   */
  constructor(
    clock: Clock,
    exchanges: readonly (EchoExchange | SynExchange)[],
    routes: RouteBook,
    leastBytes: number,
    unsteerable: string,
  ) {
    this.#clock = clock;
    this.concurrency = exchanges.some((of) => of instanceof SynExchange) ? "not-at-the-end" : "any";
    this.#routes = routes;
    this.leastBytes = leastBytes;
    this.#unsteerable = unsteerable;
    this.#links = exchanges.map((exchange) =>
      new PacketLink<HopFlight>(exchange, {
        answered: (flight, { outcome }, message) => {
          const trip = roundTrip(flight, message.stampUs, clock);
          const { endpoint, onAnswer } = flight;
          if (exchange instanceof EchoExchange) {
            return onAnswer(endAnswer(endpoint, "echo reply", trip, message.ttl));
          }
          const isOpen = outcome === "established";
          const facts = isOpen ? exchange.facts(message) : null;
          onAnswer(endAnswer(endpoint, isOpen ? "open" : "refused", trip, message.ttl, facts));
        },
        returned: (flight, kind, message) => this.#returned(exchange, flight, kind, message),
        unmatched: () => {},
      }, (mtuBytes) => this.#tooLongMtu = mtuBytes)
    );
  }

  linkMtu(target: Endpoint): number {
    const probe = { target, hops: 1, flow: 0, sizeBytes: TOO_LONG_BYTES };
    this.#tooLongMtu = 0;
    try {
      this.send(probe, () => {})();
      return TOO_LONG_BYTES;
    } catch (error) {
      this.drain();
      if (this.#tooLongMtu > 0) return this.#tooLongMtu;
      throw error;
    }
  }

  send(probe: HopProbe, onAnswer: (answer: HopAnswer) => void): () => void {
    const link = this.#links[probe.flow % this.#links.length];
    const key = link.nextKey();
    if (key === NONE) throw new ErrnoError("send", ERRNO.ENOBUFS);
    const flight: HopFlight = {
      endpoint: probe.target,
      key,
      nonce: 0,
      hops: probe.hops,
      wantedBytes: probe.sizeBytes,
      sentBytes: 0,
      wallOffsetMs: wallOffset(this.#clock),
      sentMs: this.#clock.now(),
      leftUs: NaN,
      onAnswer,
    };
    const errno = link.send(flight, probe.flow);
    if (errno !== 0) throw new ErrnoError("send", errno);
    return () => link.delete(flight);
  }

  drain(): void {
    for (const link of this.#links) link.drain();
  }

  renew(target: Endpoint): void {
    this.#routes.forget(target);
  }

  remarks(): readonly string[] {
    return this.#routes.isUnsteerable ? [this.#unsteerable] : [];
  }

  close(): void {
    for (const link of this.#links) link.close();
  }

  #returned(
    { quoted }: EchoExchange | SynExchange,
    flight: HopFlight,
    kind: Parameters<typeof icmpAnswer>[1],
    message: Message,
  ): void {
    const { endpoint } = flight;
    const route = quoted.sourceAt < 0 ? 0 : this.#routes.choose(endpoint, flight.nonce, 0);
    const source = typeof route === "number" ? null : route.source;
    const trip = roundTrip(flight, message.stampUs, this.#clock);
    const quote = { ...quoted, source };
    const answer = icmpAnswer(message, kind, endpoint, quote, trip);
    if (answer !== null) flight.onAnswer(answer);
  }
}
