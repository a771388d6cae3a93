/**
 * The gate's suite by the newest runtime: types, unit and golden tests, what is taken for granted of
 * the runtime, and the binary cases by `deno run` of the same modules that the binary is made of.
 */
import { PERMISSIONS, RUNNABLE, V8_FLAGS } from "../release/build.ts";
import { run, withFolder } from "./command.ts";
import { denoTest, type Way } from "./deno_test.ts";
import { type Result, single, together } from "./result.ts";

const DENO = "scripts/deno";
const NEWEST = { WIRE_PROBE_RUNTIME: "newest" };
const GOLDEN = "tests/golden";
/**
 * The cases' words before the command: a network of their own, so that no other suite's ports, sockets and
 * counters are seen by them. It has a link, as any machine has. Only root makes one so.
 */
const APART = ["unshare", "--net", "sh", "-c"];
const LINKS =
  "ip link set lo up && ip link add name net0 type veth peer name net1 && ip link set net0 up && ip link set net1 up";
export const MAY_BE_APART = Deno.uid() === 0;

/** Where that runtime is, fetched where it is not there yet; undefined, and why, when it is not to be had. */
export async function newestDeno(): Promise<{ deno: string | undefined; output: string }> {
  const { output } = await run([DENO, "eval", "console.log(`deno=${Deno.execPath()}`)"], {
    env: NEWEST,
  });
  return { deno: /^deno=(.*)$/m.exec(output)?.[1], output };
}

/** A result that failed where that runtime is not to be had. */
export async function newestRuntime(complete: boolean): Promise<Result> {
  const { deno, output } = await newestDeno();
  if (deno === undefined) {
    if (complete) return single("newest", false, output);
    return { passed: 0, failures: [], skipped: ["the newest Deno is not to be had"], output: "" };
  }
  const results: Result[] = [];
  const types = await run([deno, "check", "main.ts", "scripts/", "tests/"]);
  results.push(single("types by the newest runtime", types.success, types.output));
  const pure = { prefix: [], parallel: true, processes: 1, complete, deno };
  results.push(await denoTest("tests/unit", { ...pure, permissions: [] }));
  results.push(await denoTest(GOLDEN, { ...pure, permissions: [`--allow-read=${GOLDEN}`] }));
  const whole = { ...pure, parallel: false, permissions: ["--allow-all"] };
  results.push(await denoTest("tests/platform/runtime_test.ts", whole));
  await withFolder("newest", async (folder) => {
    results.push(await binaryCases(deno, folder, whole));
  });
  return together(results);
}

/** The cases with a `wire-probe` of their own, which every user may run. */
async function binaryCases(deno: string, folder: string, way: Way): Promise<Result> {
  const modules = RUNNABLE.slice(0, RUNNABLE.lastIndexOf("/"));
  const runtime = `${folder}/runtime`;
  await Deno.mkdir(`${runtime}/cache`, { recursive: true });
  await Deno.chmod(`${runtime}/cache`, 0o777);
  await run(["cp", "-r", modules, folder]);
  // By this name messages speak of the program.
  await run(["cp", deno, `${runtime}/wire-probe`]);
  const program = `${folder}/wire-probe`;
  const words = ["run", "--quiet", "--no-config", "--no-check", "--no-lock", V8_FLAGS];
  await Deno.writeTextFile(
    program,
    `#!/bin/sh\nexport DENO_DIR=${runtime}/cache DENO_NO_UPDATE_CHECK=1\n` +
      `exec ${runtime}/wire-probe ${[...words, ...PERMISSIONS].join(" ")} ` +
      `${folder}${RUNNABLE.slice(modules.lastIndexOf("/"))} "$@"\n`,
  );
  await Deno.chmod(program, 0o755);
  const prefix = MAY_BE_APART ? [...APART, `${LINKS} && exec "$@"`, "sh"] : [];
  return await denoTest("tests/binary", { ...way, prefix, env: { WIRE_PROBE_FOLDER: folder } });
}
