/**
 * Truncated and false input: no parser throws, reads outside its bytes, or reports places outside
 * them.
 */
import { assert } from "@std/assert";
import { blankEcho, ECHO_REPLY, ECHO_REQUEST, parseEcho } from "../../../src/packet/echo.ts";
import {
  findExtensions,
  MAX_INTERFACES,
  MAX_MPLS_LABELS,
  parseExtensions,
} from "../../../src/packet/icmp_extension.ts";
import { blankIpPacket, type IpPacket, parseIp } from "../../../src/packet/ip.ts";
import { blankTcpSegment, parseTcp, synOffer } from "../../../src/packet/tcp.ts";
import { property, type Random } from "../random.ts";
import { extensions, guarded, icmpError, ipv4, ipv6, mplsObject, padded } from "./packets.ts";

const RUNS = 4000;
const PAD = 16;

function bytesOf(random: Random, length: number): number[] {
  return Array.from({ length }, () => random.int(0, 255));
}

/** A packet as it should be, of a kind of its own each time; errors in errors among them. */
function sane(random: Random, depth = 0): number[] {
  const body = random.int(0, 2) === 0 && depth < 3
    ? error(random, sane(random, depth + 1))
    : bytesOf(random, random.int(0, 60));
  const protocol = random.pick([1, 6, 17, 58, 0, 43, 44, 51, 60]);
  if (random.int(0, 1) === 0) {
    return ipv4({ protocol, payload: body, options: bytesOf(random, 4 * random.int(0, 10)) });
  }
  const chain = Array.from({ length: random.int(0, 9) }, () =>
    [
      random.pick([0, 43, 44, 51, 60]),
      0,
      ...bytesOf(random, 6),
    ] as [number, ...number[]]);
  return ipv6(protocol, body, chain);
}

function error(random: Random, quoted: readonly number[]): number[] {
  const type = random.pick([1, 2, 3, 4, 5, 11, 12]);
  const quote = random.int(0, 1) === 0 ? quoted : padded(quoted, 128);
  const label = [random.int(0, 0xfffff), random.int(0, 7), random.int(0, 1), random.int(0, 255)];
  const tail = random.int(0, 1) === 0 ? [] : extensions(lying(random, mplsObject(label, label)));
  // No length, the quote's length in words of 4 bytes and of 8, or anything.
  const rest = random.pick([[0, 0, 0, 0], [0, 32, 0, 0], [16, 0, 0, 0], bytesOf(random, 4)]);
  return icmpError(type, random.int(0, 16), rest, [...quote, ...tail]);
}

/** An object whose length may be a little off, though its structure is summed up. */
function lying(random: Random, object: readonly number[]): number[] {
  return object.with(1, Math.max(0, object[1] + random.pick([0, 0, -9, -4, -1, 1, 4, 8])));
}

/** Some of its bytes are false. */
function spoiled(random: Random, packet: number[]): number[] {
  const bytes = [...packet];
  for (let lies = random.int(0, 6); lies > 0 && bytes.length > 0; lies--) {
    bytes[random.int(0, bytes.length - 1)] = random.pick([
      0,
      1,
      4,
      127,
      128,
      255,
      random.int(0, 255),
    ]);
  }
  return bytes;
}

/** Input with bytes before and behind it that nobody may look at. */
function laidOut(
  random: Random,
  packet: readonly number[],
): { at: number; end: number; bytes: Uint8Array } {
  const kept = random.int(0, 1) === 0 ? packet.length : random.int(0, packet.length);
  const at = random.int(0, PAD);
  const all = [...bytesOf(random, at), ...packet.slice(0, kept), ...bytesOf(random, PAD)];
  const end = at + kept;
  return { at, end, bytes: guarded(Uint8Array.from(all), at, end) };
}

function assertWithin(packet: IpPacket, at: number, end: number): void {
  const { payloadAt, payloadEnd, sourceAt, destinationAt, addressBytes } = packet;
  assert(at <= payloadAt && payloadAt <= payloadEnd && payloadEnd <= end);
  assert(at <= sourceAt && destinationAt + addressBytes <= end);
}

function parseAll(bytes: Uint8Array, at: number, end: number): void {
  const ip = blankIpPacket();
  if (parseIp(bytes, at, end, ip)) {
    assertWithin(ip, at, end);
    const segment = blankTcpSegment();
    if (parseTcp(bytes, ip.payloadAt, ip.payloadEnd, segment)) synOffer(bytes, segment);
  }
  parseTcp(bytes, at, end, blankTcpSegment());
  for (const family of [4, 6] as const) {
    parseEcho(bytes, at, end, ECHO_REQUEST[family], blankEcho());
    const echo = blankEcho();
    if (parseEcho(bytes, at, end, ECHO_REPLY[family], echo)) {
      assert(at <= echo.payloadAt && echo.payloadAt <= echo.payloadEnd && echo.payloadEnd <= end);
    }
  }
  for (const toldAt of [0, 8, 128, 4000]) {
    const { labels, interfaces } = findExtensions(bytes, at, end, toldAt, 28);
    assert(labels.length <= MAX_MPLS_LABELS && interfaces.length <= MAX_INTERFACES);
  }
}

property("random bytes harm no parser", RUNS, (random) => {
  const { bytes, at, end } = laidOut(random, bytesOf(random, random.int(0, 300)));
  parseAll(bytes, at, end);
});

property("packets cut short, with lying lengths, harm no parser", RUNS, (random) => {
  const { bytes, at, end } = laidOut(random, spoiled(random, sane(random)));
  parseAll(bytes, at, end);
});

property("errors that quote errors harm no parser", RUNS, (random) => {
  const { bytes, at, end } = laidOut(random, spoiled(random, error(random, sane(random))));
  parseAll(bytes, at, end);
});

property("a range that lies outside its buffer is refused", RUNS / 4, (random) => {
  const bytes = Uint8Array.from(sane(random));
  const at = random.pick([-1, -20, bytes.length, bytes.length + 1, 1e9]);
  const end = bytes.length + random.int(0, 100);
  assert(!parseIp(bytes, at, end, blankIpPacket()));
  assert(!parseTcp(bytes, at, end, blankTcpSegment()));
  assert(!parseEcho(bytes, at, end, ECHO_REPLY[4], blankEcho()));
  assert(parseExtensions(bytes, at, end, "told") === null);
});

property("an end beyond the buffer is the buffer's", RUNS / 4, (random) => {
  const packet = Uint8Array.from(spoiled(random, sane(random)));
  const bytes = guarded(packet, 0, packet.length);
  parseAll(bytes, 0, packet.length);
  const [exact, beyond] = [blankIpPacket(), blankIpPacket()];
  const known = parseIp(packet, 0, packet.length, exact);
  assert(parseIp(bytes, 0, packet.length + 1000, beyond) === known);
  if (known) assert(exact.payloadEnd === beyond.payloadEnd);
});
