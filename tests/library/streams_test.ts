/** The library on this machine: what can be handed in, what it shares, and how it fails. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  type Clock,
  connections,
  openPinger,
  openProber,
  openTracer,
  ping,
  probe,
  type Resolver,
  serve,
  SystemError,
  trace,
  UsageError,
} from "../../src/mod.ts";

/** What takes half a second has happened by then, on a busy machine too. */
const BUSY_MS = 60_000;

/** A resolver of one name. */
function resolverOf(name: string, ...addresses: string[]): Resolver & { asked: number } {
  return {
    asked: 0,
    resolve(host): Promise<string[]> {
      this.asked++;
      return host === name ? Promise.resolve(addresses) : Promise.reject(new Error("not known"));
    },
  };
}

Deno.test("a resolver can be handed in, and says where a name leads", async () => {
  await using server = serve({ addresses: ["127.0.0.1"] });
  const resolver = resolverOf("db", "127.0.0.1");
  const target = `orders=db:${server.port}`;
  const [result] = await Array.fromAsync(probe(target, { resolver, count: 1 }));
  assertEquals([result.target.name, result.address, result.outcome], [
    "orders",
    "127.0.0.1",
    "established",
  ]);
  const notices: string[] = [];
  const onNotice = (text: string) => void notices.push(text);
  const [lost] = await Array.fromAsync(ping("cache", { resolver, count: 1, onNotice }));
  assertEquals([lost.outcome, lost.address, lost.error], [
    "unresolved",
    null,
    "cannot resolve cache: not known",
  ]);
  assertEquals(notices, ["cache: cannot resolve cache: not known"]);
  const [path] = await Array.fromAsync(trace("cache", { resolver }));
  assertEquals([path.error, path.reached], ["cannot resolve cache: not known", false]);
});

Deno.test("a source address can be handed in; one that is not this machine's is the first result's error", async () => {
  await using listener = new Listening();
  const results = probe(`127.0.0.1:${listener.port}`, { source: "127.0.0.77", count: 1 });
  const [from] = await Promise.all([listener.peer(), Array.fromAsync(results)]);
  assertEquals(from, "127.0.0.77");
  const stream = probe("127.0.0.1:1", { source: "192.0.2.1" });
  const refusal = "source 192.0.2.1: not an address of this machine";
  const first = await assertRejects(() => stream.next(), SystemError);
  const paths = trace("127.0.0.1", { source: "192.0.2.1", protocol: "icmp" });
  const traced = await assertRejects(() => paths.next(), SystemError);
  const opened = assertThrows(() => openPinger({ source: "192.0.2.1" }), SystemError);
  assertEquals([first, traced, opened].map(({ message }) => message), [refusal, refusal, refusal]);
  const unknown = ping("127.0.0.1", { interfaceName: "nosuch0" });
  await assertRejects(
    () => unknown.next(),
    SystemError,
    "interfaceName nosuch0: no such interface",
  );
});

/** A listener that tells who connects. */
class Listening implements AsyncDisposable {
  #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });

  get port(): number {
    return this.#listener.addr.port;
  }

  async peer(): Promise<string> {
    using connection = await this.#listener.accept();
    return connection.remoteAddr.hostname;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    return Promise.resolve();
  }
}

Deno.test("a clock can be handed in: an hour's schedule is over at once where it says so", async () => {
  let now = 0;
  const clock: Clock = {
    now: () => now,
    wall: () => Date.UTC(2030, 0) + now,
    wakeAt: (atMs, callback) => {
      const timer = setTimeout(() => {
        now = Math.max(now, atMs);
        callback();
      });
      return () => clearTimeout(timer);
    },
  };
  await using server = serve({ addresses: ["127.0.0.1"] });
  const options = {
    clock,
    count: 3,
    intervalMs: 1_800_000,
    timeoutMs: 60_000,
    rttFrom: "kernel",
  } as const;
  const results = await Array.fromAsync(probe(`127.0.0.1:${server.port}`, options));
  const hours = results.map(({ sentMs }) => (sentMs - Date.UTC(2030, 0)) / 3_600_000);
  assertEquals(hours, [0, 0.5, 1]);
});

Deno.test("what is closed ends its streams, and opens none", async () => {
  await using server = serve({ addresses: ["127.0.0.1"] });
  const prober = openProber();
  const tracer = openTracer({ protocol: "icmp" });
  const stream = prober.probe(`127.0.0.1:${server.port}`, { intervalMs: 10 });
  const paths = tracer.trace("127.0.0.1", { rounds: 1000, intervalMs: 10 });
  const [{ done }] = await Promise.all([stream.next(), stream.next()]);
  const path = paths.next();
  assertEquals(done, false);
  await Promise.all([prober.close(), tracer.close()]);
  assertEquals([(await stream.next()).done, (await path).done], [true, true]);
  await assertRejects(() => prober.probe("127.0.0.1:1").next(), Error, "closed");
  await assertRejects(() => tracer.trace("127.0.0.1").next(), Error, "closed");
  await prober.close();
});

Deno.test("a server is closed by its signal, and tells where it listens and what it accepted", async () => {
  const stop = new AbortController();
  let turns = 0;
  const server = serve({
    addresses: ["127.0.0.1", "::1"],
    signal: stop.signal,
    onAccepted: (connections) => turns += connections,
  });
  const { port } = server;
  assertEquals(server.sockets.map((socket) => [socket.address, socket.port]), [
    ["127.0.0.1", port],
    ["::1", port],
  ]);
  await Array.fromAsync(probe([`127.0.0.1:${port}`, `[::1]:${port}`], { count: 5, intervalMs: 5 }));
  stop.abort();
  await server.finished;
  assertEquals([server.counters.accepted, turns], [10, 10]);
  assertThrows(
    () => serve({ addresses: ["192.0.2.1"] }),
    SystemError,
    "cannot listen on 192.0.2.1",
  );
});

Deno.test("a slow reader of connections has the readings wait, or misses the oldest", async () => {
  const waiting = connections({ intervalMs: 100, count: 3, buffer: 1, whenFull: "wait" });
  await waiting.next();
  await new Promise((resolve) => setTimeout(resolve, 500));
  assertEquals([(await Array.fromAsync(waiting)).length, waiting.dropped], [2, 0]);
  const going = connections({ intervalMs: 100, count: 6, buffer: 1, whenFull: "drop-oldest" });
  await going.next();
  const endMs = performance.now() + BUSY_MS;
  while (going.dropped < 4 && performance.now() < endMs) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assertEquals([(await Array.fromAsync(going)).length, going.dropped], [1, 4]);
});

Deno.test("what cannot be used is refused by its name before anything is opened", () => {
  const wrong: readonly [string, () => unknown][] = [
    ['target "db1": wants a port', () => probe("db1")],
    ["port 0: wants a whole number from 1", () => probe({ host: "db1", port: 0 })],
    ["0 targets: wants 1 to", () => ping([])],
    ["timeoutMs 0: wants a number from 1", () => probe("db1:1", { timeoutMs: 0 })],
    ["payloadBytes -1: wants", () => ping("db1", { payloadBytes: -1 })],
    ["ttl 256: wants", () => openPinger({ ttl: 256 })],
    ['source "eth0": wants an IP address', () => openProber({ source: "eth0" })],
    ["rounds 0: wants", () => trace("db1", { rounds: 0 })],
    ["firstHop 9: wants at most maxHops", () => trace("db1", { firstHop: 9, maxHops: 8 })],
    ["mtu: a SYN has no size", () => trace("db1", { mtu: true })],
    ["top 0: wants", () => connections({ top: 0 })],
    ['peer "nobody": wants ADDR', () => connections({ peer: "nobody" })],
    ["port 65536: wants", () => serve({ port: 65_536 })],
    ['address "localhost": wants', () => serve({ addresses: ["localhost"] })],
  ];
  for (const [message, body] of wrong) assertThrows(body, UsageError, message);
});

Deno.test("without a resolver the system's is asked, and nothing of that stays open", async () => {
  const [unknown] = await Array.fromAsync(ping("nobody.invalid", { count: 1 }));
  assertEquals(unknown.error, "cannot resolve nobody.invalid: no such name");
  const [known] = await Array.fromAsync(ping("localhost", { count: 1 }));
  assertEquals(known.outcome, "established");
  const [path] = await Array.fromAsync(trace("nobody.invalid"));
  assertEquals(path.address, null);
});

Deno.test("each round of a trace may be a result, and the last one says that it is over", async () => {
  const options = { rounds: 4, intervalMs: 10, queries: 1, eachRound: true, timeoutMs: 5000 };
  const all = await Array.fromAsync(trace("127.0.0.1:9", options));
  assertEquals(all.map(({ isOver }) => isOver), [false, false, false, true]);
  assertEquals(all.map(({ hops }) => hops[0].sent), [1, 2, 3, 4]);
  assertEquals(
    (await Array.fromAsync(trace("127.0.0.1:9", { ...options, eachRound: false }))).length,
    1,
  );
});

Deno.test("rounds without an end are results until the loop is left", async () => {
  const options = { rounds: Infinity, intervalMs: 10, queries: 1, timeoutMs: 5000 };
  assertThrows(() => trace("127.0.0.1:9", options), UsageError, "rounds Infinity: wants");
  let sent = 0;
  for await (const { hops, isOver } of trace("127.0.0.1:9", { ...options, eachRound: true })) {
    assertEquals(isOver, false);
    sent = hops[0].sent;
    if (sent >= 5) break;
  }
  assertEquals(sent, 5);
});

Deno.test("a reader with one place misses rounds of a trace, and nothing that they have shown", async () => {
  const options = { rounds: 6, intervalMs: 10, queries: 1, eachRound: true, buffer: 1 };
  const sent: number[] = [];
  for await (const { hops, isOver } of trace("127.0.0.1:9", { ...options, timeoutMs: 5000 })) {
    sent.push(hops[0].sent);
    if (!isOver) await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assertEquals(sent.at(-1), 6);
  assertEquals(sent, sent.toSorted((a, b) => a - b));
});

Deno.test("the family of a source is that of its targets; addresses of the other are refused at once", async () => {
  const refused = '"127.0.0.1" is not an IPv6 address, which is what is asked for';
  const source = "::1";
  assertThrows(() => trace("127.0.0.1", { source }), UsageError, refused);
  assertThrows(() => ping("127.0.0.1", { source }), UsageError, refused);
  await using prober = openProber({ source });
  assertThrows(() => prober.probe("db=127.0.0.1:9"), UsageError, refused);
  assertThrows(() => probe("[::1]:9", { family: 4 }), UsageError, '"::1" is not an IPv4 address');
  const resolver = resolverOf("db", "::1");
  const [path] = await Array.fromAsync(
    trace("db", { source, resolver, protocol: "udp", queries: 1, timeoutMs: 5000 }),
  );
  assertEquals([path.address, path.reached], ["::1", true]);
  using held = Deno.listen({ hostname: "0.0.0.0", port: 0 });
  const { port: sourcePort } = held.addr;
  const inUse = trace("127.0.0.1", { sourcePort });
  await assertRejects(() => inUse.next(), SystemError, `sourcePort ${sourcePort}: it is in use`);
  for (const protocol of ["tcp", "udp", "icmp"] as const) {
    const stream = trace("192.0.2.9", { protocol, source: "192.0.2.1" });
    const said = "source 192.0.2.1: not an address of this machine";
    await assertRejects(() => stream.next(), SystemError, said);
  }
});
