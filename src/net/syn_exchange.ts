/** SYN and its answer, on a raw socket: the kernel, which knows of no connection, closes it by RST. */
import type { SynAckFacts } from "../domain/path.ts";
import type { Endpoint } from "../domain/target.ts";
import { SO_EE_ORIGIN_NONE } from "../kernel/linux.ts";
import type { Message } from "../kernel/message_batch.ts";
import type { HeldPorts } from "../kernel/own_ports.ts";
import type { PacketSocket } from "../kernel/packet_port.ts";
import { handshakeAnswers } from "../kernel/socket_filter.ts";
import { isSealed, pseudoHeaderSum } from "../packet/checksum.ts";
import {
  addressIs,
  blankIpPacket,
  ipHeaderBytes,
  parseIp,
  PROTOCOL_TCP,
  writeIpv4Header,
} from "../packet/ip.ts";
import { readU16, readU32 } from "../packet/network_order.ts";
import {
  blankTcpSegment,
  parseTcp,
  sealTcp,
  type Syn,
  SYN_BYTES,
  synOffer,
  TCP_ACK,
  TCP_CHECKSUM_AT,
  TCP_RST,
  TCP_SYN,
  writeSyn,
} from "../packet/tcp.ts";
import type { Answer, Exchange, Quoted, Request } from "./exchange.ts";
import type { FlowRoute } from "./route_book.ts";

/** The kernel's choice for a flow; see RouteBook. */
export interface FlowRoutes {
  choose(to: Endpoint, sourcePort: number, flowLabel: number): FlowRoute | number;
}

export interface SynOptions {
  readonly ports: HeldPorts;
  readonly routes: FlowRoutes;
  /** 32 random bits a call. */
  readonly random: () => number;
  /** TOS of the IPv4 header, which is ours to write. */
  readonly tos?: number;
  /** Which port the first turn takes; at random without it. */
  readonly firstPort?: number;
}

const DEFAULT_TTL = 64;
const TCP_HEADER_BYTES = 20;
const ETHERNET_MTU_BYTES = 1500;
/** Ports and sequence number: what an error must quote of the segment (RFC 792). */
const QUOTED_BYTES = 8;
/** Sequence numbers are drawn until one is free; after so many that were taken something is wrong. */
const MAX_DRAWS = 64;
/**
 * IPv6 flow labels that anybody may set (RFC 6437; ip-sysctl, flowlabel_state_ranges). 0 would let the
 * kernel choose one a packet.
 */
const MAX_LABEL = 0x7ffff;

export class SynExchange implements Exchange {
  readonly socket: PacketSocket;
  /** One SYN a probe. */
  readonly synRetransmits = 0;
  readonly quoted: Quoted;
  #options: SynOptions;
  #packet = new Uint8Array(new ArrayBuffer(ipHeaderBytes(4) + SYN_BYTES));
  #syn: Syn;
  /** Where in the ports the first turn begins. */
  #salt: number;
  #labelSalt: number;
  #ip = blankIpPacket();
  #segment = blankTcpSegment();
  /** The port of ours and of the target in what was read last. */
  #ownPort = 0;
  #targetPort = 0;

  /** Puts a filter on the socket; throws ErrnoError where the kernel refuses it. */
  constructor(socket: PacketSocket, options: SynOptions) {
    this.socket = socket;
    this.#options = options;
    this.#salt = options.firstPort ?? options.random();
    this.#labelSalt = options.random();
    const ipBytes = ipHeaderBytes(socket.family);
    const maxSegmentBytes = ETHERNET_MTU_BYTES - ipBytes - TCP_HEADER_BYTES;
    this.#syn = { sourcePort: 0, destinationPort: 0, sequence: 0, maxSegmentBytes, timestamp: 0 };
    this.quoted = { sourceAt: -1, cutBytes: socket.family === 4 ? 0 : ipBytes };
    socket.filter(handshakeAnswers(socket.family, options.ports.ports));
  }

  /** The sequence number: random, as RFC 6528 wants it, so neighbours' are far apart. */
  nextKey(taken: (key: number) => boolean): number {
    for (let draws = 0; draws < MAX_DRAWS; draws++) {
      const key = this.#options.random();
      if (!taken(key)) return key;
    }
    return -1;
  }

  /**
   * Each turn uses another source port, until all had theirs. A half-open connection whose RST was
   * lost would answer a SYN from its own port with the wrong number.
   */
  send(request: Request, turn: number): number {
    const { ports } = this.#options.ports;
    const { endpoint, key } = request;
    const place = (this.#salt + turn) % ports.length;
    request.nonce = ports[place];
    request.sentBytes = ipHeaderBytes(this.socket.family) + SYN_BYTES;
    const syn = this.#syn;
    syn.sourcePort = request.nonce;
    syn.destinationPort = endpoint.port;
    syn.sequence = key;
    syn.timestamp = this.#options.random();
    const label = this.socket.family === 4 ? 0 : 1 + (this.#labelSalt + place) % MAX_LABEL;
    const route = this.#options.routes.choose(endpoint, syn.sourcePort, label);
    if (typeof route === "number") return route;
    this.socket.setInterface(route.interfaceIndex);
    return this.socket.family === 4
      ? this.#send4(request, route.source)
      : this.#send6(request, label);
  }

  read(message: Message, out: Answer): boolean {
    const { bytes, end } = message;
    let at = message.at;
    let last = end;
    if (this.socket.family === 4) {
      if (!parseIp(bytes, at, end, this.#ip)) return false;
      at = this.#ip.payloadAt;
      last = this.#ip.payloadEnd;
      message.ttl = this.#ip.ttl;
    }
    const segment = this.#segment;
    if (!parseTcp(bytes, at, last, segment)) return false;
    const reset = (segment.flags & TCP_RST) !== 0;
    const meant = reset ? TCP_ACK : TCP_SYN | TCP_ACK;
    // A RST without ACK proves nothing: anybody could send it (RFC 9293, section 3.10.7.3).
    if ((segment.flags & meant) !== meant) return false;
    // The kernel checks the sums of IPv6 alone (IPV6_CHECKSUM, ipv6(7)).
    if (this.socket.family === 4 && message.isWhole && !this.#isSealed(bytes, at, last)) {
      return false;
    }
    out.key = segment.acknowledgment - 1 >>> 0;
    out.outcome = reset ? "refused" : "established";
    this.#ownPort = segment.destinationPort;
    this.#targetPort = segment.sourcePort;
    return true;
  }

  /** What the SYN-ACK that was just read offers. */
  facts({ bytes }: Message): SynAckFacts {
    return { ...synOffer(bytes, this.#segment), windowBytes: this.#segment.window };
  }

  /** An IPv4 error quotes the IP header too, since we have written it. */
  readQuoted({ bytes, at, end }: Message): number {
    this.quoted.sourceAt = -1;
    let tcpAt = at;
    if (this.socket.family === 4) {
      if (!parseIp(bytes, at, end, this.#ip, "quoted")) return -1;
      if (this.#ip.protocol !== PROTOCOL_TCP) return -1;
      this.quoted.sourceAt = this.#ip.sourceAt;
      tcpAt = this.#ip.payloadAt;
    }
    if (tcpAt + QUOTED_BYTES > end) return -1;
    this.#ownPort = readU16(bytes, tcpAt);
    this.#targetPort = readU16(bytes, tcpAt + 2);
    return readU32(bytes, tcpAt + 4);
  }

  /**
   * A NAT on the way may leave another source port in the quote; the sequence number is proof
   * enough there.
   */
  matches(message: Message, { endpoint, nonce }: Request): boolean {
    return addressIs(message.bytes, message.addressAt, endpoint.bytes) &&
      (this.#ownPort === nonce || message.origin !== SO_EE_ORIGIN_NONE) &&
      this.#targetPort === endpoint.port;
  }

  close(): void {
    this.socket.close();
    this.#options.ports.close();
  }

  #isSealed(bytes: Uint8Array, at: number, end: number): boolean {
    const { sourceAt, destinationAt } = this.#ip;
    const source = bytes.subarray(sourceAt, sourceAt + 4);
    const destination = bytes.subarray(destinationAt, destinationAt + 4);
    const sum = pseudoHeaderSum(source, destination, PROTOCOL_TCP, end - at);
    return isSealed(bytes, at, end, at + TCP_CHECKSUM_AT, sum);
  }

  #send4({ endpoint, hops }: Request, source: Uint8Array): number {
    const packet = this.#packet;
    const ttl = hops === 0 ? DEFAULT_TTL : hops;
    const [to, { tos = 0 }] = [endpoint.bytes, this.#options];
    writeIpv4Header(packet, 0, source, to, PROTOCOL_TCP, ttl, packet.length, tos);
    writeSyn(packet, ipHeaderBytes(4), this.#syn);
    sealTcp(packet, ipHeaderBytes(4), SYN_BYTES, source, endpoint.bytes);
    return this.socket.send(packet, packet.length, endpoint);
  }

  /** The kernel chooses the source and writes the checksum. */
  #send6({ endpoint, hops }: Request, label: number): number {
    if (hops !== 0) this.socket.setHops(hops);
    writeSyn(this.#packet, 0, this.#syn);
    return this.socket.send(this.#packet, SYN_BYTES, endpoint, label);
  }
}
