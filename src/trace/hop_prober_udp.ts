/**
 * Hops by UDP without privileges: a connected socket a flow, whose port no probe changes; each
 * probe bears its number in its payload, which routers quote.
 */
import type { Endpoint } from "../domain/target.ts";
import { EPOLLIN } from "../kernel/linux.ts";
import { IPV4_HEADER_BYTES, IPV6_HEADER_BYTES } from "../packet/ip.ts";
import { readU16, writeU16 } from "../packet/network_order.ts";
import { endAnswer, icmpAnswer, roundTrip, sendTime } from "./hop_answer.ts";
import type { HopAnswer, HopProbe, HopProber, HopTools, Together } from "./hop_prober.ts";
import { sendOnce, tooBigFor } from "./hop_send.ts";
import { WaitingProbes } from "./hop_waiting.ts";

/** RFC 768 */
const UDP_HEADER_BYTES = 8;
/** Number and nonce. */
const MARK_BYTES = 4;
const MAX_PACKET_BYTES = 65_535;

export class UdpHopProber implements HopProber {
  readonly together: Together = "any";
  readonly flow = "fixed";
  #tools: HopTools;
  #target: Endpoint;
  #descriptors: number[] = [];
  #waiting = new WaitingProbes();
  #packet = new Uint8Array(MAX_PACKET_BYTES);
  /** What is not of this trace but came to our port does not bear it. */
  #nonce = Math.floor(Math.random() * 65_536);

  /** Throws ErrnoError when the sockets cannot be had, or there is no route. */
  constructor(tools: HopTools, target: Endpoint, flows: number, source: Endpoint | null) {
    this.#tools = tools;
    this.#target = target;
    const { sockets, poller } = tools;
    for (let flow = 0; flow < flows; flow++) {
      const descriptor = sockets.socket("udp", target.family);
      this.#descriptors.push(descriptor);
      if (source !== null) sockets.bind(descriptor, source);
      sockets.connect(descriptor, target);
      poller.watch(descriptor, EPOLLIN, () => this.#read(flow));
    }
  }

  linkMtu(): number {
    return tooBigFor(this.#tools, this.#descriptors[0], this.#packet, this.#headerBytes);
  }

  send(probe: HopProbe, onAnswer: (answer: HopAnswer) => void): () => void {
    const { sockets, clock } = this.#tools;
    const descriptor = this.#descriptors[probe.flow];
    const number = this.#waiting.nextNumber();
    writeU16(this.#packet, 0, number);
    writeU16(this.#packet, 2, this.#nonce);
    sockets.setHops(descriptor, this.#target.family, probe.hops);
    const length = Math.max(MARK_BYTES, probe.sizeBytes - this.#headerBytes);
    const sent = sendTime(sockets, clock);
    sendOnce(sockets, descriptor, this.#packet, length);
    return this.#waiting.add(number, { flow: probe.flow, sent, onAnswer });
  }

  close(): void {
    for (const descriptor of this.#descriptors) {
      this.#tools.poller.unwatch(descriptor);
      this.#tools.sockets.close(descriptor);
    }
    this.#descriptors = [];
  }

  get #headerBytes(): number {
    return UDP_HEADER_BYTES + (this.#target.family === 4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES);
  }

  #read(flow: number): void {
    const { reader, clock } = this.#tools;
    const descriptor = this.#descriptors[flow];
    const { message, messageBytesView: bytes } = reader;
    while (reader.readError(descriptor)) {
      // A router that quotes the header alone (RFC 792) can be meant by one probe only.
      const probe = message.length < MARK_BYTES
        ? this.#waiting.onlyOf(flow)
        : readU16(bytes, 2) === this.#nonce
        ? this.#waiting.get(readU16(bytes, 0))
        : null;
      if (probe === null) continue;
      const trip = roundTrip(probe.sent, message.arrivedUs, clock.now());
      const answer = icmpAnswer(reader, this.#target, UDP_HEADER_BYTES, trip);
      if (answer !== null) probe.onAnswer(answer);
    }
    while (reader.readPlain(descriptor)) {
      // A service behind the port answers what it likes: whose answer it is can be told of one alone.
      const probe = this.#waiting.onlyOf(flow);
      const trip = probe === null ? null : roundTrip(probe.sent, message.arrivedUs, clock.now());
      if (trip !== null) probe?.onAnswer(endAnswer(this.#target, "datagram", trip));
    }
  }
}
