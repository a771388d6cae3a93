/** ICMP echo for a prober: one socket for all targets of a family, replies known by id, sequence and cookie. */
import { NONE } from "../domain/probe_record.ts";
import type { Message } from "../kernel/message_batch.ts";
import type { PacketSocket } from "../kernel/packet_socket.ts";
import { echoReplies } from "../kernel/socket_filter.ts";
import {
  blankEcho,
  ECHO_HEADER_BYTES,
  parseEchoReply,
  parseEchoRequest,
  writeEchoRequest,
} from "../packet/echo.ts";
import { addressIs, blankIpPacket, parseIp } from "../packet/ip.ts";
import { writeU32 } from "../packet/network_order.ts";
import type { Answer, Exchange, Request } from "./exchange.ts";

/** The sequence number is 16 bits wide. */
const KEYS = 65_536;
/** The payload's first bytes: this process's own, and the request's number among all it sent. */
const COOKIE_BYTES = 8;
const NUMBER_AT = 4;
/** What fills a payload of 56 bytes beside an ICMP header up to the 64 that ping is known for. */
export const DEFAULT_ECHO_BYTES = 56;
/** RFC 791: 65,535 bytes with the IP header and the echo's own. */
export const MAX_ECHO_BYTES = 65_535 - 20 - ECHO_HEADER_BYTES;

export interface EchoOptions {
  /** A ping socket, which the kernel gave its id and which sees no IP header, or a raw one. */
  readonly kind: "ping" | "raw-echo";
  readonly payloadBytes: number;
  /** 32 random bits a call. */
  readonly random: () => number;
}

export class EchoExchange implements Exchange {
  readonly socket: PacketSocket;
  readonly synRetransmits = NONE;
  #raw: boolean;
  #id: number;
  #request: Uint8Array<ArrayBuffer>;
  #payloadBytes: number;
  #cookieBytes: number;
  #expected = new Uint8Array(COOKIE_BYTES);
  #number = 0;
  #nextSequence = 0;
  #ip = blankIpPacket();
  #echo = blankEcho();

  /** Puts a filter on a raw socket; throws ErrnoError where the kernel refuses it. */
  constructor(socket: PacketSocket, options: EchoOptions) {
    this.socket = socket;
    this.#raw = options.kind === "raw-echo";
    this.#id = this.#raw ? options.random() & 0xffff : socket.id;
    this.#payloadBytes = options.payloadBytes;
    this.#cookieBytes = Math.min(COOKIE_BYTES, options.payloadBytes);
    this.#request = new Uint8Array(new ArrayBuffer(ECHO_HEADER_BYTES + options.payloadBytes));
    for (let i = ECHO_HEADER_BYTES; i < this.#request.length; i++) this.#request[i] = i;
    writeU32(this.#expected, 0, options.random());
    if (this.#raw) socket.filter(echoReplies(socket.family, this.#id));
  }

  nextKey(taken: (key: number) => boolean): number {
    for (let tries = 0; tries < KEYS; tries++) {
      const key = this.#nextSequence;
      this.#nextSequence = (key + 1) % KEYS;
      if (!taken(key)) return key;
    }
    return -1;
  }

  send(request: Request): number {
    request.nonce = this.#number = this.#number + 1 >>> 0;
    this.#expect(request);
    for (let i = 0; i < this.#cookieBytes; i++) {
      this.#request[ECHO_HEADER_BYTES + i] = this.#expected[i];
    }
    const { family } = this.socket;
    writeEchoRequest(this.#request, 0, family, this.#id, request.key, this.#payloadBytes);
    return this.socket.send(this.#request, this.#request.length, request.endpoint);
  }

  read(message: Message, out: Answer): boolean {
    const { bytes, end } = message;
    const { family } = this.socket;
    let at = message.at;
    if (this.#raw && family === 4) {
      if (!parseIp(bytes, at, end, this.#ip)) return false;
      at = this.#ip.payloadAt;
    }
    if (!parseEchoReply(bytes, at, end, family, this.#echo)) return false;
    out.key = this.#echo.sequence;
    out.outcome = "established";
    return this.#echo.id === this.#id;
  }

  readQuoted({ bytes, at, end }: Message): number {
    const ours = parseEchoRequest(bytes, at, end, this.socket.family, this.#echo);
    return ours && this.#echo.id === this.#id ? this.#echo.sequence : -1;
  }

  matches(message: Message, request: Request): boolean {
    if (!addressIs(message.bytes, message.addressAt, request.endpoint.bytes)) return false;
    this.#expect(request);
    // A reply brings the whole cookie; an error may quote less of it.
    const { payloadAt, payloadEnd } = this.#echo;
    const quoted = message.offenderAt >= 0;
    if (!quoted && payloadEnd - payloadAt < this.#cookieBytes) return false;
    for (let i = 0; i < this.#cookieBytes && payloadAt + i < payloadEnd; i++) {
      if (message.bytes[payloadAt + i] !== this.#expected[i]) return false;
    }
    return true;
  }

  close(): void {
    this.socket.close();
  }

  #expect(request: Request): void {
    writeU32(this.#expected, NUMBER_AT, request.nonce);
  }
}
