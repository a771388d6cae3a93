/** What a stream opened is gone when its loop is left: descriptors, threads, and (by the sanitizers) timers. */
import { assertEquals, assertLessOrEqual } from "@std/assert";
import { delay } from "@std/async/delay";
import { blackHole } from "../binary/harness/black_hole.ts";
import {
  connections,
  knock,
  openKnocker,
  openPinger,
  openProber,
  openTracer,
  ping,
  probe,
  serve,
  trace,
} from "../../src/mod.ts";

const RUNS = 1000;
/** Runs at the same time. */
const AT_ONCE = 25;

/** Names in a folder of /proc/self: its descriptors, or its threads. */
function countIn(folder: "fd" | "task"): number {
  return [...Deno.readDirSync(`/proc/self/${folder}`)].length;
}

/**
 * Has the runtime start all threads of its pool, some 32. A run whose wait stayed in one of them would leave
 * the others without a thread long before the last of 1,000, so that they end says that none did; a
 * thread beside the pool shows in the count.
 */
async function fillThreads(): Promise<void> {
  const libc = Deno.dlopen("libc.so.6", {
    usleep: { parameters: ["u32"], result: "i32", nonblocking: true },
  });
  await Promise.all(Array.from({ length: 64 }, () => libc.symbols.usleep(50_000)));
  libc.close();
}

/** Reads one result and leaves the loop, though more are under way. */
async function abandon(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream) break;
}

/** The same by a signal, from within. */
async function abort(streamOf: (signal: AbortSignal) => AsyncIterable<unknown>): Promise<void> {
  const stop = new AbortController();
  for await (const _ of streamOf(stop.signal)) stop.abort();
}

/** Every way to begin and to leave, with one target that answers and one that does not. */
function waysTo(open: number, silent: number): readonly (() => Promise<void>)[] {
  const targets = [`127.0.0.1:${open}`, `127.0.0.1:${silent}`];
  const often = { intervalMs: 5 };
  return [
    () => abandon(probe(targets, often)),
    () => abandon(probe(targets, { ...often, source: "127.0.0.1", close: "rst" })),
    () => abort((signal) => probe(targets, { ...often, signal })),
    () => abandon(ping(["127.0.0.1", "::1"], often)),
    () => abandon(knock(targets, often)),
    () => abandon(trace(targets, { queries: 1 })),
    () => abandon(trace(["::1", ...targets], { protocol: "udp", paths: 2 })),
    () => abandon(trace(targets, { protocol: "icmp" })),
    () => abandon(connections({ intervalMs: 100 })),
    async () => {
      await using prober = openProber();
      await using pinger = openPinger();
      await using knocker = openKnocker();
      await using tracer = openTracer({ protocol: "icmp" });
      // Left to what ends them: these streams are not.
      await probing(prober.probe(targets, often));
      await probing(pinger.ping("127.0.0.1", often));
      await probing(knocker.knock(targets, often));
      await probing(tracer.trace("127.0.0.1"));
    },
  ];
}

/** Reads one result, and neither ends the stream nor reads on. */
async function probing(stream: AsyncIterator<unknown>): Promise<void> {
  await stream.next();
}

Deno.test({
  name: "1,000 runs opened and abandoned in the middle leave no descriptor, timer or thread",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using server = serve({ addresses: ["127.0.0.1"] });
    using silent = await blackHole();
    const ways = waysTo(server.port, silent.port);
    const run = async (runs: number) => {
      let next = 0;
      const work = async () => {
        while (next < runs) await ways[next++ % ways.length]();
      };
      await Promise.all(Array.from({ length: AT_ONCE }, work));
    };
    // The runtime's own descriptors come with the first runs, and last.
    await run(AT_ONCE);
    await fillThreads();
    const before = { descriptors: countIn("fd"), threads: countIn("task") };
    await run(RUNS);
    // The server is in this process too: it closes the last connections a moment later.
    for (let i = 0; i < 500 && countIn("fd") !== before.descriptors; i++) await delay(20);
    assertEquals(countIn("fd"), before.descriptors);
    assertLessOrEqual(countIn("task"), before.threads);
  },
});

Deno.test({
  name: "10,000 pings at the same time take one socket a family, and all are answered",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using pinger = openPinger();
    await abandon(pinger.ping("127.0.0.1", { count: 1 }));
    const before = countIn("fd");
    const answers = await Promise.all(
      Array.from(
        { length: 10_000 },
        (_, i) => Array.fromAsync(pinger.ping(`127.1.${i >> 8}.${i & 255}`, { count: 1 })),
      ),
    );
    assertEquals(countIn("fd"), before);
    assertEquals(new Set(answers.flat().map(({ outcome }) => outcome)), new Set(["established"]));
    assertEquals(answers.flat().length, 10_000);
  },
});
