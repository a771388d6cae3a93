import { assertEquals } from "@std/assert";
import { FileWatch, LOOK_EVERY_MS } from "../../../src/mesh/file_watch.ts";
import { FakeClock } from "../fake_clock.ts";

interface Watched {
  readonly clock: FakeClock;
  readonly watch: FileWatch;
  stamp: string | null;
  changes: number;
}

function watched(): Watched {
  const clock = new FakeClock();
  const of = { clock, stamp: "1" as string | null, changes: 0 };
  const watch = new FileWatch("1", {
    clock,
    stamp: () => Promise.resolve(of.stamp),
    onChange: () => void of.changes++,
  });
  return Object.assign(of, { watch });
}

Deno.test("a file that stays as it is is left alone", async () => {
  const of = watched();
  await of.clock.advance(10 * LOOK_EVERY_MS);
  assertEquals(of.changes, 0);
  of.watch.stop();
  assertEquals(of.clock.waiting, 0);
});

Deno.test("a file that changed is read once it has not changed for a whole look", async () => {
  const of = watched();
  of.stamp = "2";
  await of.clock.advance(LOOK_EVERY_MS);
  of.stamp = "3";
  await of.clock.advance(LOOK_EVERY_MS);
  assertEquals(of.changes, 0);
  await of.clock.advance(LOOK_EVERY_MS);
  assertEquals(of.changes, 1);
  await of.clock.advance(5 * LOOK_EVERY_MS);
  assertEquals(of.changes, 1);
  of.watch.stop();
});

Deno.test("a file that is gone for a while is no change", async () => {
  const of = watched();
  of.stamp = null;
  await of.clock.advance(3 * LOOK_EVERY_MS);
  of.stamp = "1";
  await of.clock.advance(3 * LOOK_EVERY_MS);
  assertEquals(of.changes, 0);
  of.watch.stop();
});

Deno.test("asked for, it is read at once, and not again by itself", async () => {
  const of = watched();
  of.stamp = "2";
  await of.watch.readNow();
  assertEquals(of.changes, 1);
  await of.clock.advance(5 * LOOK_EVERY_MS);
  assertEquals(of.changes, 1);
  of.watch.stop();
  await of.watch.readNow();
  assertEquals(of.changes, 1);
});
