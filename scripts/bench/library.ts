/**
 * What 10,000 targets once a second cost through the library, as a multiple of what they cost through the
 * command line: `library.ts [TARGETS [SECONDS [ROUNDS]]]`. Both throw their results away. Runs of
 * the two take turns, and what is compared is CPU time while the run lasts, without its start. The
 * command line is run as the binary is and, for the same engine, as modules by the pinned `deno run`.
 */
import { BINARY, RUNNABLE } from "../release/build.ts";
import { cpuSecondsOf, sleep, startServe } from "./child.ts";
import { median, table } from "./table.ts";

/** What the issue allows. */
const MOST_RATIO = 1.1;
/** The start is over by then, and every module is compiled. */
const START_MS = 4000;
const PROGRAM = new URL("library/program.ts", import.meta.url).pathname;
const DIAGNOSTICS = ["probe", "ping"] as const;
type Diagnostic = typeof DIAGNOSTICS[number];

interface Options {
  readonly targets: number;
  readonly seconds: number;
  readonly rounds: number;
}

function options(): Options {
  const [targets = 10_000, seconds = 10, rounds = 3] = Deno.args.map(Number);
  return { targets, seconds, rounds };
}

/** CPU time of a program, in µs a probe, from the end of its start on. */
async function microsAProbe(
  command: readonly string[],
  { targets, seconds }: Options,
): Promise<number> {
  const [program, ...args] = command;
  const child = new Deno.Command(program, { args, stdout: "null", stderr: "null" }).spawn();
  await sleep(START_MS);
  const [before, startMs] = [await cpuSecondsOf(child.pid), performance.now()];
  await sleep(seconds * 1000);
  const cpu = await cpuSecondsOf(child.pid) - before;
  const elapsedSeconds = (performance.now() - startMs) / 1000;
  child.kill("SIGTERM");
  await child.status;
  return cpu * 1e6 / (targets * elapsedSeconds);
}

function commands(diagnostic: Diagnostic, file: string): Readonly<Record<string, string[]>> {
  const deno = [Deno.execPath(), "run", "--allow-all", "--no-check"];
  const close = diagnostic === "probe" ? ["--close", "rst"] : [];
  const line = [diagnostic, "--targets", file, "--output", "none", ...close];
  return {
    "the binary": [BINARY, ...line],
    "its modules": [...deno, RUNNABLE, ...line],
    "the library": [...deno, PROGRAM, diagnostic, file],
  };
}

/** Rows of the medians of each way; whether the library's is within what is allowed. */
async function measure(
  diagnostic: Diagnostic,
  file: string,
  asked: Options,
): Promise<{ row: string[]; ratio: number }> {
  const ways = Object.entries(commands(diagnostic, file));
  const figures = new Map<string, number[]>(ways.map(([name]) => [name, []]));
  for (let round = 0; round < asked.rounds; round++) {
    for (const [name, command] of ways) {
      figures.get(name)?.push(await microsAProbe(command, asked));
    }
  }
  const [binary, modules, library] = [...figures.values()].map(median);
  const ratio = library / binary;
  const cells = [binary, modules, library].map((micros) => micros.toFixed(1));
  return { row: [diagnostic, ...cells, ratio.toFixed(2), (library / modules).toFixed(2)], ratio };
}

/** Addresses of 127.0.0.0/8, none a network's first or last, and the port where one is wanted. */
function targetsOf(count: number, port: number | null): string {
  return Array.from({ length: count }, (_, i) => {
    const address = `127.1.${Math.floor(i / 250)}.${1 + i % 250}`;
    return port === null ? address : `${address}:${port}`;
  }).join("\n");
}

const asked = options();
const file = await Deno.makeTempFile();
await using server = await startServe(BINARY);
const rows: string[][] = [];
let isWithin = true;
for (const diagnostic of DIAGNOSTICS) {
  const port = diagnostic === "probe" ? server.port : null;
  await Deno.writeTextFile(file, `${targetsOf(asked.targets, port)}\n`);
  const { row, ratio } = await measure(diagnostic, file, asked);
  rows.push(row);
  isWithin &&= ratio <= MOST_RATIO;
}
await Deno.remove(file);
const head = ["µs of CPU a probe", "binary", "modules", "library", "to binary", "to modules"];
console.log(table(head, rows));
if (!isWithin) Deno.exitCode = 1;
