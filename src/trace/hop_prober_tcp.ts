/**
 * Hops by TCP without privileges: a connecting socket a probe. The kernel lets no two sockets
 * share a flow, so either each probe is a flow of its own, or a flow has one probe at a time.
 * A target that answers sees a handshake that is reset before it completes.
 */
import { NONE } from "../domain/probe_record.ts";
import type { Endpoint } from "../domain/target.ts";
import { EPOLLOUT, ERRNO } from "../kernel/linux.ts";
import type { TcpInfo, TcpSockets } from "../kernel/tcp_info.ts";
import {
  endAnswer,
  icmpAnswer,
  NO_ROUND_TRIP,
  roundTrip,
  type SendTime,
  sendTime,
} from "./hop_answer.ts";
import type { HopAnswer, HopProbe, HopProber, HopTools, Together } from "./hop_prober.ts";

/** After this long the kernel sends a SYN again (tcp(7)), and nobody can tell which was answered. */
const RETRANSMIT_MS = 1000;
const UNSPECIFIED = { 4: new Uint8Array(4), 6: new Uint8Array(16) } as const;

export interface TcpHopOptions {
  readonly flows: number;
  /** One port a flow, one probe of it at a time; else a port a probe. */
  readonly fixed: boolean;
  readonly source: Endpoint | null;
}

export class TcpHopProber implements HopProber {
  readonly together: Together;
  readonly flow: "fixed" | "varied";
  #tools: HopTools;
  #infos: TcpSockets;
  #target: Endpoint;
  #source: Endpoint | null;
  /** Bound for the whole trace, so that nobody else is given a flow's port. */
  #holders: number[] = [];
  #ports: number[] = [];
  #open = new Set<number>();
  #info: TcpInfo = { rttUs: 0, retransmits: 0 };

  /** Throws ErrnoError when ports cannot be had. */
  constructor(tools: HopTools, infos: TcpSockets, target: Endpoint, options: TcpHopOptions) {
    this.#tools = tools;
    this.#infos = infos;
    this.#target = target;
    this.#source = options.source;
    this.together = options.fixed ? "one-a-flow" : "any";
    this.flow = options.fixed ? "fixed" : "varied";
    if (!options.fixed) return;
    for (let flow = 0; flow < options.flows; flow++) {
      const holder = this.#boundSocket(0);
      this.#holders.push(holder);
      this.#ports.push(tools.sockets.localPort(holder));
    }
  }

  linkMtu(): number {
    throw new RangeError("a SYN has no size to vary");
  }

  send(probe: HopProbe, onAnswer: (answer: HopAnswer) => void): () => void {
    const { sockets, poller, clock } = this.#tools;
    const fixed = this.#ports.length > 0;
    const descriptor = fixed || this.#source !== null
      ? this.#boundSocket(this.#ports[probe.flow] ?? 0)
      : sockets.socket("tcp", this.#target.family);
    this.#open.add(descriptor);
    const end = () => this.#end(descriptor);
    try {
      sockets.leaveHalfOpen(descriptor);
      sockets.setHops(descriptor, this.#target.family, probe.hops);
      const sent = sendTime(sockets, clock);
      sockets.connect(descriptor, this.#target);
      poller.watch(descriptor, EPOLLOUT, () => {
        const answer = this.#answer(descriptor, sent);
        end();
        if (answer !== null) onAnswer(answer);
      });
    } catch (error) {
      end();
      throw error;
    }
    return end;
  }

  close(): void {
    for (const descriptor of [...this.#open]) this.#end(descriptor);
    for (const holder of this.#holders) this.#tools.sockets.close(holder);
    this.#holders = [];
  }

  #boundSocket(port: number): number {
    const { sockets } = this.#tools;
    const { family } = this.#target;
    const descriptor = sockets.socket("tcp", family);
    const any = this.#source ?? { address: "", family, bytes: UNSPECIFIED[family], port: 0 };
    try {
      sockets.shareAddress(descriptor);
      sockets.bind(descriptor, { ...any, port });
    } catch (error) {
      sockets.close(descriptor);
      throw error;
    }
    return descriptor;
  }

  #end(descriptor: number): void {
    if (!this.#open.delete(descriptor)) return;
    this.#tools.poller.unwatch(descriptor);
    this.#tools.sockets.close(descriptor);
  }

  /** What the socket has met; null for an error of this machine's own, which is no answer. */
  #answer(descriptor: number, sent: SendTime): HopAnswer | null {
    const { sockets, reader, clock } = this.#tools;
    const nowMs = clock.now();
    const ambiguous = nowMs - sent.monotonicMs >= RETRANSMIT_MS;
    while (reader.readError(descriptor)) {
      const trip = ambiguous ? NO_ROUND_TRIP : roundTrip(sent, reader.message.arrivedUs, nowMs);
      const answer = icmpAnswer(reader, this.#target, 0, trip);
      if (answer !== null) return answer;
    }
    const trip = ambiguous ? NO_ROUND_TRIP : roundTrip(sent, NaN, nowMs);
    const errno = sockets.takeError(descriptor);
    if (errno === ERRNO.ECONNREFUSED) return endAnswer(this.#target, "refused", trip);
    if (errno !== 0 || !this.#infos.search.isConnected(descriptor, this.#target)) return null;
    const known = this.#infos.info(descriptor, this.#info) && this.#info.rttUs > 0;
    if (known && this.#info.retransmits === 0) {
      const kernel = { rttUs: this.#info.rttUs, rttSource: "kernel" } as const;
      return endAnswer(this.#target, "open", kernel);
    }
    return endAnswer(this.#target, "open", trip.rttUs === NONE ? NO_ROUND_TRIP : trip);
  }
}
