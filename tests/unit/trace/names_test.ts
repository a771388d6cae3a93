import type { AddressOrigin } from "../../../src/domain/path.ts";
import { assertEquals } from "@std/assert";
import { Lookups, MAX_LOOKUPS } from "../../../src/trace/names.ts";
import type { AddressFacts } from "../../../src/net/name_server.ts";
import { FakeClock } from "../fake_clock.ts";

/** Answers after so many ms, or never. */
class FakeFacts implements AddressFacts {
  underWay = 0;
  mostUnderWay = 0;
  asked = 0;
  constructor(readonly clock: FakeClock, readonly afterMs: number) {}

  nameOf(address: string): Promise<string | null> {
    return this.#later(`name of ${address}`);
  }

  originOf(): Promise<AddressOrigin | null> {
    return this.#later({ numbers: [64_500], prefix: "192.0.2.0/24" });
  }

  #later<T>(value: T): Promise<T> {
    this.asked++;
    this.mostUnderWay = Math.max(this.mostUnderWay, ++this.underWay);
    return new Promise((resolve) =>
      this.clock.wakeAt(this.clock.now() + this.afterMs, () => {
        this.underWay--;
        resolve(value);
      })
    );
  }
}

Deno.test("each address is looked up once, a few at a time", async () => {
  const clock = new FakeClock();
  const facts = new FakeFacts(clock, 10);
  const lookups = new Lookups(facts, clock, { names: true, origins: false });
  for (let i = 0; i < 30; i++) lookups.want(`192.0.2.${i % 20}`);
  const settled = lookups.settled(1000);
  await clock.advance(100);
  await settled;
  assertEquals([facts.asked, facts.mostUnderWay], [20, MAX_LOOKUPS]);
  assertEquals(lookups.of("192.0.2.19"), { name: "name of 192.0.2.19", origin: null });
  assertEquals(clock.waiting, 0);
});

Deno.test("a server that does not answer holds nothing up for longer than it may", async () => {
  const clock = new FakeClock();
  const lookups = new Lookups(new FakeFacts(clock, 1e9), clock, { names: true, origins: true });
  lookups.want("192.0.2.1");
  let settled = false;
  lookups.settled(1000).then(() => settled = true);
  await clock.advance(999);
  assertEquals(settled, false);
  await clock.advance(1);
  assertEquals(settled, true);
  assertEquals(lookups.of("192.0.2.1"), { name: null, origin: null });
});

Deno.test("all who wait are told when all is known, and when it is stopped", async () => {
  const clock = new FakeClock();
  const lookups = new Lookups(new FakeFacts(clock, 10), clock, { names: true, origins: false });
  lookups.want("192.0.2.1");
  const settled = Promise.all([lookups.settled(1000), lookups.settled(1000)]);
  await clock.advance(10);
  await settled;
  lookups.want("192.0.2.2");
  const stopped = lookups.settled(1000);
  lookups.stop();
  await stopped;
  await lookups.settled(1000);
  await clock.advance(10);
  assertEquals(clock.waiting, 0);
});

Deno.test("with neither asked for, nothing is looked up", async () => {
  const clock = new FakeClock();
  const facts = new FakeFacts(clock, 10);
  const lookups = new Lookups(facts, clock, { names: false, origins: false });
  lookups.want("192.0.2.1");
  await lookups.settled(1000);
  assertEquals(facts.asked, 0);
});
