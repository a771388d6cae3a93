import { assert, assertEquals, assertFalse, assertRejects } from "@std/assert";
import type { Target } from "../../../src/domain/target.ts";
import { RunTargets } from "../../../src/run/run_targets.ts";
import { target } from "../fixtures.ts";

/** Targets of which one stands for the addresses of a name, which the test chooses. */
async function openWith(found: { addresses: string[] }): Promise<RunTargets> {
  const several: Target = { ...target("db"), host: "db.test", standsFor: "addresses" };
  const options = {
    targets: [target("web"), several],
    targetsFile: null,
    defaults: { az: "default", labels: [] },
    schedule: { family: 0 as const },
  };
  return await RunTargets.open(options, {
    resolver: { resolve: () => Promise.resolve(found.addresses) },
    srv: () => Promise.resolve([]),
    say: () => {},
  });
}

const namesOf = ({ current }: RunTargets) => current.map(({ name }) => name);

Deno.test("members stand in the place of their name, and follow it", async () => {
  const found = { addresses: ["192.0.2.1", "192.0.2.2"] };
  const targets = await openWith(found);
  assertEquals(namesOf(targets), ["web", "db@192.0.2.1", "db@192.0.2.2"]);
  assertFalse(await targets.follow());
  found.addresses = ["192.0.2.2", "192.0.2.3"];
  const [, , kept] = targets.current;
  assert(await targets.follow());
  assertEquals(namesOf(targets), ["web", "db@192.0.2.2", "db@192.0.2.3"]);
  // The same object, so that its statistics go on.
  assert(targets.current[1] === kept);
});

Deno.test("members that an output cannot represent leave the targets as they were", async () => {
  const found = { addresses: ["192.0.2.1"] };
  const targets = await openWith(found);
  found.addresses = ["192.0.2.9"];
  const refuse = () => {
    throw new Error("no");
  };
  await assertRejects(() => targets.follow(refuse), Error, "no");
  await assertRejects(() => targets.read(refuse), Error, "no");
  assertEquals(namesOf(targets), ["web", "db@192.0.2.1"]);
});

Deno.test("two runs have members of their own", async () => {
  const one = await openWith({ addresses: ["192.0.2.1"] });
  const other = await openWith({ addresses: ["192.0.2.7"] });
  assertEquals([namesOf(one)[1], namesOf(other)[1]], ["db@192.0.2.1", "db@192.0.2.7"]);
});
