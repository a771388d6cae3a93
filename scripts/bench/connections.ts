/**
 * CPU of a reading and memory of `connections` with many connections, beside a loop that dumps the same
 * sockets and discards them, in the same run: `deno task bench:connections [CONNECTIONS [SECONDS]]`.
 */
import { BINARY } from "../release/build.ts";
import { cpuSecondsOf } from "./child.ts";
import { enterNamespace } from "./namespace.ts";
import { table } from "./table.ts";

/** Both ends are on this machine, so a connection is two sockets that are read. */
const ENDS = 2;
/** Connections of one pair of helpers: each may open 20,000 descriptors at most. */
const CONNECTIONS_A_PAIR = 12_500;
const FIRST_PORT = 5000;
const BYTES_A_SECOND = 2000;
const INTERVAL_MS = 1000;
const WARM_UP_MS = 4000;
const MOST_TIMES = 2;
const MOST_RESIDENT_MIB = 64;
const MOST_SERIES = 200;
const METRICS_PORT = 9799;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const script = (name: string, ...args: (string | number)[]) => [
  ...[Deno.execPath(), "run", "--quiet", "--no-config", "-A"],
  `${import.meta.dirname}/connections/${name}.ts`,
  ...args.map(String),
];

function start(command: readonly string[], stdout: "piped" | "null" = "null"): Deno.ChildProcess {
  const [program, ...args] = command;
  return new Deno.Command(program, { args, stdin: "null", stdout, stderr: "inherit" }).spawn();
}

/** Waits until a helper has said this. */
async function says(child: Deno.ChildProcess, word: string): Promise<void> {
  const reader = child.stdout.getReader();
  let said = "";
  while (!said.includes(word)) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`a helper ended, having said ${said}`);
    said += new TextDecoder().decode(value);
  }
  reader.releaseLock();
}

/** Opens the connections by pairs of helpers. */
async function crowd(connections: number): Promise<Deno.ChildProcess[]> {
  const helpers: Deno.ChildProcess[] = [];
  for (let opened = 0; opened < connections; opened += CONNECTIONS_A_PAIR) {
    const count = Math.min(CONNECTIONS_A_PAIR, connections - opened);
    const port = FIRST_PORT + helpers.length;
    const accepting = start(script("crowd", "accept", port, count), "piped");
    helpers.push(accepting);
    await says(accepting, "listening");
    const connecting = start(script("crowd", "connect", port, count, BYTES_A_SECOND), "piped");
    helpers.push(connecting);
    await Promise.all([says(accepting, "ready"), says(connecting, "ready")]);
  }
  return helpers;
}

async function residentMiB(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024;
}

async function seriesOf(port: number): Promise<number> {
  const page = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return page.split("\n").filter((line) => /^wire_probe_connections_/.test(line)).length;
}

async function measure(sockets: number, seconds: number): Promise<boolean> {
  const helpers = await crowd(sockets / ENDS);
  const discarding = start(script("discard", INTERVAL_MS));
  const metrics = `prometheus://127.0.0.1:${METRICS_PORT}`;
  const readings = ["connections", "-i", `${INTERVAL_MS}ms`, "-o", "none", "--export", metrics];
  const reading = start([BINARY, ...readings]);
  try {
    await sleep(WARM_UP_MS);
    const pids = [discarding.pid, reading.pid];
    const before = await Promise.all(pids.map(cpuSecondsOf));
    await sleep(1000 * seconds);
    const after = await Promise.all(pids.map(cpuSecondsOf));
    const [least, ours] = after.map((cpu, i) => 1000 * (cpu - before[i]) / seconds);
    const memory = await residentMiB(reading.pid);
    const series = await seriesOf(METRICS_PORT);
    console.log(table(
      ["sockets", "discarded, ms", "read, ms", "times", "resident, MiB", "series"],
      [[
        String(sockets),
        least.toFixed(1),
        ours.toFixed(1),
        (ours / least).toFixed(2),
        memory.toFixed(1),
        String(series),
      ]],
    ));
    console.log("CPU a reading, over", seconds, "readings");
    return ours <= MOST_TIMES * least && memory <= MOST_RESIDENT_MIB && series <= MOST_SERIES;
  } finally {
    for (const child of [reading, discarding, ...helpers]) child.kill("SIGKILL");
    await Promise.all([reading, discarding, ...helpers].map(({ status }) => status));
  }
}

if (import.meta.main) {
  const [sockets = 50_000, seconds = 20] = Deno.args.map(Number).filter((n) => !Number.isNaN(n));
  await enterNamespace(import.meta.url);
  Deno.exit(await measure(sockets, seconds) ? 0 : 1);
}
