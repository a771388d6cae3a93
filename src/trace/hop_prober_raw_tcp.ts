/**
 * Hops by TCP with SYNs of our own making (CAP_NET_RAW): all probes of a flow bear the same ports,
 * and each its own sequence number, which routers quote and the target acknowledges. What the
 * target answers is reset by the kernel, which knows of no connection.
 */
import type { Endpoint } from "../domain/target.ts";
import { OwnPorts } from "../kernel/own_ports.ts";
import { EPOLLIN } from "../kernel/linux.ts";
import { handshakeAnswers, MAX_FILTER_PORTS } from "../kernel/socket_filter.ts";
import { blankIpPacket, parseIp } from "../packet/ip.ts";
import { readU16, readU32 } from "../packet/network_order.ts";
import {
  blankTcpSegment,
  parseTcp,
  sealTcp,
  SYN_BYTES,
  TCP_ACK,
  TCP_RST,
  TCP_SYN,
  writeSyn,
} from "../packet/tcp.ts";
import { endAnswer, icmpAnswer, roundTrip, sendTime } from "./hop_answer.ts";
import type { HopAnswer, HopProbe, HopProber, HopTools, Together } from "./hop_prober.ts";
import { sendOnce } from "./hop_send.ts";
import { type WaitingProbe, WaitingProbes } from "./hop_waiting.ts";

/** What a link of 1500 bytes leaves a segment. */
const MAX_SEGMENT_BYTES = { 4: 1460, 6: 1440 } as const;
/** Ports and sequence number: what is quoted at least (RFC 792). */
const QUOTED_BYTES = 8;
const SEQUENCE_AT = 4;
/** So far apart that the end of a sequence number is the probe's own number. */
const NUMBERS = 65_536;

export class RawTcpHopProber implements HopProber {
  readonly together: Together = "not-at-the-end";
  readonly flow = "fixed";
  #tools: HopTools;
  #target: Endpoint;
  #descriptor: number;
  #source: Uint8Array;
  #ports: OwnPorts;
  #waiting = new WaitingProbes();
  #packet = new Uint8Array(SYN_BYTES);
  /** The upper half of all sequence numbers. */
  #base = Math.floor(Math.random() * NUMBERS) * NUMBERS;
  #segment = blankTcpSegment();
  #ip = blankIpPacket();

  /** Throws ErrnoError when there are no ports or no raw socket to be had, or no route. */
  constructor(tools: HopTools, target: Endpoint, flows: number, source: Endpoint | null) {
    this.#tools = tools;
    this.#target = target;
    const { sockets, poller } = tools;
    if (flows > MAX_FILTER_PORTS) throw new RangeError("too many flows for a filter");
    const ports = OwnPorts.reserve(flows);
    if (ports === null) throw new Error("this platform offers no libc");
    this.#ports = ports;
    this.#descriptor = sockets.socket("raw tcp", target.family);
    if (source !== null) sockets.bind(this.#descriptor, { ...source, port: 0 });
    // A raw socket takes a port for a protocol (raw(7)).
    sockets.connect(this.#descriptor, { ...target, port: 0 });
    this.#source = sockets.localAddress(this.#descriptor, target.family);
    sockets.filter(this.#descriptor, handshakeAnswers(target.family, ports.ports));
    poller.watch(this.#descriptor, EPOLLIN, () => this.#read());
  }

  linkMtu(): number {
    throw new RangeError("a SYN has no size to vary");
  }

  send(probe: HopProbe, onAnswer: (answer: HopAnswer) => void): () => void {
    const { sockets, clock } = this.#tools;
    const { family, bytes, port } = this.#target;
    const number = this.#waiting.nextNumber();
    writeSyn(this.#packet, 0, {
      sourcePort: this.#ports.ports[probe.flow],
      destinationPort: port,
      sequence: this.#base + number,
      maxSegmentBytes: MAX_SEGMENT_BYTES[family],
      timestamp: Math.floor(clock.now()) >>> 0,
    });
    sealTcp(this.#packet, 0, SYN_BYTES, this.#source, bytes);
    sockets.setHops(this.#descriptor, family, probe.hops);
    const sent = sendTime(sockets, clock);
    sendOnce(sockets, this.#descriptor, this.#packet, SYN_BYTES);
    return this.#waiting.add(number, { flow: probe.flow, sent, onAnswer });
  }

  close(): void {
    if (this.#descriptor < 0) return;
    this.#tools.poller.unwatch(this.#descriptor);
    this.#tools.sockets.close(this.#descriptor);
    this.#descriptor = -1;
    this.#ports.close();
  }

  #read(): void {
    const { reader, clock } = this.#tools;
    const { message, messageBytesView: bytes } = reader;
    while (reader.readError(this.#descriptor)) {
      if (message.length < QUOTED_BYTES) continue;
      const probe = this.#probeOf(
        readU16(bytes, 0),
        readU16(bytes, 2),
        readU32(bytes, SEQUENCE_AT),
      );
      if (probe === null) continue;
      const trip = roundTrip(probe.sent, message.arrivedUs, clock.now());
      const answer = icmpAnswer(reader, this.#target, 0, trip);
      if (answer !== null) probe.onAnswer(answer);
    }
    while (reader.readPlain(this.#descriptor)) this.#readSegment(message.length, message.arrivedUs);
  }

  #readSegment(length: number, arrivedUs: number): void {
    const { reader, clock } = this.#tools;
    const bytes = reader.messageBytesView;
    const segment = this.#segment;
    let at = 0;
    if (this.#target.family === 4) {
      if (!parseIp(bytes, 0, length, this.#ip)) return;
      at = this.#ip.payloadAt;
    }
    if (!parseTcp(bytes, at, length, segment)) return;
    const { flags } = segment;
    const open = (flags & (TCP_SYN | TCP_ACK)) === (TCP_SYN | TCP_ACK);
    const refused = (flags & (TCP_RST | TCP_ACK)) === (TCP_RST | TCP_ACK);
    if (!open && !refused) return;
    // Both acknowledge the SYN, which counts as one byte (RFC 9293, section 3.4).
    const sequence = (segment.acknowledgment - 1) >>> 0;
    const probe = this.#probeOf(segment.destinationPort, segment.sourcePort, sequence);
    if (probe === null) return;
    const trip = roundTrip(probe.sent, arrivedUs, clock.now());
    probe.onAnswer(endAnswer(this.#target, open ? "open" : "refused", trip));
  }

  #probeOf(ownPort: number, theirPort: number, sequence: number): WaitingProbe | null {
    if (theirPort !== this.#target.port || sequence - sequence % NUMBERS !== this.#base) {
      return null;
    }
    const probe = this.#waiting.get(sequence % NUMBERS);
    return probe !== null && this.#ports.ports[probe.flow] === ownPort ? probe : null;
  }
}
