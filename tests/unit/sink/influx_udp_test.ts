import { assertEquals } from "@std/assert";
import type { DatagramSocket, Sent } from "../../../src/kernel/udp_socket.ts";
import { EARLY_BYTES, InfluxUdp } from "../../../src/sink/influx_udp.ts";
import { FakeClock, settle } from "../fake_clock.ts";
import { record, windowOf } from "../fixtures.ts";
import { property } from "../random.ts";
import { numbersOf, range, seqFormat } from "./seq_format.ts";

/** A network that does with datagrams what the test tells it to. */
class FakeSocket implements DatagramSocket {
  readonly arrived: string[] = [];
  readonly failure = "ENETUNREACH";
  closed = false;
  /** Whether somebody listens; a datagram to nobody makes the next send fail once. */
  listens = true;
  /** What the next sends give, before the network is asked. */
  next: Sent[] = [];
  /** Where the receiver is, is not known yet. */
  early = false;
  readonly #known = Promise.withResolvers<void>();
  readonly known = this.#known.promise;
  #refused = false;

  /** Where the receiver is has become known. */
  async learn(): Promise<void> {
    this.early = false;
    this.#known.resolve();
    await settle();
  }

  send(bytes: Uint8Array, length: number): Sent {
    if (this.early) return "early";
    const next = this.next.shift();
    if (next !== undefined) return next;
    if (this.#refused) {
      this.#refused = false;
      return "earlier_lost";
    }
    if (this.listens) this.arrived.push(new TextDecoder().decode(bytes.subarray(0, length)));
    else this.#refused = true;
    return "sent";
  }

  lastIsLost(): boolean {
    return this.#refused;
  }

  close(): void {
    this.closed = true;
  }
}

const setUp = (batchBytes: number | null, lineBytes = 0) => {
  const clock = new FakeClock();
  const socket = new FakeSocket();
  const said: string[] = [];
  const options = { where: "udp", batchBytes, flushMs: 100 };
  const exporter = new InfluxUdp(options, {
    format: seqFormat(lineBytes),
    socket,
    clock,
    notice: (text) => said.push(text),
  });
  const put = (from: number, to: number) => {
    for (const seq of range(from, to)) exporter.record(record({ seq }));
  };
  return { clock, socket, said, exporter, put };
};

Deno.test("without batching each record is a datagram of its own, sent before record() returns", () => {
  const { clock, socket, exporter, put } = setUp(null);
  put(1, 3);
  exporter.window(windowOf());
  assertEquals(socket.arrived, ["1\n", "2\n", "3\n", "w1\nw2\nw3\n"]);
  assertEquals([exporter.dropped, clock.waiting], [0, 0]);
});

Deno.test("batches hold what fits and are sent when the next line would not", () => {
  const { socket, put } = setUp(40, 10);
  put(1, 4);
  // Exactly full: there is nothing to wait for.
  assertEquals(socket.arrived.map(numbersOf), [[1, 2, 3, 4]]);
  const other = setUp(39, 10);
  other.put(1, 7);
  assertEquals(other.socket.arrived.map(numbersOf), [[1, 2, 3], [4, 5, 6]]);
});

Deno.test("a batch that is not full leaves some time after its first line", async () => {
  const { clock, socket, exporter, put } = setUp(40, 10);
  put(1, 1);
  await clock.advance(60);
  put(2, 2);
  await clock.advance(39);
  assertEquals(socket.arrived, []);
  await clock.advance(1);
  assertEquals(socket.arrived.map(numbersOf), [[1, 2]]);
  put(3, 3);
  await exporter.close(0);
  assertEquals([socket.arrived.map(numbersOf), clock.waiting], [[[1, 2], [3]], 0]);
});

Deno.test("a line longer than a batch travels alone", () => {
  const { socket, exporter, put } = setUp(8, 20);
  put(1, 2);
  assertEquals([socket.arrived.map(numbersOf), exporter.dropped], [[[1], [2]], 0]);
});

Deno.test("a refusal counts the datagram before, and the one in hand is sent once more", async () => {
  const { clock, socket, said, exporter, put } = setUp(20, 10);
  put(1, 2);
  socket.listens = false;
  put(3, 6);
  assertEquals(exporter.dropped, 2);
  socket.listens = true;
  put(7, 8);
  assertEquals([socket.arrived.map(numbersOf), exporter.dropped], [[[1, 2], [7, 8]], 4]);
  assertEquals(said, ["udp: refused: nobody listens there"]);
  await clock.advance(5000);
  put(9, 10);
  assertEquals(said.slice(1), ["udp: delivering again after 4 dropped"]);
});

Deno.test("refused twice for one datagram: both are lost", () => {
  const { socket, exporter, put } = setUp(null);
  put(1, 1);
  socket.next = ["earlier_lost", "earlier_lost"];
  put(2, 2);
  assertEquals(exporter.dropped, 2);
});

Deno.test("the last datagram's refusal is asked for at the close", async () => {
  const { socket, exporter, put } = setUp(20, 10);
  socket.listens = false;
  put(1, 1);
  await exporter.close(0);
  assertEquals([exporter.dropped, socket.closed], [1, true]);
});

Deno.test("no room and no route cost the lines in hand, said once", () => {
  const { socket, said, exporter, put } = setUp(20, 10);
  socket.next = ["full", "failed"];
  put(1, 6);
  assertEquals([exporter.dropped, socket.arrived.map(numbersOf)], [4, [[5, 6]]]);
  assertEquals(said, ["udp: the socket's send buffer is full"]);
  socket.next = ["failed"];
  put(7, 8);
  assertEquals(said.length, 1);
});

Deno.test("datagrams made before it is known where the receiver is leave then, in their order", async () => {
  const { socket, said, exporter, put } = setUp(null);
  socket.early = true;
  put(1, 3);
  assertEquals(exporter.receiver.waiting, 3);
  await socket.learn();
  put(4, 4);
  assertEquals(socket.arrived, ["1\n", "2\n", "3\n", "4\n"]);
  assertEquals([exporter.receiver.waiting, exporter.dropped, said], [0, 0, []]);
});

Deno.test("the close waits for it, and no longer than it may", async () => {
  const known = setUp(40, 10);
  known.socket.early = true;
  known.put(1, 2);
  const closed = known.exporter.close(500);
  await known.clock.advance(400);
  await known.socket.learn();
  await closed;
  assertEquals([known.socket.arrived.map(numbersOf), known.clock.waiting], [[[1, 2]], 0]);

  const unknown = setUp(40, 10);
  unknown.socket.early = true;
  unknown.put(1, 2);
  const given = unknown.exporter.close(500);
  await unknown.clock.advance(500);
  await given;
  assertEquals([unknown.exporter.dropped, unknown.socket.closed], [2, true]);
  assertEquals(unknown.said, ["udp: cannot send: ENETUNREACH"]);
});

Deno.test("a bounded number of bytes waits for it; of the others it is said", async () => {
  const { socket, said, exporter, put } = setUp(null, 1024);
  socket.early = true;
  put(1, EARLY_BYTES / 1024 + 3);
  assertEquals([exporter.dropped, said], [3, ["udp: cannot send: ENETUNREACH"]]);
  await socket.learn();
  assertEquals(socket.arrived.map(numbersOf), range(4, EARLY_BYTES / 1024 + 3).map((seq) => [seq]));
});

property(
  "lines made = lines that arrived + dropped, whatever the network does",
  200,
  async (random) => {
    const { socket, exporter, put } = setUp(random.pick([null, 15, 40]), random.int(2, 12));
    let made = 0;
    for (let step = 0; step < 30; step++) {
      socket.listens = random.int(0, 2) > 0;
      if (random.int(0, 4) === 0) socket.next = [random.pick(["full", "failed"] as const)];
      const count = random.int(0, 9);
      put(1, count);
      made += count;
    }
    socket.next = [];
    await exporter.close(0);
    const arrived = socket.arrived.map(numbersOf).flat().length;
    assertEquals(arrived + exporter.dropped, made);
  },
);
