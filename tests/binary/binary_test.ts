/**
 * The compiled binary as a user runs it: each folder here with a `cmd` is a case (see
 * harness/case.ts). `deno test -A tests/binary -- --update` writes the output of failing cases.
 */
import { assert, assertEquals } from "@std/assert";
import { existsSync } from "node:fs";
import { type Case, loadCases, type Outcome, runCase } from "./harness/case.ts";
import { mismatch } from "./harness/match.ts";
import { type Names, World } from "./harness/world.ts";

/** Cases under way at once: they wait more than they work. */
const AT_ONCE = 6;
const UPDATE = Deno.args.includes("--update");
/** Exit code of a usage error, which is one line on stderr and nothing else. */
const USAGE = 3;

/** A case's end as a value, since its test may ask for it long after. */
interface Ended {
  readonly names: Names;
  readonly outcome: Outcome | null;
  readonly error: unknown;
}

const cases = loadCases(import.meta.dirname!);
const underWay = new Map<Case, Promise<Ended>>();
let world: Promise<World> | null = null;

async function start(one: Case): Promise<Ended> {
  const names = (await (world ??= World.open())).names();
  try {
    return { names, outcome: await runCase(one, names), error: null };
  } catch (error) {
    return { names, outcome: null, error };
  }
}

/** Starts a case, and the next few with it. */
function run(index: number): Promise<Ended> {
  for (const ahead of cases.slice(index, index + AT_ONCE)) {
    if (lacking(ahead) === null && !underWay.has(ahead)) underWay.set(ahead, start(ahead));
  }
  return underWay.get(cases[index])!;
}

/** The first command that a case needs and this machine lacks. */
function lacking(one: Case): string | null {
  const folders = (Deno.env.get("PATH") ?? "").split(":");
  const here = (command: string) => folders.some((folder) => existsSync(`${folder}/${command}`));
  return one.needs.find((command) => !here(command)) ?? null;
}

/** With the world's ports by their names, as expected output has them. */
function named(text: string, names: Names): string {
  return Object.entries(names).reduce((t, [name, value]) => t.replaceAll(value, `[${name}]`), text);
}

function valued(text: string, names: Names): string {
  return Object.entries(names).reduce((t, [name, value]) => t.replaceAll(`[${name}]`, value), text);
}

function check(one: Case, { outcome, names, error }: Ended): void {
  if (outcome === null) throw error;
  const { stdout, stderr, code } = outcome;
  const streams = { stdout, stderr };
  const report = [];
  for (const stream of ["stdout", "stderr"] as const) {
    const departure = mismatch(valued(one[stream], names), streams[stream]);
    if (departure !== null) report.push(`${stream}, ${departure}`);
  }
  if (code !== one.code) report.push(`exit code ${code}, expected ${one.code}`);
  if (report.length === 0) return;
  if (UPDATE) update(one, outcome, names);
  report.push(`--- stdout\n${named(stdout, names)}--- stderr\n${named(stderr, names)}---`);
  assert(false, report.join("\n"));
}

function update(one: Case, outcome: Outcome, names: Names): void {
  const files = {
    stdout: named(outcome.stdout, names),
    stderr: named(outcome.stderr, names),
    code: outcome.code === 0 ? "" : `${outcome.code}\n`,
  };
  for (const [file, text] of Object.entries(files)) {
    const path = `${one.folder}/${file}`;
    if (text !== "") Deno.writeTextFileSync(path, text);
    else if (existsSync(path)) Deno.removeSync(path);
  }
}

Deno.test.afterAll(async () => {
  // Cases that were begun ahead and whose tests a filter left out end too, with all their processes.
  await Promise.all(underWay.values());
  (await world)?.[Symbol.dispose]();
});

for (const [index, one] of cases.entries()) {
  const lacks = lacking(one);
  Deno.test({
    name: lacks === null ? one.name : `${one.name} (no ${lacks} here)`,
    ignore: lacks !== null,
    // Cases overlap, so what one test starts another one ends.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => check(one, await run(index)),
  });
}

Deno.test("a usage error is one line on stderr and nothing on stdout, in every case", () => {
  for (const one of cases.filter(({ code }) => code === USAGE)) {
    assertEquals([one.stdout, one.stderr.split("\n").length], ["", 2], one.name);
  }
});
