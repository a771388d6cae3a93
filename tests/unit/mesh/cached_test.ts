import { assertEquals, assertRejects } from "@std/assert";
import { Cached } from "../../../src/mesh/cached.ts";
import { FakeClock, settle } from "../fake_clock.ts";

/** A value that takes three seconds to make, and is kept for ten. */
function slow(clock: FakeClock): Cached<number> {
  let made = 0;
  return new Cached(clock, 10_000, () => {
    const { promise, resolve } = Promise.withResolvers<number>();
    clock.wakeAt(clock.now() + 3000, () => resolve(++made));
    return promise;
  });
}

Deno.test("a value is kept for its span from when it is there, and made once for all who wait", async () => {
  const clock = new FakeClock();
  const cached = slow(clock);
  const waiting = [cached.get(), cached.get()];
  await clock.advance(3000);
  await settle();
  assertEquals([await waiting[0], await waiting[1], cached.freshMs], [1, 1, 10_000]);
  await clock.advance(9999);
  assertEquals(await cached.get(), 1);
  await clock.advance(1);
  const next = cached.get();
  await clock.advance(3000);
  assertEquals(await next, 2);
});

Deno.test("what cannot be made is not tried again within the span, and a forgotten value is made anew", async () => {
  const clock = new FakeClock();
  let tries = 0;
  const cached = new Cached<number>(clock, 1000, () => {
    tries++;
    return Promise.reject(new Error("no"));
  });
  await assertRejects(() => cached.get(), "no");
  await assertRejects(() => cached.get(), "no");
  assertEquals(tries, 1);
  cached.forget();
  await assertRejects(() => cached.get(), "no");
  assertEquals(tries, 2);
});
