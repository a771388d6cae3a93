/** `task test`: the gate. Everything this machine allows, in order, and what it skipped and why. */
import { parseArgs } from "@std/cli/parse-args";
import { pooledMap } from "@std/async/pool";
import { install, missing } from "./packages.ts";
import { blocks } from "./failures.ts";
import { counts, type Result, single } from "./result.ts";
import { type Mode, type Suite, suites } from "./suites.ts";

const USAGE = `usage: task test [--install] [--only SUITE[,SUITE…]] [--list]

  --install  install the Debian packages the tests need, and let none be skipped (as with CI=true)
  --only     run these suites, and what they need
  --list     name the suites
`;

/** Suites at once, of those that may run beside one another. */
const LANES = 2;

interface Options extends Mode {
  readonly only: readonly string[] | null;
  readonly list: boolean;
}

/** Null when the arguments cannot be used. */
function parse(argv: readonly string[]): Options | null {
  let usable = true;
  const { install, list, only } = parseArgs([...argv], {
    boolean: ["install", "list"],
    string: ["only"],
    collect: ["only"],
    unknown: () => usable = false,
  });
  if (!usable) return null;
  const names = (only as string[]).flatMap((value) => value.split(","));
  return {
    complete: install === true || Deno.env.get("CI") === "true",
    only: names.length === 0 ? null : names,
    list: list === true,
  };
}

/** The suites asked for, in order, and the build before those that run its binary. */
function choose(all: readonly Suite[], only: readonly string[] | null): Suite[] {
  const unknown = only?.find((name) => !all.some((suite) => suite.name === name));
  if (unknown !== undefined) throw new Error(`there is no suite '${unknown}'; see --list`);
  const chosen = all.filter(({ name }) => only === null || only.includes(name));
  const binary = chosen.some((suite) => suite.needsBinary);
  return all.filter((suite) => chosen.includes(suite) || (binary && suite.name === "build"));
}

/** Installs what is missing where that is wanted, else says what is. */
async function prepare(chosen: readonly Suite[], { complete }: Mode): Promise<Result[]> {
  const needs = missing(chosen.map(({ name }) => name));
  if (needs.length === 0) return [];
  const names = needs.map((need) => `${need.command} (Debian: ${need.package})`).join(", ");
  if (!complete) {
    console.log(`not installed here: ${names}; --install would`);
    return [];
  }
  console.log(`installing ${names}`);
  const problem = await install(needs);
  if (problem === null) return [];
  console.log(problem.trimEnd());
  return [single("packages", false, problem)];
}

async function runSuite(suite: Suite, mode: Mode, buildFailed: boolean): Promise<Result> {
  if (suite.needsBinary && buildFailed) {
    return single(suite.name, false, "not run: there is no build\n");
  }
  try {
    return await suite.run(mode);
  } catch (error) {
    return single(suite.name, false, `${error instanceof Error ? error.stack : error}\n`);
  }
}

/** A suite's result, and how long it took. */
interface Ended {
  readonly result: Result;
  readonly elapsedMs: number;
}

async function timed(suite: Suite, mode: Mode, buildFailed: boolean): Promise<Ended> {
  const startMs = performance.now();
  const result = await runSuite(suite, mode, buildFailed);
  return { result, elapsedMs: performance.now() - startMs };
}

/** Suites in a row that may run beside one another, as one group; any other by itself. */
function grouped(suites: readonly Suite[]): Suite[][] {
  const groups: Suite[][] = [];
  for (const suite of suites) {
    const last = groups.at(-1);
    if (suite.beside && last?.[0].beside) last.push(suite);
    else groups.push([suite]);
  }
  return groups;
}

/** Runs a group and prints its results in its order. */
async function runGroup(
  group: readonly Suite[],
  mode: Mode,
  buildFailed: boolean,
): Promise<Result[]> {
  const results: Result[] = [];
  const ended = pooledMap(LANES, group, (suite) => timed(suite, mode, buildFailed));
  const next = ended[Symbol.asyncIterator]();
  for (const { name } of group) {
    announce(name);
    results.push(report((await next.next()).value));
  }
  return results;
}

/** A suite's line begins when it is waited for, so that one that hangs can be told. */
function announce(name: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${name.padEnd(12)} `));
}

/** Ends the suite's line, and prints below it what failed or was skipped. */
function report({ result, elapsedMs }: Ended): Result {
  console.log(`${counts([result])} (${(elapsedMs / 1000).toFixed(1)} s)`);
  for (const skipped of result.skipped) console.log(`  skipped: ${skipped}`);
  if (result.failures.length > 0) console.log(result.output.trimEnd());
  return result;
}

async function main(): Promise<number> {
  const options = parse(Deno.args);
  if (options === null) {
    console.error(USAGE.trimEnd());
    return 2;
  }
  const chosen = choose(suites(), options.only);
  if (options.list) {
    for (const { name } of chosen) console.log(name);
    return 0;
  }
  const results = await prepare(chosen, options);
  let buildFailed = false;
  for (const group of grouped(chosen)) {
    const ended = await runGroup(group, options, buildFailed);
    results.push(...ended);
    if (group[0].name === "build") buildFailed = ended[0].failures.length > 0;
  }
  const failures = results.flatMap((result) => result.failures);
  for (const line of blocks(failures)) console.log(line);
  console.log(counts(results));
  return failures.length === 0 ? 0 : 1;
}

Deno.exit(await main());
