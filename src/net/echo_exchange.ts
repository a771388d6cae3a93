/**
 * ICMP echo: replies are known by id, sequence and cookie, errors by id and sequence, which every
 * router quotes. The payload begins with what keeps the checksum the same, since some routers
 * choose among equal paths by it.
 */
import { NONE } from "../domain/probe_record.ts";
import type { Message } from "../kernel/message_batch.ts";
import type { PacketSocket } from "../kernel/packet_port.ts";
import { echoReplies } from "../kernel/socket_filter.ts";
import { addBytes, checksumOf } from "../packet/checksum.ts";
import {
  blankEcho,
  ECHO_HEADER_BYTES,
  ECHO_REPLY,
  ECHO_REQUEST,
  parseEcho,
  writeEchoRequest,
} from "../packet/echo.ts";
import {
  addressIs,
  blankIpPacket,
  ipHeaderBytes,
  parseIp,
  PROTOCOL_ICMP,
  writeIpv4Header,
} from "../packet/ip.ts";
import { writeU16, writeU32 } from "../packet/network_order.ts";
import type { Answer, Exchange, Quoted, Request } from "./exchange.ts";

export interface EchoOptions {
  /** A ping socket, which the kernel gave its id and which sees no IP header, or a raw one. */
  readonly kind: "ping" | "raw-echo";
  readonly payloadBytes: number;
  /** 32 random bits a call. */
  readonly random: () => number;
  /** IPv6 flow label; 0 for the system's choice. */
  readonly flowLabel?: number;
  /** A raw IPv4 socket that sends whole packets (IP_HDRINCL): with this TOS. */
  readonly ownHeader?: { readonly tos: number };
}

/** The sequence number is 16 bits wide. */
const KEYS = 65_536;
/** Two bytes that keep the checksum the same. */
const BALANCE_BYTES = 2;
/** This process's own number, and the request's number among all it sent. */
const COOKIE_BYTES = 8;
const NUMBER_AT = 4;
/** A reply with less of the cookie than this counts only from the address that was asked. */
const TELLING_COOKIE_BYTES = 6;
const UNSPECIFIED_4 = new Uint8Array(4);
const DEFAULT_TTL = 64;

export class EchoExchange implements Exchange {
  readonly socket: PacketSocket;
  readonly synRetransmits = NONE;
  readonly quoted: Quoted;
  /** Replies that came from an address that was not asked, though they are to our requests. */
  fromElsewhere = 0;
  #raw: boolean;
  #id: number;
  #ownHeader: { readonly tos: number } | null;
  /** How much of the packet lies before the echo. */
  #headerBytes: number;
  #packet: Uint8Array<ArrayBuffer>;
  #payloadBytes: number;
  #expected = new Uint8Array(COOKIE_BYTES);
  #flowLabel: number;
  #number = 0;
  #nextSequence = 0;
  #ip = blankIpPacket();
  #echo = blankEcho();

  /** Puts a filter on a raw socket; throws ErrnoError where the kernel refuses it. */
  constructor(socket: PacketSocket, options: EchoOptions) {
    this.socket = socket;
    this.#raw = options.kind === "raw-echo";
    this.#id = this.#raw ? options.random() & 0xffff : socket.id;
    this.#ownHeader = socket.family === 4 ? options.ownHeader ?? null : null;
    this.#headerBytes = this.#ownHeader === null ? 0 : ipHeaderBytes(4);
    this.#payloadBytes = options.payloadBytes;
    this.#packet = filled(this.#headerBytes + ECHO_HEADER_BYTES + options.payloadBytes);
    this.#flowLabel = options.flowLabel ?? 0;
    this.quoted = { sourceAt: -1, cutBytes: this.#headerBytes > 0 ? 0 : this.#ipBytes };
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
    const { endpoint, key, hops, wantedBytes } = request;
    const payloadBytes = wantedBytes === 0
      ? this.#payloadBytes
      : Math.max(0, wantedBytes - this.#ipBytes - ECHO_HEADER_BYTES);
    const at = this.#headerBytes;
    const length = at + ECHO_HEADER_BYTES + payloadBytes;
    if (length > this.#packet.length) this.#packet = filled(length);
    request.nonce = this.#number = this.#number + 1 >>> 0;
    request.sentBytes = this.#ipBytes + ECHO_HEADER_BYTES + payloadBytes;
    this.#writePayload(at + ECHO_HEADER_BYTES, payloadBytes, request);
    writeEchoRequest(this.#packet, at, this.socket.family, this.#id, key, payloadBytes);
    if (this.#ownHeader !== null) {
      const ttl = hops === 0 ? DEFAULT_TTL : hops;
      // The kernel fills in the source (raw(7)).
      const [from, to, { tos }] = [UNSPECIFIED_4, endpoint.bytes, this.#ownHeader];
      writeIpv4Header(this.#packet, 0, from, to, PROTOCOL_ICMP, ttl, length, tos);
    } else if (hops !== 0) this.socket.setHops(hops);
    return this.socket.send(this.#packet, length, endpoint, this.#flowLabel);
  }

  read(message: Message, out: Answer): boolean {
    const { bytes, end } = message;
    const { family } = this.socket;
    let at = message.at;
    if (this.#raw && family === 4) {
      if (!parseIp(bytes, at, end, this.#ip)) return false;
      message.ttl = this.#ip.ttl;
      at = this.#ip.payloadAt;
      // A raw socket is given packets before anybody has looked at their checksum.
      const sum = addBytes(0, bytes, at, this.#ip.payloadEnd - at);
      if (message.isWhole && checksumOf(sum) !== 0) return false;
    }
    if (!parseEcho(bytes, at, end, ECHO_REPLY[family], this.#echo)) return false;
    out.key = this.#echo.sequence;
    out.outcome = "established";
    return this.#echo.id === this.#id;
  }

  readQuoted({ bytes, at, end }: Message): number {
    this.quoted.sourceAt = -1;
    let echoAt = at;
    if (this.#ownHeader !== null) {
      if (!parseIp(bytes, at, end, this.#ip, "quoted")) return -1;
      this.quoted.sourceAt = this.#ip.sourceAt;
      echoAt = this.#ip.payloadAt;
    }
    const ours = parseEcho(bytes, echoAt, end, ECHO_REQUEST[this.socket.family], this.#echo);
    return ours && this.#echo.id === this.#id ? this.#echo.sequence : -1;
  }

  matches(message: Message, request: Request): boolean {
    const { payloadAt, payloadEnd } = this.#echo;
    const isQuote = message.offenderAt >= 0;
    const asked = addressIs(message.bytes, message.addressAt, request.endpoint.bytes);
    if (isQuote && !asked) return false;
    const length = request.sentBytes - this.#ipBytes - ECHO_HEADER_BYTES;
    const cookieBytes = Math.max(0, Math.min(COOKIE_BYTES, length - BALANCE_BYTES));
    // An anycast address is answered from a unicast one (RFC 4443, section 4.2).
    if (!asked && cookieBytes < TELLING_COOKIE_BYTES) return false;
    const at = payloadAt + BALANCE_BYTES;
    // A reply brings the whole cookie; an error may quote less of it, or nothing.
    if (!isQuote && cookieBytes > 0 && payloadEnd - at < cookieBytes) return false;
    writeU32(this.#expected, NUMBER_AT, request.nonce);
    const cookieEnd = Math.min(at + cookieBytes, payloadEnd);
    let same = 0;
    while (at + same < cookieEnd && message.bytes[at + same] === this.#expected[same]) same++;
    // A router may fill up a short quote with zeros (RFC 4884).
    const isFilled = isQuote && isZero(message.bytes, at + same, cookieEnd);
    if (at + same < cookieEnd && !isFilled) return false;
    if (!asked) this.fromElsewhere++;
    return true;
  }

  close(): void {
    this.socket.close();
  }

  get #ipBytes(): number {
    return ipHeaderBytes(this.socket.family);
  }

  #writePayload(at: number, payloadBytes: number, { key, nonce }: Request): void {
    if (payloadBytes < BALANCE_BYTES) return;
    const cookieAt = at + BALANCE_BYTES;
    const cookieBytes = Math.min(COOKIE_BYTES, payloadBytes - BALANCE_BYTES);
    writeU32(this.#expected, NUMBER_AT, nonce);
    for (let i = 0; i < cookieBytes; i++) this.#packet[cookieAt + i] = this.#expected[i];
    writeU16(this.#packet, at, checksumOf(addBytes(key, this.#packet, cookieAt, cookieBytes)));
  }
}

function isZero(bytes: Uint8Array, at: number, end: number): boolean {
  for (let i = at; i < end; i++) if (bytes[i] !== 0) return false;
  return true;
}

function filled(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(new ArrayBuffer(length));
  for (let i = 0; i < length; i++) bytes[i] = i;
  return bytes;
}
