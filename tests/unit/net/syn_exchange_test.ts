import { NONE } from "../../../src/domain/probe_record.ts";
import { assert, assertEquals, assertFalse, assertNotEquals } from "@std/assert";
import type { ProbeRecord } from "../../../src/domain/probe_record.ts";
import type { Endpoint } from "../../../src/domain/target.ts";
import { PacketProber } from "../../../src/net/packet_prober.ts";
import { probeOnce } from "../../../src/net/prober.ts";
import { SynExchange } from "../../../src/net/syn_exchange.ts";
import { addBytes, checksumOf, pseudoHeaderSum } from "../../../src/packet/checksum.ts";
import { readU32 } from "../../../src/packet/network_order.ts";
import { sealTcp } from "../../../src/packet/tcp.ts";
import { FakeClock, settle } from "../fake_clock.ts";
import { endpoint, record } from "../fixtures.ts";
import { ipv4, SOURCE4, TARGET4 } from "../packet/packets.ts";
import { counting, FakePacketSocket } from "./fake_packets.ts";

const TIMEOUT_MS = 1000;
const PORTS = [40_001, 40_002, 40_003];
const OWN = [192, 0, 2, 99];
const EADDRNOTAVAIL = 99;
const [SYN, RST, ACK] = [0x02, 0x04, 0x10];

class Bench {
  readonly clock = new FakeClock();
  readonly socket: FakePacketSocket;
  readonly prober: PacketProber;
  routes = 0;
  portsClosed = 0;

  constructor(readonly family: 4 | 6 = 4, random = counting(0xffff_fff0)) {
    this.socket = new FakePacketSocket(family);
    const ports = { ports: PORTS, close: () => this.portsClosed++ };
    const route = { source: Uint8Array.from(OWN), interfaceIndex: 0 };
    const choose = () => this.routes === 0 ? route : this.routes;
    const options = { ports, routes: { choose }, random };
    const exchange = new SynExchange(this.socket, options);
    const exchanges = { 4: exchange, 6: exchange, [10 - family]: "the other one" };
    this.prober = new PacketProber(exchanges, this.clock, TIMEOUT_MS, "auto");
  }

  get target(): Endpoint {
    return this.family === 4 ? endpoint() : endpoint("2001:db8::5");
  }

  probe(seq = 1): { record: ProbeRecord; settled: boolean } {
    const flying = { record: record({ seq }), settled: false };
    probeOnce(this.prober, this.target, flying.record).then(() => flying.settled = true);
    return flying;
  }

  /** The TCP header of what was sent. */
  segment(index: number): Uint8Array {
    const { bytes } = this.socket.sent[index];
    return this.family === 4 ? bytes.slice(20) : bytes;
  }

  /** A segment from the target that answers what was sent, but for what is said to be different. */
  answer(
    index: number,
    flags: number,
    more: { acks?: number; port?: number; from?: number[] } = {},
  ): void {
    const asked = this.segment(index);
    const acks = readU32(asked, 4) + (more.acks ?? 1) >>> 0;
    const port = more.port ?? (asked[2] << 8 | asked[3]);
    const bytes = new Uint8Array(20);
    const view = new DataView(bytes.buffer);
    view.setUint16(0, port);
    view.setUint16(2, asked[0] << 8 | asked[1]);
    view.setUint32(8, acks);
    bytes[12] = 5 << 4;
    bytes[13] = flags;
    const [source, destination] = [Uint8Array.from(SOURCE4), Uint8Array.from(TARGET4)];
    sealTcp(bytes, 0, bytes.length, source, destination);
    const packet = this.family === 4 ? ipv4({ protocol: 6, payload: [...bytes] }) : bytes;
    this.socket.receive(packet, more.from ?? this.target.bytes);
  }
}

Deno.test("a SYN-ACK is established, a RST refused, and no SYN was sent again", async () => {
  for (const family of [4, 6] as const) {
    for (const [flags, outcome] of [[SYN | ACK, "established"], [RST | ACK, "refused"]] as const) {
      const bench = new Bench(family);
      const flying = bench.probe();
      await bench.clock.advance(7);
      bench.answer(0, flags);
      await settle();
      const { rttUs, rttSource, connectUs, synRetransmits } = flying.record;
      assertEquals([flying.record.outcome, connectUs, synRetransmits], [outcome, 7000, 0]);
      // A refusal has a connect time and no RTT.
      const rtt = outcome === "established" ? [7000, "clock"] : [NONE, null];
      assertEquals<unknown>([rttUs, rttSource], rtt);
    }
  }
});

Deno.test("the IPv4 packet is whole: addresses, ports and both checksums", () => {
  const bench = new Bench();
  bench.probe();
  const [{ bytes }] = bench.socket.sent;
  assertEquals([...bytes.slice(12, 20)], [...OWN, ...bench.target.bytes]);
  assertEquals(checksumOf(addBytes(0, bytes, 0, 20)), 0);
  const segment = bench.segment(0);
  const pseudo = pseudoHeaderSum(bytes.slice(12, 16), bytes.slice(16, 20), 6, segment.length);
  assertEquals(checksumOf(addBytes(pseudo, segment, 0, segment.length)), 0);
  assertEquals([segment[2] << 8 | segment[3], segment[13]], [bench.target.port, SYN]);
  bench.prober.stop();
});

Deno.test("sequence numbers differ, and the acknowledgment may wrap around to 0", async () => {
  const bench = new Bench(4, () => 0xffff_ffff);
  const flying = bench.probe();
  bench.answer(0, SYN | ACK);
  await settle();
  assertEquals(flying.record.outcome, "established");
  const other = new Bench();
  other.probe(1);
  other.probe(2);
  assertNotEquals(readU32(other.segment(0), 4), readU32(other.segment(1), 4));
  other.prober.stop();
});

Deno.test("without a free sequence number a probe is not sent", async () => {
  const bench = new Bench(4, () => 7);
  bench.probe();
  const flying = bench.probe();
  await settle();
  assertEquals([flying.record.outcome, bench.socket.sent.length], ["error", 1]);
  bench.prober.stop();
});

Deno.test("a target's probes leave from each port in turn", () => {
  const bench = new Bench();
  for (let seq = 1; seq <= 6; seq++) bench.probe(seq);
  const ports = bench.socket.sent.map((_, i) => bench.segment(i)[0] << 8 | bench.segment(i)[1]);
  assertEquals(ports.slice(0, 3).toSorted(), PORTS);
  assertEquals(ports.slice(3), ports.slice(0, 3));
  bench.prober.stop();
});

Deno.test("an answer with a wrong number, port, address or flag is not ours", async () => {
  const bench = new Bench();
  const flying = bench.probe();
  bench.answer(0, SYN | ACK, { acks: 0 });
  bench.answer(0, SYN | ACK, { acks: 2 });
  bench.answer(0, SYN | ACK, { port: 1 });
  bench.answer(0, SYN | ACK, { from: [203, 0, 113, 9] });
  bench.answer(0, RST | ACK, { acks: 0 });
  assertEquals(bench.prober.unmatched, 5);
  // No answers at all: a RST that proves nothing, a challenge ACK, a SYN.
  for (const flags of [RST, ACK, SYN]) bench.answer(0, flags);
  assertEquals(bench.prober.unmatched, 5);
  await settle();
  assertFalse(flying.settled);
  bench.prober.stop();
});

Deno.test("a SYN that comes back as port unreachable was refused", async () => {
  for (const family of [4, 6] as const) {
    const bench = new Bench(family);
    const flying = bench.probe();
    const { bytes } = bench.socket.sent[0];
    const error = family === 4 ? { type: 3, code: 3 } : { type: 1, code: 4 };
    // IPv4's error queue quotes from the IP header on, IPv6's from the TCP header.
    const quoted = bytes.slice(0, (family === 4 ? 20 : 0) + 8);
    bench.socket.return(quoted.slice(0, -1), bench.target.bytes, error);
    await settle();
    assertFalse(flying.settled);
    bench.socket.return(quoted, bench.target.bytes, error);
    await settle();
    assertEquals([flying.record.outcome, flying.record.error], [
      "refused",
      "port unreachable",
    ]);
  }
});

Deno.test("an error about another program's segment touches no probe", async () => {
  const bench = new Bench();
  const flying = bench.probe();
  const { bytes } = bench.socket.sent[0];
  const error = { type: 3, code: 3 };
  for (const at of [9, 23, 27]) {
    bench.socket.return(bytes.with(at, bytes[at] ^ 1), bench.target.bytes, error);
  }
  await settle();
  assertFalse(flying.settled);
  bench.prober.stop();
});

Deno.test("an error that quotes the port of a NAT is known by the sequence number", async () => {
  const bench = new Bench();
  const { record } = bench.probe();
  const quoted = bench.socket.sent[0].bytes.slice(0, 28);
  quoted.set([203, 0, 113, 9], 12);
  quoted[20] ^= 1;
  bench.socket.return(quoted, bench.target.bytes, { type: 3, code: 3 });
  await settle();
  assertEquals([record.outcome, record.error], ["refused", "port unreachable"]);
});

Deno.test("where the routes give no source nothing is sent", async () => {
  const bench = new Bench();
  bench.routes = EADDRNOTAVAIL;
  const flying = bench.probe();
  await settle();
  assertEquals([flying.record.outcome, bench.socket.sent.length], ["error", 0]);
});

Deno.test("stopping closes the socket and gives the ports back", () => {
  const bench = new Bench();
  bench.probe();
  bench.prober.stop();
  assert(bench.socket.closed);
  assertEquals(bench.portsClosed, 1);
});
