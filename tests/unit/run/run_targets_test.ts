import { assert, assertEquals, assertFalse, assertRejects } from "@std/assert";
import type { Target } from "../../../src/domain/target.ts";
import { RunTargets } from "../../../src/run/run_targets.ts";
import { FakeClock } from "../fake_clock.ts";
import { target } from "../fixtures.ts";

/** It stands for the addresses of a name. */
const DB: Target = { ...target("db"), host: "db.test", standsFor: "addresses" };

/** Targets, and the addresses that are found for names. */
function open(
  targets: readonly Target[],
  resolve: () => Promise<string[]>,
  clock = new FakeClock(),
): Promise<RunTargets> {
  const options = {
    targets,
    targetsFile: null,
    defaults: { az: "default", labels: [] },
    schedule: { family: 0 as const },
  };
  const ports = { resolver: { resolve }, srv: () => Promise.resolve([]), say: () => {}, clock };
  return RunTargets.open(options, ports);
}

/** Targets of which one stands for the addresses that the test chooses. */
function openWith(found: { addresses: string[] }): Promise<RunTargets> {
  return open([target("web"), DB], () => Promise.resolve(found.addresses));
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

Deno.test("a name whose members are not found in half a second holds up no other target", async () => {
  const clock = new FakeClock();
  const found = Promise.withResolvers<string[]>();
  const opening = open([DB, target("web")], () => found.promise, clock);
  await clock.advance(499);
  let isOpen = false;
  opening.then(() => isOpen = true);
  await clock.advance(0);
  assertFalse(isOpen);
  await clock.advance(1);
  const targets = await opening;
  assertEquals(namesOf(targets), ["db", "web"]);
  assertFalse(targets.found);
  let told = 0;
  targets.onFound = () => told++;
  // The name itself is no target while its members are looked up.
  let resolved = false;
  const itself = targets.resolve("db.test", 0).then(() => resolved = true);
  await clock.advance(100);
  assertFalse(resolved);
  found.resolve(["192.0.2.1"]);
  await itself;
  assertEquals([told, targets.found], [1, true]);
  assert(targets.takeFound());
  assertEquals(namesOf(targets), ["db@192.0.2.1", "web"]);
  assertFalse(targets.found);
});

Deno.test("where nothing else can be probed members are waited for", async () => {
  const clock = new FakeClock();
  const found = Promise.withResolvers<string[]>();
  const opening = open([DB], () => found.promise, clock);
  await clock.advance(3000);
  found.resolve(["192.0.2.1", "192.0.2.2"]);
  assertEquals(namesOf(await opening), ["db@192.0.2.1", "db@192.0.2.2"]);
});
