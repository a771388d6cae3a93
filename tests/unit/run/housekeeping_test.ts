/** When memory is given back; where only the timers are looked at there is none to give. */
import { assertEquals } from "@std/assert";
import { Housekeeping } from "../../../src/run/housekeeping.ts";
import type { Cancel } from "../../../src/time/clock.ts";
import { FakeClock } from "../fake_clock.ts";

/** Remembers when turns happened, in ms after the start. */
class TurnClock extends FakeClock {
  readonly turns: number[] = [];
  readonly #startMs = this.now();

  override wakeAt(atMs: number, callback: () => void): Cancel {
    return super.wakeAt(atMs, () => {
      this.turns.push(this.now() - this.#startMs);
      callback();
    });
  }
}

function begun(): { clock: TurnClock; housekeeping: Housekeeping } {
  const clock = new TurnClock();
  return { clock, housekeeping: new Housekeeping(clock, true, null) };
}

Deno.test("one turn after the start, then nothing wakes a process without work", async () => {
  const { clock } = begun();
  await clock.advance(10_000_000);
  assertEquals(clock.turns, [250]);
  assertEquals(clock.waiting, 0);
});

Deno.test("a little work has a turn soon after it begins, then a calm one, then none", async () => {
  const { clock, housekeeping } = begun();
  await clock.advance(1000);
  housekeeping.worked(1);
  await clock.advance(10_000_000);
  assertEquals(clock.turns, [250, 3000, 63_000]);
  assertEquals(clock.waiting, 0);
});

Deno.test("little work again and again has calm turns ever further apart, which no work puts off", async () => {
  const { clock, housekeeping } = begun();
  const workFor = async (seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      housekeeping.worked(1);
      await clock.advance(1000);
    }
  };
  await workFor(2000);
  const calm = [250, 30_250, 90_250, 210_250, 450_250, 930_250, 1_410_250, 1_890_250];
  assertEquals(clock.turns, calm);
  // After much work it is looked after as at first.
  housekeeping.worked(1000);
  await workFor(40);
  assertEquals(clock.turns.slice(calm.length), [2_002_000, 2_004_000, 2_034_000]);
  housekeeping.stop();
});

Deno.test("much work brings a calm turn forward, and further work does not put it off", async () => {
  const { clock, housekeeping } = begun();
  housekeeping.worked(1);
  await clock.advance(250);
  await clock.advance(10_000);
  housekeeping.worked(999);
  assertEquals(clock.turns, [250]);
  housekeeping.worked(1);
  await clock.advance(1500);
  housekeeping.worked(5000);
  await clock.advance(500);
  assertEquals(clock.turns, [250, 12_250]);
  // Then while much goes on, and once more after the last of it.
  await clock.advance(2000);
  assertEquals(clock.turns, [250, 12_250, 14_250]);
  await clock.advance(10_000_000);
  assertEquals(clock.turns, [250, 12_250, 14_250]);
  housekeeping.stop();
});

Deno.test("much work at once does not put off the turn after the start", async () => {
  const { clock, housekeeping } = begun();
  housekeeping.worked(5000);
  await clock.advance(1000);
  assertEquals(clock.turns, [250]);
  housekeeping.stop();
});

Deno.test("once stopped it neither turns nor begins again", async () => {
  const { clock, housekeeping } = begun();
  housekeeping.worked(5000);
  housekeeping.stop();
  housekeeping.worked(5000);
  assertEquals(clock.waiting, 0);
  await clock.advance(10_000_000);
  assertEquals(clock.turns, []);
});

Deno.test("before many targets memory is given back at once, and the next turn is later", async () => {
  const collected: boolean[] = [];
  const memory = { giveBack: (collect: boolean) => void collected.push(collect) };
  const turnsBefore = async (targets: number) => {
    const clock = new TurnClock();
    const housekeeping = new Housekeeping(clock, false, memory);
    housekeeping.before(targets);
    const atOnce = collected.length;
    await clock.advance(10_000);
    housekeeping.stop();
    return { atOnce, turns: clock.turns, all: collected.splice(0) };
  };
  assertEquals(await turnsBefore(999), { atOnce: 0, turns: [250], all: [false] });
  assertEquals(await turnsBefore(1000), { atOnce: 1, turns: [2000], all: [false, false] });
});
