import { assertEquals } from "@std/assert";
import type { Route, RouteFlow } from "../../../src/kernel/route.ts";
import { RouteBook } from "../../../src/net/route_book.ts";
import { FakeClock } from "../fake_clock.ts";
import { endpoint } from "../fixtures.ts";

const OPTIONS = { protocol: 6, source: null, interfaceIndex: 0, tos: 0 };
const OWN = Uint8Array.of(192, 0, 2, 99);

class Bench {
  readonly clock = new FakeClock();
  asked: RouteFlow[] = [];
  book: RouteBook;

  constructor(public answer: (flow: RouteFlow) => Route | number) {
    const lookUp = (flow: RouteFlow) => {
      this.asked.push(flow);
      return this.answer(flow);
    };
    this.book = new RouteBook({ lookUp }, this.clock, OPTIONS);
  }
}

const oneWay = (): Route => ({ source: OWN, interfaceIndex: 3, gateway: "c0000201" });

Deno.test("where there is one next hop, the kernel finds it, and is asked but now and then", async () => {
  const bench = new Bench(oneWay);
  for (let i = 0; i < 100; i++) {
    assertEquals(bench.book.choose(endpoint(), 40_000 + i, 0), { source: OWN, interfaceIndex: 0 });
  }
  const before = bench.asked.length;
  await bench.clock.advance(2001);
  bench.book.choose(endpoint(), 40_000, 0);
  assertEquals(bench.asked.length, before + 1);
});

Deno.test("where next hops differ by the flow's ports, each flow takes its own", () => {
  const bench = new Bench(({ sourcePort }) => ({
    source: OWN,
    interfaceIndex: 3 + sourcePort % 2,
    gateway: "",
  }));
  for (const port of [40_000, 40_001, 40_002, 40_001]) {
    const route = { source: OWN, interfaceIndex: 3 + port % 2 };
    assertEquals(bench.book.choose(endpoint(), port, 0), route);
  }
  assertEquals(bench.book.isUnsteerable, false);
  // Asked with the source that the routes chose, as a connection has it.
  assertEquals(bench.asked.at(-1)?.source, OWN);
});

Deno.test("next hops behind one interface cannot be steered to, which is said", () => {
  const gateways = ["c0000201", "c0000202"];
  const bench = new Bench(({ sourcePort }) => ({
    source: OWN,
    interfaceIndex: 3,
    gateway: gateways[sourcePort % 2],
  }));
  bench.book.choose(endpoint(), 40_000, 0);
  assertEquals(bench.book.isUnsteerable, true);
});

Deno.test("no route is an errno, and is not believed for long; an address that changed is seen at once", () => {
  const bench = new Bench(() => 101);
  assertEquals(bench.book.choose(endpoint(), 40_000, 0), 101);
  bench.answer = oneWay;
  assertEquals(bench.book.choose(endpoint(), 40_000, 0), { source: OWN, interfaceIndex: 0 });
  const other = Uint8Array.of(192, 0, 2, 100);
  bench.answer = () => ({ ...oneWay(), source: other });
  bench.book.forget(endpoint());
  assertEquals(bench.book.choose(endpoint(), 40_000, 0), { source: other, interfaceIndex: 0 });
});
