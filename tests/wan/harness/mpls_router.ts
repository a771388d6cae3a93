/**
 * A router's answer that this kernel cannot give: every IPv4 packet that comes in for others is
 * answered by "time exceeded" with the label stack it is supposed to have borne (RFC 4884, RFC 4950).
 *
 * `mpls_router.ts OWN-ADDRESS PEER-ADDRESS`, in the router's namespace; prints a line once it listens.
 */

import { addressBytes } from "./packet.ts";
import { libc } from "./libc.ts";

// bits/socket.h, linux/if_ether.h (in network order), netinet/in.h
const AF_PACKET = 17;
const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOCK_RAW = 3;
const ETH_P_IP = 0x0008;
const IPPROTO_ICMP = 1;
// RFC 792; RFC 4884: the quote is padded to 128 bytes, its length given in words of 4
const TIME_EXCEEDED = 11;
const HEADER_BYTES = 8;
const QUOTE_BYTES = 128;
const PROTOCOLS = [1, 6, 17];
/** Label 16001, class 5, TTL 1; label 42, bottom of the stack, TTL 254. */
const EXTENSION = [0x20, 0, 0, 0, 0, 12, 1, 1, ...entry(16_001, 5, 0, 1), ...entry(42, 0, 1, 254)];

function entry(label: number, trafficClass: number, bottom: number, ttl: number): number[] {
  const word = label << 12 | trafficClass << 9 | bottom << 8 | ttl;
  return [word >>> 24, word >>> 16 & 255, word >>> 8 & 255, word & 255];
}

/** RFC 1071 */
function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += bytes[i] << 8 | bytes[i + 1];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function answerTo(packet: Uint8Array): Uint8Array<ArrayBuffer> {
  const extension = Uint8Array.from(EXTENSION);
  new DataView(extension.buffer).setUint16(2, checksum(extension));
  const answer = new Uint8Array(HEADER_BYTES + QUOTE_BYTES + extension.length);
  answer[0] = TIME_EXCEEDED;
  answer[5] = QUOTE_BYTES / 4;
  answer.set(packet.subarray(0, QUOTE_BYTES), HEADER_BYTES);
  answer.set(extension, HEADER_BYTES + QUOTE_BYTES);
  new DataView(answer.buffer).setUint16(2, checksum(answer));
  return answer;
}

function main([own, peer]: string[]): void {
  const incoming = libc.socket(AF_PACKET, SOCK_DGRAM, ETH_P_IP);
  const outgoing = libc.socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
  const to = Uint8Array.from([
    AF_INET,
    0,
    0,
    0,
    ...addressBytes(peer).slice(1),
    ...Array(8).fill(0),
  ]);
  if (incoming < 0 || libc.connect(outgoing, to, to.length) !== 0) throw new Error("no sockets");
  console.log("ready");
  const buffer = new Uint8Array(2048);
  const mine = addressBytes(own).slice(1).join(".");
  for (;;) {
    const length = libc.read(incoming, buffer, buffer.length);
    const packet = buffer.subarray(0, length);
    const passing = packet.subarray(16, 20).join(".") !== mine && PROTOCOLS.includes(packet[9]);
    // What leaves comes by here too.
    if (!passing || packet.subarray(12, 16).join(".") === mine) continue;
    const answer = answerTo(packet);
    libc.write(outgoing, answer, answer.length);
  }
}

main(Deno.args);
