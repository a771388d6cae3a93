/**
 * Hops by UDP without privileges. A router need not quote more than the ports of a datagram (RFC 792),
 * so each probe has a socket, and with it a source port, of its own. Where flows are to be held fixed,
 * each has one socket, and its probes bear their number in their payload.
 */
import type { Endpoint } from "../domain/target.ts";
import { ErrnoError } from "../kernel/errno.ts";
import { SO_EE_ORIGIN_ICMP } from "../kernel/linux.ts";
import type { Message } from "../kernel/message_batch.ts";
import type { PacketSocket } from "../kernel/packet_port.ts";
import type { PacketSockets } from "../kernel/packet_socket.ts";
import { type Departure, wallOffset } from "../net/round_trip.ts";
import { icmpErrorKind } from "../packet/icmp_kind.ts";
import { addressIs, ipHeaderBytes } from "../packet/ip.ts";
import { readU16, writeU16 } from "../packet/network_order.ts";
import type { Clock } from "../time/clock.ts";
import { endAnswer, icmpAnswer, roundTrip } from "./hop_answer.ts";
import type { Concurrency, HopAnswer, HopProbe, HopProber } from "./hop_prober.ts";

/** RFC 768 */
const UDP_HEADER_BYTES = 8;
/** Number and nonce. */
const MARK_BYTES = 4;
const NUMBERS = 65_536;
const MAX_PACKET_BYTES = 65_535;

export interface UdpHopOptions {
  readonly family: 4 | 6;
  readonly source: Endpoint | null;
  readonly tos: number | null;
  readonly interfaceName: string | null;
  /** Of IPv6, by flow; 0 for the system's choice. */
  readonly labelOf: (flow: number) => number;
  readonly random: () => number;
  /** Source ports of flows that are held fixed, 0 for any; null where each probe has its own. */
  readonly fixedPorts: readonly number[] | null;
}

interface UdpFlight extends Departure {
  readonly target: Endpoint;
  readonly hops: number;
  readonly flow: number;
  readonly sentBytes: number;
  readonly onAnswer: (answer: HopAnswer) => void;
  readonly onUnclear: () => void;
}

export class UdpHopProber implements HopProber {
  concurrency: Concurrency = "any";
  readonly flow: "fixed" | "varied";
  readonly leastBytes: number;
  #clock: Clock;
  #sockets: PacketSockets;
  #options: UdpHopOptions;
  #packet = new Uint8Array(MAX_PACKET_BYTES);
  /** One a flow, where flows are fixed. */
  #fixed: PacketSocket[] = [];
  #open = new Set<PacketSocket>();
  /** By number, where flows are fixed. */
  #flights = new Map<number, UdpFlight>();
  /** The last packets of each flow's socket by their ordinal: stamps come in this order. */
  #stamped: Map<number, UdpFlight>[] = [];
  #sent: number[] = [];
  #next: number;
  /**
   * A random number in each payload: packets of others that come to our port do not have it. It is
   * not 0, so that zeros are no mark.
   */
  #nonce: number;
  #tooLongMtu = 0;
  /** The farthest hop at which a router has answered, by target and flow. */
  #farthest = new WeakMap<Endpoint, number[]>();

  /** Throws ErrnoError where such sockets cannot be had. */
  constructor(sockets: PacketSockets, clock: Clock, options: UdpHopOptions) {
    this.#sockets = sockets;
    this.#clock = clock;
    this.#options = options;
    this.flow = options.fixedPorts === null ? "varied" : "fixed";
    this.#next = options.random() % NUMBERS;
    this.#nonce = 1 + options.random() % (NUMBERS - 1);
    this.leastBytes = this.#headerBytes + (options.fixedPorts === null ? 0 : MARK_BYTES);
    try {
      for (const [flow, port] of (options.fixedPorts ?? []).entries()) this.#openFixed(flow, port);
      // A source or an interface that cannot be had is told of now, not with each probe.
      if (options.source !== null || options.interfaceName !== null) this.#shut(this.#socket(0));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  linkMtu(target: Endpoint): number {
    this.#tooLongMtu = 0;
    const probe = { target, hops: 1, flow: 0, sizeBytes: MAX_PACKET_BYTES };
    try {
      this.send(probe, () => {})();
      return MAX_PACKET_BYTES;
    } catch (error) {
      if (this.#tooLongMtu > 0) return this.#tooLongMtu;
      throw error;
    }
  }

  send(
    probe: HopProbe,
    onAnswer: (answer: HopAnswer) => void,
    onUnclear: () => void = () => {},
  ): () => void {
    return this.#options.fixedPorts === null
      ? this.#sendAlone(probe, onAnswer)
      : this.#sendFixed(probe, { onAnswer, onUnclear });
  }

  drain(): void {
    for (const socket of [...this.#open]) socket.drain();
  }

  /** Sockets that are not connected take the routes as they are; the path may be another one now. */
  renew(target: Endpoint): void {
    this.#farthest.delete(target);
  }

  remarks(): readonly string[] {
    return [];
  }

  close(): void {
    for (const socket of this.#open) socket.close();
    this.#open.clear();
  }

  get #headerBytes(): number {
    return UDP_HEADER_BYTES +
      ipHeaderBytes(this.#options.family);
  }

  #socket(port: number): PacketSocket {
    const { family, source, tos, interfaceName } = this.#options;
    const any = new Uint8Array(family === 4 ? 4 : 16);
    const own = source ?? { address: "", family, bytes: any };
    const socket = this.#sockets.socket({
      kind: "udp",
      family,
      ttl: null,
      source: { ...own, port },
      tos,
      interfaceName,
      tracing: true,
    });
    this.#open.add(socket);
    return socket;
  }

  #shut(socket: PacketSocket): void {
    this.#open.delete(socket);
    socket.close();
  }

  #flight(
    { target, hops, flow, sizeBytes }: HopProbe,
    { onAnswer, onUnclear }: Pick<UdpFlight, "onAnswer" | "onUnclear">,
  ): UdpFlight {
    return {
      target,
      hops,
      flow,
      sentBytes: Math.max(this.leastBytes, sizeBytes),
      onAnswer,
      onUnclear,
      wallOffsetMs: wallOffset(this.#clock),
      sentMs: this.#clock.now(),
      leftUs: NaN,
    };
  }

  #sendAlone(probe: HopProbe, onAnswer: UdpFlight["onAnswer"]): () => void {
    const socket = this.#socket(0);
    const end = () => this.#shut(socket);
    const flight = this.#flight(probe, { onAnswer, onUnclear: () => {} });
    socket.watch({
      received: (message) => this.#datagram(flight, message),
      returned: (message) => {
        // The port may have been another probe's, whose error comes late.
        const isOurs = addressIs(message.bytes, message.addressAt, flight.target.bytes);
        if (isOurs) this.#returned(flight, message);
      },
      left: (_ordinal, stampUs) => flight.leftUs = stampUs,
      tooLong: (mtuBytes) => this.#tooLongMtu = mtuBytes,
    });
    const errno = this.#put(socket, probe, flight);
    if (errno === 0) return end;
    socket.drainErrors();
    end();
    throw new ErrnoError("send", errno);
  }

  #openFixed(flow: number, port: number): void {
    const socket = this.#socket(port);
    this.#fixed.push(socket);
    this.#stamped[flow] = new Map();
    this.#sent[flow] = 0;
    socket.watch({
      received: (message) => this.#fixedDatagram(flow, message),
      returned: (message) => {
        const flight = this.#quotedFlight(flow, message);
        if (flight !== null) this.#returned(flight, message);
      },
      left: (ordinal, stampUs) => {
        const flight = this.#stamped[flow].get(ordinal);
        if (flight !== undefined) flight.leftUs = stampUs;
        this.#stamped[flow].delete(ordinal);
      },
      tooLong: (mtuBytes) => this.#tooLongMtu = mtuBytes,
    });
  }

  #sendFixed(
    probe: HopProbe,
    told: Pick<UdpFlight, "onAnswer" | "onUnclear">,
  ): () => void {
    const { flow } = probe;
    const socket = this.#fixed[flow];
    do this.#next = (this.#next + 1) % NUMBERS; while (this.#flights.has(this.#next));
    const number = this.#next;
    writeU16(this.#packet, 0, number);
    writeU16(this.#packet, 2, this.#nonce);
    const flight = this.#flight(probe, told);
    const errno = this.#put(socket, probe, flight);
    if (errno !== 0) {
      socket.drainErrors();
      throw new ErrnoError("send", errno);
    }
    const ordinal = this.#sent[flow]++;
    this.#stamped[flow].set(ordinal, flight);
    this.#flights.set(number, flight);
    return () => {
      if (this.#flights.get(number) === flight) this.#flights.delete(number);
      this.#stamped[flow].delete(ordinal);
    };
  }

  #put(socket: PacketSocket, { target, hops, flow }: HopProbe, flight: UdpFlight): number {
    socket.setHops(hops);
    const length = flight.sentBytes - this.#headerBytes;
    return socket.send(this.#packet, length, target, this.#options.labelOf(flow));
  }

  #returned(flight: UdpFlight, message: Message): void {
    const family = message.origin === SO_EE_ORIGIN_ICMP ? 4 : 6;
    const kind = icmpErrorKind(family, message.type, message.code);
    if (kind === null) return;
    // RFC 5927, section 7.2: this MTU lets the packet pass, so the error is about another one or forged.
    if (kind === "packet too big" && message.info >= flight.sentBytes) return;
    if (kind === "ttl exceeded") this.#noteRouter(flight);
    const trip = roundTrip(flight, message.stampUs, this.#clock);
    const quote = { cutBytes: this.#headerBytes, sourceAt: -1, source: null };
    const answer = icmpAnswer(message, kind, flight.target, quote, trip);
    if (answer !== null) flight.onAnswer(answer);
  }

  /** A service behind the port may answer with any bytes, from any address. */
  #datagram(flight: UdpFlight, message: Message): void {
    const trip = roundTrip(flight, message.stampUs, this.#clock);
    flight.onAnswer(endAnswer(flight.target, "datagram", trip, message.ttl));
  }

  #quotedFlight(flow: number, message: Message): UdpFlight | null {
    const { bytes, at, end } = message;
    // A router may fill up a short quote with zeros (RFC 4884).
    const nonce = end - at >= MARK_BYTES ? readU16(bytes, at + 2) : 0;
    if (nonce !== 0) {
      if (nonce !== this.#nonce) return null;
      const flight = this.#flights.get(readU16(bytes, at));
      return flight !== undefined && flight.flow === flow ? flight : null;
    }
    return this.#only(this.#ofFlow(flow).filter((of) => isTo(of, message)));
  }

  #noteRouter({ target, flow, hops }: UdpFlight): void {
    const farthest = this.#farthest.get(target) ?? [];
    farthest[flow] = Math.max(farthest[flow] ?? 0, hops);
    this.#farthest.set(target, farthest);
  }

  /**
   * A service's answer has no mark, and may come twice, or late. It is not to a probe that ends
   * before a router that the flow has met. Where it comes from another address than was asked, it
   * counts if the flow's probes all go to one target.
   */
  #fixedDatagram(flow: number, message: Message): void {
    const mayMeet = this.#ofFlow(flow).filter(({ target, hops }) =>
      hops > (this.#farthest.get(target)?.[flow] ?? 0)
    );
    const asked = mayMeet.filter((of) => isTo(of, message));
    const isOneTarget = mayMeet.every(({ target }) => target === mayMeet[0].target);
    const flight = this.#only(asked.length > 0 || !isOneTarget ? asked : mayMeet);
    if (flight !== null) this.#datagram(flight, message);
  }

  #ofFlow(flow: number): UdpFlight[] {
    return [...this.#flights.values()].filter((flight) => flight.flow === flow);
  }

  /**
   * The probe that an answer without a mark belongs to, such as a quote of the header alone, of
   * those that it may belong to. Null for none, and for several: these are sent again, one at a
   * time from then on.
   */
  #only(found: readonly UdpFlight[]): UdpFlight | null {
    if (found.length === 1) return found[0];
    if (found.length > 1) this.concurrency = "one-a-flow";
    for (const flight of found) flight.onUnclear();
    return null;
  }
}

function isTo({ target }: UdpFlight, { bytes, addressAt }: Message): boolean {
  return addressIs(bytes, addressAt, target.bytes);
}
