/**
 * What the product takes for granted of the runtime without being promised it. A test that fails
 * here names the file that no longer works as it says, or is no longer needed.
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { openDrain } from "../../src/kernel/accept_queue.ts";
import { openBreakOff } from "../../src/kernel/break_off.ts";
import { openLibc } from "../../src/kernel/libc.ts";
import { AT_PAGESZ } from "../../src/kernel/linux.ts";
import { MemoryReturn } from "../../src/kernel/memory.ts";
import { TcpSockets } from "../../src/kernel/tcp_info.ts";
import { drainOf } from "../../src/net/listener.ts";
import { LateAbort } from "../../src/net/late_abort.ts";
import { literalEndpoint } from "../../src/domain/address.ts";

const ignore = Deno.build.os !== "linux";
const CONNECTIONS = 16;
/** So many connections that the last one's descriptor is far from the listener's. */
const FAR = 100;

function loopback(): Deno.TcpListener {
  return Deno.listen({ hostname: "127.0.0.1", port: 0 });
}

Deno.test({
  name: "descriptor_search.ts: a connection's descriptor is the lowest that was free before",
  ignore,
  sanitizeResources: false,
  fn: async () => {
    const sockets = TcpSockets.open();
    assert(sockets !== null);
    using listener = loopback();
    const peer = literalEndpoint("127.0.0.1", listener.addr.port)!;
    const info = { rttUs: 0, retransmits: 0, closed: false };
    let guessed = 0;
    for (let i = 0; i < CONNECTIONS; i++) {
      const guess = sockets.search.next();
      const dialled = Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
      using connection = await dialled;
      const found = sockets.search.find(connection.localAddr.port, peer, guess);
      assert(sockets.info(found, info), "the kernel tells of the descriptor found");
      if (found === guess) guessed++;
    }
    // Another thread of the runtime may open something in between.
    assert(guessed > CONNECTIONS / 2, `${guessed} of ${CONNECTIONS} guesses hit`);
  },
});

Deno.test({
  name: "break_off.ts: breaks off a connection far from its listener, and never the listener",
  ignore,
  sanitizeResources: false,
  fn: async () => {
    const breakOff = openBreakOff();
    assert(breakOff !== null);
    using listener = loopback();
    const { port } = listener.addr;
    const pairs: [Deno.TcpConn, Deno.TcpConn][] = [];
    for (let i = 0; i < FAR; i++) {
      const dialled = Deno.connect({ hostname: "127.0.0.1", port });
      pairs.push([await listener.accept(), await dialled]);
    }
    for (const [accepted, own] of pairs) {
      const peer = literalEndpoint("127.0.0.1", own.localAddr.port)!;
      breakOff(port, peer);
      assertEquals(await accepted.read(new Uint8Array(1)), null, "the connection is broken off");
      accepted.close();
      own.close();
    }
    // A peer that was never there, as one that has reset its connection.
    breakOff(port, literalEndpoint("127.0.0.2", port)!);
    const dialled = Deno.connect({ hostname: "127.0.0.1", port });
    (await listener.accept()).close();
    (await dialled).close();
  },
});

/** A connect whose signal is aborted in the moment between the handshake and the last question. */
function connectAbortedLate(
  port: number,
  signal: AbortSignal,
  abort: () => void,
): Promise<Deno.TcpConn> {
  const ask = signal.throwIfAborted;
  let asked = 0;
  signal.throwIfAborted = () => {
    if (++asked === 2) abort();
    ask.call(signal);
  };
  return Deno.connect({ hostname: "127.0.0.1", port, signal });
}

Deno.test("late_abort.ts: a connection established while it is given up is handed over", async () => {
  using listener = loopback();
  const late = new LateAbort();
  const connect = connectAbortedLate(listener.addr.port, late.signal, () => late.abort());
  using connection = await connect;
  assertEquals([connection.remoteAddr.port, late.signal.aborted], [listener.addr.port, true]);
});

Deno.test({
  name: "late_abort.ts: by a plain signal such a connection is lost, so the file is still needed",
  // The lost connection.
  sanitizeResources: false,
  fn: async () => {
    using listener = loopback();
    const plain = new AbortController();
    const { port } = listener.addr;
    await assertRejects(() => connectAbortedLate(port, plain.signal, () => plain.abort()));
  },
});

/** Bytes of the executable's read-only mappings that are in memory (proc(5), smaps). */
function residentOfExecutable(): number {
  let counted = false;
  let kibibytes = 0;
  for (const line of Deno.readTextFileSync("/proc/self/smaps").split("\n")) {
    if (/^[0-9a-f]+-/.test(line)) counted = / r-[-x]p .*\/(deno|denort)$/.test(line);
    else if (counted && line.startsWith("Rss:")) kibibytes += Number(line.split(/\s+/)[1]);
  }
  return kibibytes * 1024;
}

Deno.test({
  name: "memory.ts: most of the executable's pages are given back",
  ignore,
  sanitizeResources: false,
  fn: () => {
    const memory = MemoryReturn.open();
    assert(memory !== null);
    const before = residentOfExecutable();
    memory.giveBack(false);
    const after = residentOfExecutable();
    assert(before > 0 && after < before / 2, `${before} bytes before, ${after} after`);
  },
});

Deno.test({
  name: "accept_queue.ts: the runtime's listening socket is found and never waits",
  ignore,
  sanitizeResources: false,
  fn: async () => {
    using listener = loopback();
    const drain = drainOf(listener, TcpSockets.open(), openDrain());
    const { port } = listener.addr;
    const connections = await Promise.all(
      Array.from({ length: 3 }, () => Deno.connect({ hostname: "127.0.0.1", port })),
    );
    // The last ACK of a handshake may still be on its way to the queue.
    let drained = drain();
    for (const endMs = performance.now() + 10_000; drained < 3 && performance.now() < endMs;) {
      drained += drain();
    }
    for (const connection of connections) connection.close();
    assertEquals([drained, drain()], [3, 0]);
  },
});

Deno.test({
  name: "libc.ts: what is called seldom returns what it does when it is called often",
  ignore,
  sanitizeResources: false,
  fn: () => {
    const names = ["dup", "close", "read", "getauxval", "if_nametoindex"] as const;
    const seldom = openLibc(names, "seldom");
    // Loaded anew, for the same process.
    const often = openLibc(names);
    assert(seldom !== null && often !== null);
    const bytes = new Uint8Array(1);
    const loopback = new TextEncoder().encode("lo\0");
    const nowhere = new TextEncoder().encode("nowhere\0");
    const results = [seldom, often].map(({ symbols: libc }) => [
      libc.dup(-1),
      libc.close(libc.dup(2)),
      libc.read(-1, bytes, 1n),
      libc.getauxval(AT_PAGESZ),
      libc.if_nametoindex(loopback),
      libc.if_nametoindex(nowhere),
    ]);
    assertEquals(results[0], results[1]);
    assertEquals(results[0].slice(0, 3), [-1, 0, -1n]);
    assert(Number(results[0][3]) >= 4096 && Number(results[0][4]) > 0);
    assertEquals(results[0][5], 0);
  },
});
