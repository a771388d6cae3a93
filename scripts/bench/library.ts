/**
 * What a probe of 10,000 targets once a second costs through the library, as a multiple of what it costs
 * through the command line: `library.ts [TARGETS [PROBES [ROUNDS]]]`. Both throw their results away, and the
 * runs of the two take turns. Of each way there is a short run and one of so many more probes a target: the
 * difference of their CPU times is that of the probes, without the start. The command line is run as the
 * binary is and, for the same engine, as modules by the pinned `deno run`.
 */
import { BINARY, RUNNABLE } from "../release/build.ts";
import { finish, startServe } from "./child.ts";
import { median, table } from "./table.ts";

/** The highest ratio that is allowed. */
const MOST_RATIO = 1.1;
/** Probes a target of the short run: by then every module is compiled. */
const SHORT = 2;
const PROGRAM = new URL("library/program.ts", import.meta.url).pathname;
const DIAGNOSTICS = ["probe", "ping"] as const;
type Diagnostic = typeof DIAGNOSTICS[number];

interface Options {
  readonly targets: number;
  readonly probes: number;
  readonly rounds: number;
}

function options(): Options {
  const [targets = 10_000, probes = 8, rounds = 3] = Deno.args.map(Number);
  return { targets, probes, rounds };
}

/** CPU time of a way, in µs a probe. */
async function microsAProbe(way: Way, { targets, probes }: Options): Promise<number> {
  const short = await finish(way(SHORT));
  const long = await finish(way(SHORT + probes));
  return (long.cpuSeconds - short.cpuSeconds) * 1e6 / (targets * probes);
}

/** The command that makes so many probes of each target. */
type Way = (probes: number) => readonly string[];

function ways(diagnostic: Diagnostic, file: string): Readonly<Record<string, Way>> {
  const deno = [Deno.execPath(), "run", "--allow-all", "--no-check"];
  const close = diagnostic === "probe" ? ["--close", "rst"] : [];
  const line = [diagnostic, "--targets", file, "--output", "none", "--quiet", ...close];
  return {
    "the binary": (probes) => [BINARY, ...line, "--count", String(probes)],
    "its modules": (probes) => [...deno, RUNNABLE, ...line, "--count", String(probes)],
    "the library": (probes) => [...deno, PROGRAM, diagnostic, file, String(probes)],
  };
}

/** Rows of the medians of each way; whether the library's is within what is allowed. */
async function measure(
  diagnostic: Diagnostic,
  file: string,
  asked: Options,
): Promise<{ row: string[]; ratio: number }> {
  const all = Object.entries(ways(diagnostic, file));
  const figures = new Map<string, number[]>(all.map(([name]) => [name, []]));
  for (let round = 0; round < asked.rounds; round++) {
    for (const [name, way] of all) {
      figures.get(name)?.push(await microsAProbe(way, asked));
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
