/** The gate's suites in the order they run. */
import { existsSync } from "node:fs";
import { build } from "../release/build.ts";
import { run } from "./command.ts";
import { denoTest } from "./deno_test.ts";
import { type Result, single, withoutSkips } from "./result.ts";
import { MAY_BE_APART, newestRuntime } from "./newest.ts";
import { rootPrefix } from "./root.ts";

/** How the gate was asked to run. */
export interface Mode {
  /** What is missing is installed, so that nothing is skipped. */
  readonly complete: boolean;
}

export interface Suite {
  readonly name: string;
  /** It runs dist/wire-probe. */
  readonly needsBinary: boolean;
  /** It holds no time against a bound that a busy machine breaks: it may run beside another such. */
  readonly beside: boolean;
  run(mode: Mode): Promise<Result>;
}

const TESTS = "tests";
/** These run first, touch nothing else and have no binary to run; the other folders of tests follow by name. */
const PURE: Readonly<Record<string, readonly string[]>> = {
  unit: [],
  golden: [`--allow-read=${TESTS}/golden`],
};
/** Folders of tests that make namespaces, mount, or become another user. */
const AS_ROOT = new Set([
  "endurance",
  "faults",
  "library",
  "receivers",
  "release",
  "scenes",
  "systemd",
  "wan",
]);
/** Folders of tests that may run beside one another, the longest first. */
const BESIDE = [
  "endurance",
  "release",
  "receivers",
  "browser",
  "library",
  "systemd",
  "scripts",
  "workflows",
];
/** Folders whose files mostly wait, for timers and other programs: so many of them run at a time. */
const PROCESSES: Readonly<Record<string, number>> = {
  receivers: 4,
  library: 3,
  scenes: 2,
};
/** Lines a format in the gate; the benchmark itself has ten million. */
const ENCODED_LINES = "5000000";
/** In the gate; `task fuzz` takes as long as it is told. */
const FUZZ_SECONDS = "10";
/** The gate tries the same inputs each time, as many as there is time for; `task fuzz` draws others. */
const FUZZ_SEED = "1";
const FOOTPRINT = "scripts/gate/footprint.ts";
const PAGE = "scripts/release/page.ts";
const SCRIPT = [Deno.execPath(), "run", "--allow-all"];

/** All suites there are in this tree. */
export function suites(): Suite[] {
  const deno = Deno.execPath();
  const folders = testFolders();
  const pure = Object.keys(PURE).filter((name) => folders.includes(name));
  const rest = folders.filter((name) => ![...pure, ...BESIDE, "binary"].includes(name));
  return [
    command("fmt", [deno, "fmt", "--check"]),
    command("lint", [deno, "lint"]),
    command("types", [
      deno,
      "check",
      "main.ts",
      "src/mod.ts",
      "src/format/heatmap/page/",
      "scripts/",
      "tests/",
    ]),
    command("arrows", [deno, "run", "--allow-read", "scripts/gate/import_arrows.ts"]),
    command("page", [...SCRIPT, PAGE, "--check"]),
    { name: "build", needsBinary: false, beside: false, run: compile },
    ...pure.map((name) => tests(name, PURE[name], false)),
    ...(folders.includes("binary") ? [tests("binary", ["--allow-all"], true)] : []),
    {
      name: "newest",
      needsBinary: true,
      beside: MAY_BE_APART,
      run: async ({ complete }) => {
        const result = await newestRuntime(complete);
        return complete ? withoutSkips(result) : result;
      },
    },
    {
      ...command("encoders", [...SCRIPT, "scripts/bench/encoders.ts", ENCODED_LINES]),
      beside: true,
    },
    {
      ...command("fuzz", [
        ...[...SCRIPT, "scripts/gate/fuzz.ts"],
        ...["--seconds", FUZZ_SECONDS, "--seed", FUZZ_SEED],
      ]),
      needsBinary: true,
      beside: true,
    },
    ...BESIDE.filter((name) => folders.includes(name))
      .map((name) => ({ ...tests(name, ["--allow-all"], true), beside: true })),
    ...rest.map((name) => tests(name, ["--allow-all"], true)),
    ...(existsSync(FOOTPRINT) ? [footprint()] : []),
  ];
}

/** A command that counts as one test. */
function command(name: string, words: readonly string[]): Suite {
  return {
    name,
    needsBinary: false,
    beside: false,
    run: async () => {
      const { success, output } = await run(words);
      return single(name, success, output);
    },
  };
}

async function compile(): Promise<Result> {
  try {
    await build();
    return single("build", true, "");
  } catch (error) {
    return single("build", false, `${error instanceof Error ? error.message : error}\n`);
  }
}

/**
 * A folder of tests. Where all is to be run, a skipped test has failed; but rights that this machine
 * does not give cannot be installed, so tests that lack those stay skipped.
 */
function tests(name: string, permissions: readonly string[], needsBinary: boolean): Suite {
  return {
    name,
    needsBinary,
    beside: false,
    run: async ({ complete }) => {
      const prefix = AS_ROOT.has(name) ? await rootPrefix(complete) : [];
      const parallel = Object.hasOwn(PURE, name);
      const processes = PROCESSES[name] ?? 1;
      const way = { permissions, prefix: prefix ?? [], parallel, processes, complete };
      const result = await denoTest(`${TESTS}/${name}`, way);
      if (prefix === null) return excused(result);
      return complete ? withoutSkips(result) : result;
    },
  };
}

function excused(result: Result): Result {
  const skipped = result.skipped.map((name) => `${name} (wants root and /dev/net/tun)`);
  return { ...result, skipped };
}

function footprint(): Suite {
  return { ...command("footprint", [...SCRIPT, FOOTPRINT]), needsBinary: true };
}

/** The folders of tests that hold a test. */
function testFolders(): string[] {
  return [...Deno.readDirSync(TESTS)]
    .filter((entry) => entry.isDirectory && holdsTest(`${TESTS}/${entry.name}`))
    .map((entry) => entry.name).sort();
}

function holdsTest(folder: string): boolean {
  return [...Deno.readDirSync(folder)].some((entry) =>
    entry.isDirectory ? holdsTest(`${folder}/${entry.name}`) : entry.name.endsWith("_test.ts")
  );
}
