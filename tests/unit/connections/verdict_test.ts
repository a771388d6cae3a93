/** Verdicts by their thresholds, each just below and just at it. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import type { ConnectionVerdict } from "../../../src/domain/connection.ts";
import { SUM } from "../../../src/connections/group_table.ts";
import { type Evidence, verdictsOn } from "../../../src/connections/verdict.ts";

type Sums = Readonly<Partial<Record<keyof typeof SUM, number>>>;

function verdicts(sums: Sums, more: Partial<Evidence> = {}): ConnectionVerdict[] {
  const values = new Map<number, number>(
    Object.entries(sums).map(([name, value]) => [SUM[name as keyof typeof SUM], value]),
  );
  const sum = (place: number) => values.get(place) ?? 0;
  return verdictsOn({ sum, queues: null, overflowed: true, handshake: null, ...more });
}

const names = (sums: Sums, more: Partial<Evidence> = {}) =>
  verdicts(sums, more).map(({ verdict }) => verdict);

Deno.test("nothing stands out where nothing happened", () => {
  assertEquals(names({ connections: 50, minRtt: 20_000 }), []);
});

Deno.test("loss wants three segments and one per cent, and what the peer had already is not lost", () => {
  assertEquals(names({ dataSegmentsOut: 300, retransmitted: 3 }), ["loss"]);
  assertEquals(names({ dataSegmentsOut: 301, retransmitted: 3 }), []);
  assertEquals(names({ dataSegmentsOut: 50, retransmitted: 2 }), []);
  assertEquals(names({ dataSegmentsOut: 100, retransmitted: 5, duplicates: 3 }), []);
  const [{ evidence }] = verdicts({ dataSegmentsOut: 1000, retransmitted: 25, duplicates: 5 });
  assertEquals(evidence, "the path lost 20 of 1000 segments (2.0%)");
});

Deno.test("queueing wants half of the bulk senders, or a handshake beside, far above the minimum", () => {
  const bulk = { bulk: 4, queueing: 2, queueingRtt: 120_000, queueingMin: 20_000 };
  const [{ verdict, evidence }] = verdicts(bulk);
  assertEquals(verdict, "queueing");
  assertStringIncludes(evidence, "2 of 4 bulk senders have a round trip of 60.0 ms");
  assertStringIncludes(evidence, "minimum of 10.0 ms");
  assertEquals(names({ ...bulk, queueing: 1 }), []);
  const handshake = (count: number, p50Us: number) => ({
    handshake: { count, minUs: 1, p50Us, p99Us: p50Us, maxUs: p50Us, sumUs: 1 },
  });
  assertEquals(names({ minRtt: 10_000 }, handshake(5, 20_000)), ["queueing"]);
  assertEquals(names({ minRtt: 10_000 }, handshake(5, 19_000)), []);
  assertEquals(names({ minRtt: 10_000 }, handshake(2, 90_000)), []);
  // Twice the minimum is nothing where both are small.
  assertEquals(names({ minRtt: 100 }, handshake(5, 4000)), []);
});

Deno.test("connects that wait want two SYNs sent again", () => {
  assertEquals(names({ connecting: 3, synsRepeated: 1, mostSynsRepeated: 1 }), []);
  const [{ verdict, evidence }] = verdicts({ connecting: 3, synsRepeated: 5, mostSynsRepeated: 4 });
  assertEquals(verdict, "connect");
  assertEquals(evidence, "3 connects wait for an answer, the SYN sent again up to 4 times");
});

Deno.test("a peer that reads slowly and a send buffer that is small are told apart", () => {
  assertEquals(names({ connections: 5, heldByReceiver: 1 }), ["receiver"]);
  assertEquals(names({ connections: 5, heldBySendBuffer: 1 }), ["sender"]);
});

Deno.test("an accept queue is full above its limit, or has overflowed", () => {
  const queues = { port: 5432, waiting: 5, limit: 4, drops: 0, full: true };
  const [{ evidence }] = verdicts({}, { queues });
  assertStringIncludes(evidence, "port 5432's accept queue holds 5 of 4");
  const emptied = { ...queues, waiting: 0, drops: 2, full: false };
  assertEquals(names({}, { queues: emptied }), ["accept_queue"]);
  assertEquals(names({}, { queues: emptied, overflowed: false }), []);
  assertEquals(names({}, { queues: { ...queues, waiting: 4, full: false } }), []);
});

Deno.test("ten connections that stay in CLOSE_WAIT are a pile", () => {
  assertEquals(names({ closeWait: 90, closeWaitLong: 9 }), []);
  assertEquals(names({ closeWait: 90, closeWaitLong: 10 }), ["close_wait"]);
});
