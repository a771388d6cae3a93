/**
 * Hops by TCP without privileges: a connecting socket a probe. The kernel lets no two sockets
 * share a flow, so either each probe is a flow of its own, or a flow has one probe at a time.
 * A target that answers sees a handshake that is reset before it completes.
 */
import { NONE } from "../domain/probe_record.ts";
import type { Endpoint } from "../domain/target.ts";
import { SynSocket } from "../kernel/syn_socket.ts";
import { ErrnoError } from "../kernel/errno.ts";
import { ERRNO, SO_EE_ORIGIN_ICMP } from "../kernel/linux.ts";
import type { Message } from "../kernel/message_batch.ts";
import type { PacketSockets } from "../kernel/packet_socket.ts";
import type { TcpInfo, TcpSockets } from "../kernel/tcp_info.ts";
import { type Departure, wallOffset } from "../net/round_trip.ts";
import { icmpErrorKind } from "../packet/icmp_kind.ts";
import { ipHeaderBytes } from "../packet/ip.ts";
import type { Clock } from "../time/clock.ts";
import { endAnswer, icmpAnswer, NO_ROUND_TRIP, roundTrip } from "./hop_answer.ts";
import type { Concurrency, HopAnswer, HopProbe, HopProber } from "./hop_prober.ts";

/**
 * After a second the kernel sends a SYN again (tcp(7)). Before it does, it is kept from leaving, so
 * that the target is not met a second time and what comes is an answer to the first SYN.
 */
const BEFORE_RETRANSMIT_MS = 900;
const RETRANSMIT_MS = 1000;
/** A SYN's own length, to which nothing can be added. */
const SYN_PACKET_BYTES = { 4: 60, 6: 80 } as const;
const UNSPECIFIED = { 4: new Uint8Array(4), 6: new Uint8Array(16) } as const;

export interface TcpHopOptions {
  readonly family: 4 | 6;
  readonly source: Endpoint | null;
  readonly tos: number | null;
  readonly interfaceName: string | null;
  /** Of IPv6, by flow; 0 for the system's choice. */
  readonly labelOf: (flow: number) => number;
  /** Source ports of flows that are held fixed, one probe of each at a time; 0 for any. */
  readonly fixedPorts: readonly number[] | null;
}

interface TcpFlight extends Departure {
  readonly socket: SynSocket;
  readonly target: Endpoint;
  readonly hops: number;
  /**
   * How many of the repeated SYNs had the probe's own hop limit; all of them until they are kept
   * back.
   */
  repeatedAsSent: number;
}

/** The controls of a probe under way. */
interface TcpProbe {
  read(): void;
  end(): void;
}

export class TcpHopProber implements HopProber {
  readonly concurrency: Concurrency;
  readonly flow: "fixed" | "varied";
  readonly leastBytes: number;
  #clock: Clock;
  #sockets: PacketSockets;
  #infos: TcpSockets;
  #options: TcpHopOptions;
  /** Sockets bound for the whole trace, so that no other socket is given a flow's port. */
  #holders: SynSocket[] = [];
  #open = new Map<SynSocket, TcpProbe>();
  #info: TcpInfo = { rttUs: 0, retransmits: 0, closed: false };

  /** Throws ErrnoError when the ports of fixed flows cannot be had. */
  constructor(sockets: PacketSockets, infos: TcpSockets, clock: Clock, options: TcpHopOptions) {
    this.#sockets = sockets;
    this.#infos = infos;
    this.#clock = clock;
    this.#options = options;
    const { fixedPorts, family } = options;
    this.concurrency = fixedPorts === null ? "any" : "one-a-flow";
    this.flow = fixedPorts === null ? "varied" : "fixed";
    this.leastBytes = SYN_PACKET_BYTES[family];
    try {
      for (const port of fixedPorts ?? []) this.#holders.push(this.#connecting(1, 0, port));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  linkMtu(): number {
    throw new RangeError("a SYN has no size to vary");
  }

  send(probe: HopProbe, onAnswer: (answer: HopAnswer) => void): () => void {
    const { target, hops, flow } = probe;
    const holder = this.#holders[flow];
    const port = holder?.localPort() ?? null;
    const socket = this.#connecting(hops, this.#options.labelOf(flow), port);
    const flight: TcpFlight = {
      socket,
      target,
      hops,
      repeatedAsSent: Infinity,
      wallOffsetMs: wallOffset(this.#clock),
      sentMs: this.#clock.now(),
      leftUs: socket.stampNow(this.#sockets.baseSeconds),
    };
    const errno = socket.connect(target);
    if (errno !== 0) {
      socket.close();
      // Without a requested source, it is the port that could not be had (connect(2)).
      const isPort = errno === ERRNO.EADDRNOTAVAIL && this.#options.source === null;
      throw new ErrnoError("connect", isPort ? ERRNO.EADDRINUSE : errno);
    }
    const atMs = flight.sentMs + BEFORE_RETRANSMIT_MS;
    const keep = this.#clock.wakeAt(atMs, () => this.#keepBack(flight));
    const end = () => {
      keep();
      this.#open.delete(socket);
      socket.close();
    };
    const read = () => {
      const answer = this.#answer(flight);
      if (answer === null) return;
      // A socket whose error says nothing has ended, too: left open, its event would come again and again.
      end();
      if (answer !== "over") onAnswer(answer);
    };
    this.#open.set(socket, { read, end });
    socket.watch(read);
    return end;
  }

  drain(): void {
    for (const { read } of [...this.#open.values()]) read();
  }

  renew(): void {
    // Each connect takes the routes as they are.
  }

  remarks(): readonly string[] {
    return [];
  }

  close(): void {
    for (const { end } of [...this.#open.values()]) end();
    for (const socket of this.#holders) socket.close();
    this.#holders = [];
  }

  /** `port` null and no source asked for: the kernel chooses both when it connects. */
  #connecting(hops: number, flowLabel: number, port: number | null): SynSocket {
    const { family, source, tos, interfaceName } = this.#options;
    const own = source ?? { address: "", family, bytes: UNSPECIFIED[family] };
    const bound = port === null && source === null ? null : { ...own, port: port ?? 0 };
    const options = { family, hops, source: bound, flowLabel, tos, interfaceName };
    return new SynSocket(this.#sockets.tools, options);
  }

  /**
   * What happened to the socket. Null where nothing has: an event may be of a closed socket that had the
   * same descriptor.
   */
  #answer(flight: TcpFlight): HopAnswer | "over" | null {
    const { socket, target } = flight;
    let answer: HopAnswer | null = null;
    let isOver = false;
    socket.readErrors((message) => {
      isOver = true;
      answer ??= this.#errorAnswer(flight, message);
    });
    if (answer !== null) return answer;
    const errno = socket.takeError();
    const trip = roundTrip(flight, NaN, this.#clock);
    if (errno === ERRNO.ECONNREFUSED) return endAnswer(target, "refused", trip, 0);
    if (isOver) return "over";
    if (!this.#infos.search.isConnected(socket.descriptor, target)) {
      // A SYN that was kept back leaves an error, too, and the socket goes on.
      this.#infos.info(socket.descriptor, this.#info);
      return errno !== 0 && this.#info.closed ? "over" : null;
    }
    const known = this.#infos.info(socket.descriptor, this.#info) && this.#info.rttUs > 0;
    return known && this.#info.retransmits === 0
      ? endAnswer(target, "open", { rttUs: this.#info.rttUs, rttSource: "kernel" }, 0)
      : endAnswer(target, "open", trip, 0);
  }

  /**
   * If this process was not scheduled for a while, some SYNs were repeated with the probe's hop
   * limit before they could be kept back.
   */
  #keepBack(flight: TcpFlight): void {
    const repeated = this.#infos.retransmits(flight.socket.descriptor);
    if (flight.socket.keepBack()) return;
    flight.repeatedAsSent = repeated === Infinity ? 0 : repeated;
  }

  #errorAnswer(flight: TcpFlight, message: Message): HopAnswer | null {
    const { target, hops } = flight;
    const family = message.origin === SO_EE_ORIGIN_ICMP ? 4 : 6;
    const kind = icmpErrorKind(family, message.type, message.code);
    if (kind === null || kind === "packet too big") return null;
    let trip = roundTrip(flight, message.stampUs, this.#clock);
    if (trip.rttUs !== NONE && trip.rttUs >= RETRANSMIT_MS * 1000) {
      const repeated = this.#infos.retransmits(flight.socket.descriptor);
      // It may be what the first router says of a SYN that was sent again.
      const isKept = repeated > flight.repeatedAsSent;
      if (isKept && hops > 1 && kind === "ttl exceeded") return null;
      // Which of several SYNs it answers is not known.
      if (repeated > 0) trip = NO_ROUND_TRIP;
    }
    const cutBytes = ipHeaderBytes(family);
    const quote = { cutBytes, sourceAt: -1, source: null };
    return icmpAnswer(message, kind, target, quote, trip);
  }
}
