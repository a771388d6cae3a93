/** The exporters over real sockets: what was made = what arrived + what is counted as dropped. */
import { assert, assertEquals } from "@std/assert";
import { type DatagramSocket, UdpSockets } from "../../src/kernel/udp_socket.ts";
import { CollectdSocket, unixStream } from "../../src/sink/collectd_socket.ts";
import type { Exporter } from "../../src/sink/exporter.ts";
import { httpPost } from "../../src/sink/http_post.ts";
import { Trouble } from "../../src/sink/exporter.ts";
import { OutputQueue } from "../../src/sink/output_queue.ts";
import { INFLUX_QUEUE, InfluxHttp } from "../../src/sink/influx_http.ts";
import { writeRequest } from "../../src/sink/influx_request.ts";
import { InfluxUdp } from "../../src/sink/influx_udp.ts";
import { systemClock } from "../../src/time/clock.ts";
import { freePort } from "../../scripts/gate/command.ts";
import { endpoint, record } from "../unit/fixtures.ts";
import { range, seqFormat } from "../unit/sink/seq_format.ts";
import { CollectdServer, InfluxServer, UdpReceiver, until } from "./receivers.ts";

function put(exporter: Exporter, from: number, to: number): void {
  for (const seq of range(from, to)) exporter.record(record({ seq }));
}

/** Sends at a pace, as a probe does, until told to stop. */
function stream(exporter: Exporter, everyMs: number): { made: number; stop(): void } {
  const state = { made: 0, stop: () => clearInterval(timer) };
  const timer = setInterval(() => put(exporter, ++state.made, state.made), everyMs);
  return state;
}

function udpExporter(
  socket: DatagramSocket,
  batchBytes: number | null,
  said: string[] = [],
): InfluxUdp {
  const options = { where: "udp", batchBytes, flushMs: 20 };
  const notice = (text: string) => said.push(text);
  return new InfluxUdp(options, { format: seqFormat(20), socket, clock: systemClock, notice });
}

// Once, as the tool does: libc is never closed.
const udpSockets = UdpSockets.open();

function udpSocket(address: string, port: number): DatagramSocket {
  assert(udpSockets !== null);
  return udpSockets.to(endpoint(address, port));
}

// ---- UDP

for (const address of ["127.0.0.1", "::1"]) {
  Deno.test(`datagrams reach ${address}, one a record`, async () => {
    const receiver = await UdpReceiver.open(address);
    const exporter = udpExporter(udpSocket(address, receiver.port), null);
    put(exporter, 1, 50);
    await until(() => receiver.numbers.length === 50, "50 lines");
    await exporter.close(0);
    assertEquals([receiver.numbers, receiver.datagrams, exporter.dropped], [range(1, 50), 50, 0]);
    await receiver.close();
  });
}

Deno.test("batched datagrams keep below the size asked for", async () => {
  const receiver = await UdpReceiver.open("127.0.0.1");
  const exporter = udpExporter(udpSocket("127.0.0.1", receiver.port), 1432);
  put(exporter, 1, 200);
  await until(() => receiver.numbers.length === 200, "200 lines");
  await exporter.close(0);
  assertEquals([receiver.numbers, receiver.longest, receiver.datagrams], [range(1, 200), 1420, 3]);
  await receiver.close();
});

Deno.test("a UDP receiver that is absent, comes, goes and comes again: the count is exact", async () => {
  const port = freePort();
  const said: string[] = [];
  const exporter = udpExporter(udpSocket("127.0.0.1", port), null, said);
  put(exporter, 1, 10);
  const second = await UdpReceiver.open("127.0.0.1", port);
  put(exporter, 11, 20);
  await until(() => second.numbers.length === 10, "10 lines");
  assertEquals([second.numbers, exporter.dropped], [range(11, 20), 10]);
  await second.close();
  put(exporter, 21, 25);
  const third = await UdpReceiver.open("127.0.0.1", port);
  put(exporter, 26, 30);
  await until(() => third.numbers.length === 5, "5 lines");
  await third.close();
  put(exporter, 31, 31);
  await exporter.close(0);
  assertEquals([third.numbers, exporter.dropped], [range(26, 30), 16]);
  assertEquals(said, ["udp: refused: nobody listens there"]);
});

Deno.test("a UDP receiver that does not read holds nothing up", async () => {
  const receiver = await UdpReceiver.open("127.0.0.1");
  const exporter = udpExporter(udpSocket("127.0.0.1", receiver.port), null);
  // The receiver shares this thread: it cannot read before all is sent, and its buffer overflows.
  put(exporter, 1, 5000);
  await until(() => receiver.numbers.length > 0, "what fitted in its buffer");
  assertEquals([receiver.numbers[0], exporter.dropped], [1, 0]);
  await exporter.close(0);
  await receiver.close();
});

const WITHOUT_FFI = { permissions: { ffi: false, net: true } } as const;

Deno.test("libc bound before its permission went is enough", WITHOUT_FFI, async () => {
  const exporter = udpExporter(udpSocket("127.0.0.1", freePort()), null);
  put(exporter, 1, 3);
  await exporter.close(0);
  const { state } = Deno.permissions.querySync({ name: "ffi" });
  assertEquals([state === "granted", exporter.dropped], [false, 3]);
});

// ---- HTTP

/** No server that answers takes so long. */
const UNHURRIED_MS = 10_000;

/** What an exporter to this server is made of, with waits that suit a test. */
function httpExporter(port: number, said: string[] = [], timeoutMs = UNHURRIED_MS): InfluxHttp {
  const request = writeRequest(`influx-http://127.0.0.1:${port}/?db=net`, null);
  const bounds = {
    flushMs: 20,
    timeoutMs,
    backoff: { firstMs: 20, mostMs: 100 },
  };
  const output = {
    queue: new OutputQueue({ batches: 4, batchBytes: 16_384 + 1000 }),
    trouble: new Trouble(request.where, (text) => said.push(text)),
  };
  const parts = { format: seqFormat(20), post: httpPost(request), clock: systemClock, output };
  return new InfluxHttp(parts, bounds);
}

function missing(server: InfluxServer, made: number): number {
  return range(1, made).filter((seq) => !server.stored.has(seq)).length;
}

Deno.test("writes reach the v1 and the v2 API with what they ask for", async () => {
  const server = new InfluxServer();
  const base = `influx-http://127.0.0.1:${server.port}`;
  for (const [query, token] of [["?db=net&u=a&p=b", null], ["?org=o&bucket=b", "T"]] as const) {
    const request = writeRequest(`${base}/${query}`, token);
    const exporter = new InfluxHttp({
      format: seqFormat(),
      post: httpPost(request),
      clock: systemClock,
      output: {
        queue: new OutputQueue(INFLUX_QUEUE),
        trouble: new Trouble(request.where, () => {}),
      },
    });
    put(exporter, 1, 3);
    await exporter.close(5000);
    assertEquals(exporter.dropped, 0);
  }
  assertEquals(server.requests, [
    { path: "/write?db=net&precision=ns", authorization: `Basic ${btoa("a:b")}` },
    { path: "/api/v2/write?org=o&bucket=b&precision=ns", authorization: "Token T" },
  ]);
  assertEquals([...server.stored], [1, 2, 3]);
  await server.stop();
});

Deno.test("a server that is absent at first gets what the queue could hold", async () => {
  const port = freePort();
  const said: string[] = [];
  const exporter = httpExporter(port, said);
  put(exporter, 1, 1000);
  assert(exporter.dropped > 500);
  assertEquals(exporter.dropped + exporter.waiting, 1000);
  await until(() => said.length > 0, "a notice");
  const server = new InfluxServer(port);
  await until(() => exporter.waiting === 0, "delivery");
  assertEquals(missing(server, 1000), exporter.dropped);
  assertEquals(said.length, 2);
  assert(said[0].endsWith("cannot write: Connection refused; trying again"), said[0]);
  await exporter.close(1000);
  await server.stop();
});

Deno.test("a server that stops in mid-stream and comes back: the count is exact", async () => {
  const first = new InfluxServer(freePort());
  const said: string[] = [];
  const exporter = httpExporter(first.port, said, 2000);
  const source = stream(exporter, 2);
  await until(() => first.stored.size > 20, "the first lines");
  first.manner = "silent";
  await until(() => said.length === 1, "a notice of the timeout");
  assertEquals(
    said[0].endsWith("cannot write: no answer within 2 s; trying again"),
    true,
    said[0],
  );
  const { port } = first;
  await first.stop();
  const second = new InfluxServer(port);
  for (const seq of first.stored) second.stored.add(seq);
  await until(() => said.length === 2, "a notice that it goes on");
  source.stop();
  await exporter.close(5000);
  assertEquals(missing(second, source.made), exporter.dropped);
  await second.stop();
});

Deno.test("a server that fails for a while loses nothing that the queue can hold", async () => {
  const server = new InfluxServer();
  const exporter = httpExporter(server.port);
  for (const status of [503, 401, 404, 429, 302]) {
    server.manner = { status };
    const before = server.requests.length;
    put(exporter, 1, 10);
    await until(() => server.requests.length > before, `an attempt met with ${status}`);
  }
  server.manner = { status: 204 };
  await until(() => exporter.waiting === 0, "delivery");
  assertEquals([server.stored.size, exporter.dropped], [10, 0]);
  await exporter.close(1000);
  await server.stop();
});

Deno.test("lines that the server refuses are counted; of what it says little is read", async () => {
  const server = new InfluxServer();
  const said: string[] = [];
  const exporter = httpExporter(server.port, said);
  server.manner = { status: 400, body: `bad\u001b[2J\n${"x".repeat(1_000_000)}` };
  put(exporter, 1, 10);
  await until(() => exporter.dropped === 10, "the refusal");
  server.manner = { status: 204 };
  put(exporter, 11, 20);
  await exporter.close(5000);
  assertEquals([missing(server, 20), exporter.dropped, said.length], [10, 10, 1]);
  assert(said[0].includes("lines refused: HTTP 400 bad [2J xxx") && said[0].length < 300, said[0]);
  await server.stop();
});

Deno.test("closing does not wait for a server that is silent", async () => {
  const server = new InfluxServer();
  server.manner = "silent";
  const exporter = httpExporter(server.port);
  put(exporter, 1, 7);
  await until(() => server.requests.length > 0, "an attempt");
  await exporter.close(50);
  assertEquals(exporter.dropped, 7);
  await server.stop();
});

// ---- collectd

function collectdExporter(path: string, said: string[] = []): CollectdSocket {
  return new CollectdSocket("collectd", {
    format: seqFormat(60),
    connect: unixStream(path),
    clock: systemClock,
    notice: (text) => said.push(text),
  });
}

async function withFolder(body: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(`${folder}/collectd.sock`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("collectd takes lines and answers each", () =>
  withFolder(async (path) => {
    const server = new CollectdServer(path);
    const exporter = collectdExporter(path);
    await exporter.started;
    put(exporter, 1, 100);
    await until(() => exporter.waiting === 0, "answers");
    assertEquals([server.taken.map(Number), exporter.dropped], [range(1, 100), 0]);
    await exporter.close(1000);
    await server.stop();
  }));

Deno.test("a collectd that is absent at first gets lines from when it is there", () =>
  withFolder(async (path) => {
    const said: string[] = [];
    const exporter = collectdExporter(path, said);
    const source = stream(exporter, 5);
    await until(() => exporter.dropped > 10, "lines dropped");
    assertEquals([exporter.waiting, said.length], [0, 1]);
    const server = new CollectdServer(path);
    await until(() => server.taken.length > 10, "delivery");
    source.stop();
    await exporter.close(5000);
    assertEquals(server.taken.length + exporter.dropped, source.made);
    assertEquals(said.length, 2);
    await server.stop();
  }));

Deno.test("a collectd that restarts in mid-stream: the count is exact and no line is torn", () =>
  withFolder(async (path) => {
    const said: string[] = [];
    const first = new CollectdServer(path);
    const exporter = collectdExporter(path, said);
    await exporter.started;
    const source = stream(exporter, 1);
    first.linesLeft = 40;
    await until(() => said.length === 1, "a notice of the loss");
    await first.stop();
    await until(() => exporter.dropped > 20, "lines dropped");
    const second = new CollectdServer(path);
    await until(() => second.taken.length > 20, "delivery");
    source.stop();
    await exporter.close(5000);
    const taken = [...first.taken, ...second.taken];
    assertEquals(taken.length + exporter.dropped, source.made);
    assert(taken.every((line) => /^\d+ *$/.test(line) && line.length === 59));
    assert(said[1].includes("delivering again after"), said[1]);
    await second.stop();
  }));

Deno.test("a collectd that has stopped costs lines, bounded and counted, and then it goes on", () =>
  withFolder(async (path) => {
    const server = new CollectdServer(path, "stopped");
    const exporter = collectdExporter(path);
    await exporter.started;
    let made = 0;
    for (; made < 5000; made++) put(exporter, made + 1, made + 1);
    assert(exporter.waiting <= 256 + 128);
    assertEquals(exporter.dropped + exporter.waiting, made);
    await until(() => exporter.waiting > 0 && server.connections === 1, "the connection");
    server.manner = "takes";
    await until(() => exporter.waiting === 0, "answers");
    put(exporter, made + 1, ++made);
    await until(() => exporter.waiting === 0, "answers");
    assertEquals([server.taken.length + exporter.dropped, Number(server.taken.at(-1))], [
      made,
      made,
    ]);
    await exporter.close(1000);
    await server.stop();
  }));

Deno.test("closing does not wait for a collectd that has stopped", () =>
  withFolder(async (path) => {
    const server = new CollectdServer(path, "stopped");
    const exporter = collectdExporter(path);
    await exporter.started;
    put(exporter, 1, 100);
    await exporter.close(50);
    assertEquals([exporter.dropped, exporter.waiting], [100, 0]);
    await server.stop();
  }));

Deno.test("lines that collectd refuses are counted, and the connection goes on", () =>
  withFolder(async (path) => {
    const said: string[] = [];
    const server = new CollectdServer(path, "refuses");
    const exporter = collectdExporter(path, said);
    await exporter.started;
    put(exporter, 1, 10);
    await until(() => exporter.waiting === 0, "answers");
    server.manner = "takes";
    put(exporter, 11, 15);
    await exporter.close(5000);
    assertEquals([server.refused, exporter.dropped, server.taken.length], [10, 10, 5]);
    assertEquals(said, ["collectd: a line was refused: No such type"]);
    await server.stop();
  }));
