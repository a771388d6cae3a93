/** SYN and its answer for a prober, on a raw socket: the kernel, which knows of no connection, closes it by RST. */
import type { Endpoint } from "../domain/target.ts";
import type { Message } from "../kernel/message_batch.ts";
import type { HeldPorts } from "../kernel/own_ports.ts";
import type { PacketSocket } from "../kernel/packet_socket.ts";
import { handshakeAnswers } from "../kernel/socket_filter.ts";
import type { SourceAddresses } from "../kernel/source_address.ts";
import {
  addressIs,
  blankIpPacket,
  IPV4_HEADER_BYTES,
  IPV6_HEADER_BYTES,
  parseIp,
  writeIpv4Header,
} from "../packet/ip.ts";
import { readU16, readU32 } from "../packet/network_order.ts";
import { PROTOCOL_TCP } from "../packet/protocol.ts";
import {
  blankTcpSegment,
  parseTcp,
  sealTcp,
  type Syn,
  SYN_BYTES,
  TCP_ACK,
  TCP_RST,
  TCP_SYN,
  writeSyn,
} from "../packet/tcp.ts";
import type { Answer, Exchange, Request } from "./exchange.ts";

const TTL = 64;
const TCP_HEADER_BYTES = 20;
const ETHERNET_MTU_BYTES = 1500;
/** Ports and sequence number: what an error must quote of the segment (RFC 792). */
const QUOTED_BYTES = 8;
/** Sequence numbers are drawn until one is free; so often without luck means that something is wrong. */
const MAX_DRAWS = 64;

export interface SynOptions {
  readonly ports: HeldPorts;
  /** For IPv4, whose header is ours to write. */
  readonly sources: SourceAddresses;
  /** The source asked for, of the socket's family; null for what the routes say. */
  readonly source: Endpoint | null;
  /** 32 random bits a call. */
  readonly random: () => number;
}

export class SynExchange implements Exchange {
  readonly socket: PacketSocket;
  /** One SYN a probe. */
  readonly synRetransmits = 0;
  #options: SynOptions;
  #packet = new Uint8Array(new ArrayBuffer(IPV4_HEADER_BYTES + SYN_BYTES));
  #source = new Uint8Array(4);
  #syn: Syn;
  /** Where in the ports a target's first probe begins. */
  #salt: number;
  #ip = blankIpPacket();
  #segment = blankTcpSegment();
  /** The port of ours and of the target in what was read last. */
  #ownPort = 0;
  #targetPort = 0;

  /** Puts a filter on the socket; throws ErrnoError where the kernel refuses it. */
  constructor(socket: PacketSocket, options: SynOptions) {
    this.socket = socket;
    this.#options = options;
    this.#salt = options.random();
    const ipBytes = socket.family === 4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
    const maxSegmentBytes = ETHERNET_MTU_BYTES - ipBytes - TCP_HEADER_BYTES;
    this.#syn = { sourcePort: 0, destinationPort: 0, sequence: 0, maxSegmentBytes, timestamp: 0 };
    socket.filter(handshakeAnswers(socket.family, options.ports.ports));
  }

  /** The sequence number: random, as RFC 6528 wants it. */
  nextKey(taken: (key: number) => boolean): number {
    for (let draws = 0; draws < MAX_DRAWS; draws++) {
      const key = this.#options.random();
      if (!taken(key)) return key;
    }
    return -1;
  }

  /**
   * Each of a target's probes leaves from another port, until all had their turn: a half-open
   * connection whose RST was lost would answer a SYN from its own port with the wrong number.
   */
  send(request: Request, seq: number): number {
    const { ports } = this.#options.ports;
    const { endpoint } = request;
    request.nonce = ports[(this.#salt + seq) % ports.length];
    const syn = this.#syn;
    syn.sourcePort = request.nonce;
    syn.destinationPort = endpoint.port;
    syn.sequence = request.key;
    syn.timestamp = this.#options.random();
    return this.socket.family === 4 ? this.#send4(endpoint) : this.#send6(endpoint);
  }

  read(message: Message, out: Answer): boolean {
    const { bytes, end } = message;
    let at = message.at;
    if (this.socket.family === 4) {
      if (!parseIp(bytes, at, end, this.#ip)) return false;
      at = this.#ip.payloadAt;
    }
    const segment = this.#segment;
    if (!parseTcp(bytes, at, end, segment)) return false;
    const reset = (segment.flags & TCP_RST) !== 0;
    const meant = reset ? TCP_ACK : TCP_SYN | TCP_ACK;
    // A RST without ACK proves nothing: anybody could send it (RFC 9293, section 3.10.7.3).
    if ((segment.flags & meant) !== meant) return false;
    out.key = segment.acknowledgment - 1 >>> 0;
    out.outcome = reset ? "refused" : "established";
    this.#ownPort = segment.destinationPort;
    this.#targetPort = segment.sourcePort;
    return true;
  }

  /** An IPv4 error quotes the IP header too, since we have written it. */
  readQuoted({ bytes, at, end }: Message): number {
    if (this.socket.family === 4) {
      if (!parseIp(bytes, at, end, this.#ip) || this.#ip.protocol !== PROTOCOL_TCP) return -1;
      at = this.#ip.payloadAt;
    }
    if (at + QUOTED_BYTES > end) return -1;
    this.#ownPort = readU16(bytes, at);
    this.#targetPort = readU16(bytes, at + 2);
    return readU32(bytes, at + 4);
  }

  matches(message: Message, { endpoint, nonce }: Request): boolean {
    return addressIs(message.bytes, message.addressAt, endpoint.bytes) &&
      this.#ownPort === nonce && this.#targetPort === endpoint.port;
  }

  close(): void {
    this.socket.close();
    this.#options.ports.close();
  }

  #send4(endpoint: Endpoint): number {
    const { source, sources } = this.#options;
    if (source !== null) this.#source.set(source.bytes);
    else {
      const errno = sources.choose(endpoint, this.#source);
      if (errno !== 0) return errno;
    }
    const packet = this.#packet;
    writeIpv4Header(packet, 0, this.#source, endpoint.bytes, PROTOCOL_TCP, TTL, packet.length);
    writeSyn(packet, IPV4_HEADER_BYTES, this.#syn);
    sealTcp(packet, IPV4_HEADER_BYTES, SYN_BYTES, this.#source, endpoint.bytes);
    return this.socket.send(packet, packet.length, endpoint);
  }

  /** The kernel chooses the source and writes the checksum (IPV6_CHECKSUM, ipv6(7)). */
  #send6(endpoint: Endpoint): number {
    writeSyn(this.#packet, 0, this.#syn);
    return this.socket.send(this.#packet, SYN_BYTES, endpoint);
  }
}
