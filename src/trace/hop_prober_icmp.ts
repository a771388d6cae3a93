/**
 * Hops by ICMP echo, on a ping socket where the kernel allows them, else on a raw one. The probe's
 * number is its sequence; its payload starts with the complement, so that the checksum, by which
 * some routers choose among equal paths, stays the same for a flow.
 */
import type { Endpoint } from "../domain/target.ts";
import { EPOLLIN } from "../kernel/linux.ts";
import { echoReplies } from "../kernel/socket_filter.ts";
import {
  blankEcho,
  ECHO_HEADER_BYTES,
  parseEchoReply,
  parseEchoRequest,
  writeEchoRequest,
} from "../packet/echo.ts";
import { blankIpPacket, IPV4_HEADER_BYTES, IPV6_HEADER_BYTES, parseIp } from "../packet/ip.ts";
import { writeU16 } from "../packet/network_order.ts";
import { endAnswer, icmpAnswer, roundTrip, sendTime } from "./hop_answer.ts";
import type { HopAnswer, HopProbe, HopProber, HopTools, Together } from "./hop_prober.ts";
import { sendOnce, tooBigFor } from "./hop_send.ts";
import { WaitingProbes } from "./hop_waiting.ts";

const MAX_PACKET_BYTES = 65_535;
/** The complement of the sequence. */
const MARK_BYTES = 2;
const IDS = 65_536;
const UNSPECIFIED = { 4: new Uint8Array(4), 6: new Uint8Array(16) } as const;

interface Flow {
  readonly descriptor: number;
  readonly id: number;
}

export class IcmpHopProber implements HopProber {
  readonly together: Together = "any";
  readonly flow = "fixed";
  #tools: HopTools;
  #target: Endpoint;
  #raw: boolean;
  #flows: Flow[] = [];
  #waiting = new WaitingProbes();
  #packet = new Uint8Array(MAX_PACKET_BYTES);
  #echo = blankEcho();
  #ip = blankIpPacket();

  /** Throws ErrnoError, `EACCES` or `EPERM` where this process may open neither kind of socket. */
  constructor(tools: HopTools, target: Endpoint, flows: number, source: Endpoint | null) {
    this.#tools = tools;
    this.#target = target;
    this.#raw = tools.sockets.refusal("ping", target.family) !== null;
    for (let flow = 0; flow < flows; flow++) {
      const opened = this.#raw ? this.#openRaw(source) : this.#openPing(source);
      this.#flows.push(opened);
      tools.poller.watch(opened.descriptor, EPOLLIN, () => this.#read(flow));
    }
  }

  linkMtu(): number {
    const headers = this.#ipBytes;
    writeEchoRequest(this.#packet, 0, this.#target.family, this.#flows[0].id, 0, 0);
    return tooBigFor(this.#tools, this.#flows[0].descriptor, this.#packet, headers);
  }

  send(probe: HopProbe, onAnswer: (answer: HopAnswer) => void): () => void {
    const { sockets, clock } = this.#tools;
    const { descriptor, id } = this.#flows[probe.flow];
    const number = this.#waiting.nextNumber();
    const length = Math.max(
      ECHO_HEADER_BYTES + MARK_BYTES,
      probe.sizeBytes - this.#ipBytes,
    );
    writeU16(this.#packet, ECHO_HEADER_BYTES, ~number & 0xffff);
    const payloadBytes = length - ECHO_HEADER_BYTES;
    writeEchoRequest(this.#packet, 0, this.#target.family, id, number, payloadBytes);
    sockets.setHops(descriptor, this.#target.family, probe.hops);
    const sent = sendTime(sockets, clock);
    sendOnce(sockets, descriptor, this.#packet, length);
    return this.#waiting.add(number, { flow: probe.flow, sent, onAnswer });
  }

  close(): void {
    for (const { descriptor } of this.#flows) {
      this.#tools.poller.unwatch(descriptor);
      this.#tools.sockets.close(descriptor);
    }
    this.#flows = [];
  }

  get #ipBytes(): number {
    return this.#target.family === 4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
  }

  /** Its id is its port, which the kernel chooses (icmp(7)). */
  #openPing(source: Endpoint | null): Flow {
    const { sockets } = this.#tools;
    const { family } = this.#target;
    const descriptor = sockets.socket("ping", family);
    sockets.bind(
      descriptor,
      source ?? { address: "", family, bytes: UNSPECIFIED[family], port: 0 },
    );
    sockets.connect(descriptor, { ...this.#target, port: 0 });
    return { descriptor, id: sockets.localPort(descriptor) };
  }

  #openRaw(source: Endpoint | null): Flow {
    const { sockets } = this.#tools;
    const { family } = this.#target;
    const descriptor = sockets.socket("raw icmp", family);
    const id = Math.floor(Math.random() * IDS);
    sockets.filter(descriptor, echoReplies(family, id));
    if (source !== null) sockets.bind(descriptor, { ...source, port: 0 });
    sockets.connect(descriptor, { ...this.#target, port: 0 });
    return { descriptor, id };
  }

  #read(flow: number): void {
    const { reader, clock } = this.#tools;
    const { descriptor, id } = this.#flows[flow];
    const { message, messageBytesView: bytes } = reader;
    const { family } = this.#target;
    const echo = this.#echo;
    while (reader.readError(descriptor)) {
      if (!parseEchoRequest(bytes, 0, message.length, family, echo) || echo.id !== id) continue;
      const probe = this.#waiting.get(echo.sequence);
      if (probe === null || probe.flow !== flow) continue;
      const trip = roundTrip(probe.sent, message.arrivedUs, clock.now());
      const answer = icmpAnswer(reader, this.#target, 0, trip);
      if (answer !== null) probe.onAnswer(answer);
    }
    while (reader.readPlain(descriptor)) {
      const at = this.#replyAt(message.length);
      if (!parseEchoReply(bytes, at, message.length, family, echo) || echo.id !== id) continue;
      const probe = this.#waiting.get(echo.sequence);
      if (probe === null || probe.flow !== flow) continue;
      const trip = roundTrip(probe.sent, message.arrivedUs, clock.now());
      probe.onAnswer(endAnswer(this.#target, "echo reply", trip));
    }
  }

  /** Where ICMP begins: a raw IPv4 socket gives the IP header too (raw(7)); -1 for what is none. */
  #replyAt(length: number): number {
    if (!this.#raw || this.#target.family === 6) return 0;
    return parseIp(this.#tools.reader.messageBytesView, 0, length, this.#ip)
      ? this.#ip.payloadAt
      : -1;
  }
}
