import { assertEquals } from "@std/assert";
import { ScheduledTarget } from "../../../src/run/scheduled_target.ts";
import type { Endpoint } from "../../../src/domain/target.ts";
import { FakeClock } from "../fake_clock.ts";
import { FakeResolver } from "../fake_network.ts";
import { endpoint, target } from "../fixtures.ts";

function endpoints(...last: readonly number[]): Endpoint[] {
  return last.map((each) => endpoint(`192.0.2.${each}`));
}

async function lookUp(answer: readonly string[]): Promise<string[]> {
  const resolver = new FakeResolver(new FakeClock(), { "db.example": answer });
  const entry = new ScheduledTarget(target("db", { host: "db.example", port: 7 }));
  const found = await entry.lookUp(resolver, 0);
  return found.map((each) => `${each.address} ${each.port}`);
}

Deno.test("what a resolver gives that is no address is left out", async () => {
  assertEquals(await lookUp(["192.0.2.1", "nonsense", "::1"]), ["192.0.2.1 7", "::1 7"]);
});

Deno.test("the addresses kept of one name are bounded", async () => {
  const many = Array.from({ length: 200 }, (_, i) => `192.0.2.${i}`);
  assertEquals((await lookUp(many)).length, 64);
});

Deno.test("a entry is cold once, and again after each change of address", () => {
  const entry = new ScheduledTarget(target("db"));
  entry.adopt(endpoints(1, 2), false);
  assertEquals([entry.takeCold(), entry.takeCold()], [true, false]);
  entry.adopt(endpoints(2, 1), false);
  assertEquals(entry.takeCold(), false);
  assertEquals(entry.adopt(endpoints(2, 1), true)?.address, "192.0.2.1");
  assertEquals([entry.endpoint?.address, entry.takeCold()], ["192.0.2.2", true]);
});

Deno.test("advancing goes round the known addresses", () => {
  const entry = new ScheduledTarget(target("db"));
  assertEquals([entry.endpoint, entry.advance()], [undefined, null]);
  entry.adopt(endpoints(1, 2), false);
  const seen = [1, 2, 3].map(() => {
    entry.advance();
    return entry.endpoint?.address;
  });
  assertEquals(seen, ["192.0.2.2", "192.0.2.1", "192.0.2.2"]);
});

Deno.test("a literal of the family wanted has its address at once, all else needs a look-up", () => {
  const takes = (host: string, family: 0 | 4 | 6) => {
    const entry = new ScheduledTarget(target("db", { host, port: 7 }));
    return [entry.takeLiteral(family), entry.endpoint?.address, entry.unresolvedReason];
  };
  assertEquals(takes("192.0.2.1", 0), [true, "192.0.2.1", ""]);
  assertEquals(takes("::1", 6), [true, "::1", ""]);
  const untaken = [false, undefined, "not resolved yet"];
  assertEquals(takes("192.0.2.1", 6), untaken);
  assertEquals(takes("db.example", 0), untaken);
});
