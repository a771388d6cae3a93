/**
 * CPU of one target at 1 Hz, in ms a second: `one_target.ts [--seconds N]`. What of it is the runtime's own is told by
 * two programs beside: one that only has a timer, and one that connects and closes. All run at once.
 *
 * What is left between wire-probe and the latter (0.4 ms) was looked at by a profile: three quarters are the runtime's code
 * and the kernel's on caches that went cold within the second, the rest is this program. Its own turns of housekeeping took
 * 2.2 ms a probe and come ever more rarely now (src/run/housekeeping.ts).
 */
import { BINARY, V8_FLAGS } from "../release/build.ts";
import { sleep, startServe } from "./child.ts";
import { median, table } from "./table.ts";

const SECONDS = 30;
/** The start, and what it leaves behind for the first turn of housekeeping. */
const WARM_UP_MS = 5000;
const TIMER = "setInterval(() => {}, 1000);";
const CONNECT = "setInterval(async () => {\n" +
  "  (await Deno.connect({ port: Number(Deno.args[0]) })).close();\n}, 1000);";

/** CPU time of a process and all of its threads in ms (proc(5), schedstat, in ns). */
function cpuMs(pid: number): number {
  let ns = 0;
  for (const { name } of Deno.readDirSync(`/proc/${pid}/task`)) {
    ns += Number(Deno.readTextFileSync(`/proc/${pid}/task/${name}/schedstat`).split(" ")[0]);
  }
  return ns / 1e6;
}

function start(command: readonly string[]): Deno.ChildProcess {
  const [program, ...args] = command;
  return new Deno.Command(program, { args, stdout: "null", stderr: "null" }).spawn();
}

async function report(seconds: number): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "wire-probe-bench-" });
  await using server = await startServe(BINARY);
  const script = async (name: string, text: string) => {
    await Deno.writeTextFile(`${folder}/${name}.js`, text);
    const flags = ["--no-config", "--allow-net", V8_FLAGS];
    return [Deno.execPath(), "run", ...flags, `${folder}/${name}.js`, String(server.port)];
  };
  const commands = [
    ["a timer of the runtime", await script("timer", TIMER)],
    ["Deno.connect and close", await script("connect", CONNECT)],
    ["wire-probe probe -o none", [BINARY, "probe", `127.0.0.1:${server.port}`, "-o", "none"]],
    ["wire-probe probe", [BINARY, "probe", `127.0.0.1:${server.port}`]],
  ] as const;
  const children = commands.map(([, command]) => start(command));
  await sleep(WARM_UP_MS);
  const first = children.map(({ pid }) => cpuMs(pid));
  const spent = children.map((): number[] => []);
  let before = first;
  for (let second = 0; second < seconds; second++) {
    await sleep(1000);
    const now = children.map(({ pid }) => cpuMs(pid));
    for (const [i, ms] of now.entries()) spent[i].push(ms - before[i]);
    before = now;
  }
  for (const child of children) child.kill("SIGKILL");
  for (const child of children) await child.status;
  await Deno.remove(folder, { recursive: true });
  const rows = commands.map(([name], i) => {
    const mean = (before[i] - first[i]) / seconds;
    return [name, median(spent[i]).toFixed(2), mean.toFixed(2)];
  });
  console.log(table(["CPU in ms a second", "median", "mean"], rows));
}

if (import.meta.main) {
  const at = Deno.args.indexOf("--seconds");
  await report(at < 0 ? SECONDS : Number(Deno.args[at + 1]));
}
