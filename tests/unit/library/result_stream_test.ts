/** A stream over a source that the test is: what waits, who waits, and what becomes of errors. */
import { assertEquals, assertRejects } from "@std/assert";
import {
  Places,
  Results,
  type ResultSource,
  type StreamOptions,
} from "../../../src/library/result_stream.ts";
import { settle } from "../fake_clock.ts";

class Source implements ResultSource<number> {
  readonly calls: string[] = [];
  put: (result: number) => void = () => {};
  #end = Promise.withResolvers<void>();

  run(put: (result: number) => void): Promise<void> {
    this.calls.push("run");
    this.put = put;
    return this.#end.promise;
  }

  stop(): void {
    this.calls.push("stop");
    this.#end.resolve();
  }

  fail(error: Error): void {
    this.#end.reject(error);
  }

  close(): Promise<void> {
    this.calls.push("close");
    return Promise.resolve();
  }

  taken(results: number): void {
    this.calls.push(`taken ${results}`);
  }
}

function stream(options: StreamOptions = {}): { source: Source; results: Results<number> } {
  const source = new Source();
  return { source, results: new Results(source, options) };
}

const done: IteratorResult<number, void> = { done: true, value: undefined };

Deno.test("several readers get the results in turn, and all of them the end", async () => {
  const { source, results } = stream();
  const reads = [results.next(), results.next(), results.next()];
  source.put(1);
  source.put(2);
  source.stop();
  assertEquals(await Promise.all(reads), [
    { done: false, value: 1 },
    { done: false, value: 2 },
    done,
  ]);
  assertEquals(source.calls, ["run", "stop", "close"]);
});

Deno.test("a result counts as read when the next one is asked for", async () => {
  const { source, results } = stream();
  const first = results.next();
  source.put(1);
  await first;
  assertEquals(source.calls, ["run"]);
  results.next();
  assertEquals(source.calls, ["run", "taken 1"]);
  await results.return();
});

Deno.test("what waits at the end is handed out, what waits when the loop is left is not", async () => {
  const { source, results } = stream();
  results.next();
  for (const value of [1, 2, 3]) source.put(value);
  source.stop();
  await settle();
  assertEquals(await results.next(), { done: false, value: 2 });
  await results.return();
  assertEquals(await results.next(), done);
});

Deno.test("an error comes after what was measured before it, once, and ends the stream", async () => {
  const { source, results } = stream();
  const first = results.next();
  source.put(1);
  source.put(2);
  source.fail(new Error("broken"));
  await settle();
  assertEquals(await first, { done: false, value: 1 });
  assertEquals(await results.next(), { done: false, value: 2 });
  await assertRejects(() => results.next(), Error, "broken");
  assertEquals([await results.next(), source.calls.at(-1)], [done, "close"]);
  const waiting = stream();
  const read = assertRejects(() => waiting.results.next(), Error, "broken");
  waiting.source.fail(new Error("broken"));
  await read;
});

Deno.test("results that wait are bounded whatever is put, and each costs the same", async () => {
  const { source, results } = stream({ buffer: 1000, whenFull: "drop-oldest" });
  results.next();
  for (let value = 0; value <= 100_000; value++) source.put(value);
  assertEquals(results.dropped, 99_000);
  source.stop();
  const rest = await Array.fromAsync(results);
  assertEquals([rest.length, rest[0], rest.at(-1)], [1000, 99_001, 100_000]);
});

Deno.test("a place is had when one is free, or when all is over", async () => {
  const places = new Places({ buffer: 2 });
  const had: number[] = [];
  const take = (id: number) => places.take().then(() => had.push(id));
  for (const id of [1, 2, 3, 4]) take(id);
  await settle();
  assertEquals(had, [1, 2]);
  places.free(1);
  await settle();
  assertEquals(had, [1, 2, 3]);
  places.end();
  await settle();
  assertEquals(had, [1, 2, 3, 4]);
  const endless = new Places({ buffer: 1, whenFull: "drop-oldest" });
  await Promise.all([endless.take(), endless.take(), endless.take()]);
});
