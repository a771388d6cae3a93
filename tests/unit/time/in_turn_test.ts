import { assertEquals } from "@std/assert";
import { inTurn } from "../../../src/time/turns.ts";

Deno.test("work asked for while it is under way is done once more, however often it was asked for", async () => {
  let running = 0;
  let overlap = 0;
  let done = 0;
  const gates: (() => void)[] = [];
  const ask = inTurn(async () => {
    overlap = Math.max(overlap, ++running);
    await new Promise<void>((resolve) => gates.push(resolve));
    running--;
    done++;
  });
  const first = ask();
  const again = [ask(), ask(), ask()];
  gates[0]();
  await first;
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(gates.length, 2);
  gates[1]();
  await Promise.all(again);
  assertEquals([overlap, done], [1, 2]);
  const later = ask();
  gates[2]();
  await later;
  assertEquals(done, 3);
});
