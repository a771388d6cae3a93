/** Many handshakes in a row: what must not grow, and what must not be lost. */
import { BINARY } from "../../release/build.ts";
import { descriptorsOf, residentBytes, sleep, startServe, tcpCounter } from "../child.ts";
import { burstCommand } from "./connects.ts";

/** `warmUpShare` is a run's start: the compiler works, the heap finds its size. */
const SAMPLES = { everyMs: 100, warmUpShare: 0.3 };

export interface EnduranceFigures {
  readonly handshakes: number;
  readonly probers: number;
  readonly perSecond: number;
  /** The most descriptors open at once beyond the least: connections under way, or leaks. */
  readonly descriptorsBeyondLeast: number;
  /** How much its least memory grows from the first half after warm-up to the second, in bytes. */
  readonly residentGrowth: number;
  readonly residentPeak: number;
  readonly synRetransmits: number;
  readonly listenOverflows: number;
}

interface Watched {
  readonly descriptors: number[];
  readonly resident: number[];
  readonly synRetransmits: number;
}

async function watch(command: readonly string[]): Promise<Watched> {
  const [program, ...args] = command;
  const child = new Deno.Command(program, { args, stdout: "piped", stderr: "null" }).spawn();
  const descriptors: number[] = [];
  const resident: number[] = [];
  let running = true;
  child.status.then(() => running = false);
  while (running) {
    await sleep(SAMPLES.everyMs);
    try {
      const [bytes, open] = await Promise.all([
        residentBytes(child.pid),
        descriptorsOf(child.pid),
      ]);
      if (!(bytes > 0)) break;
      resident.push(bytes);
      descriptors.push(open);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) break;
      // A process that has just ended has nothing left to read.
      if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
    }
  }
  const { syn_retransmits } = JSON.parse(await new Response(child.stdout).text());
  await child.status;
  return { descriptors, resident, synRetransmits: syn_retransmits };
}

/** `probers` processes at once, each with so many handshakes, all with one `serve`, unpinned. */
export async function endure(
  probers: number,
  each: number,
  firstHost: number,
): Promise<EnduranceFigures> {
  const overflowsBefore = await tcpCounter("ListenOverflows");
  await using server = await startServe(BINARY);
  const startMs = performance.now();
  const runs = await Promise.all(
    Array.from(
      { length: probers },
      (_, i) => watch(burstCommand(server.port, each, firstHost + i)),
    ),
  );
  const seconds = (performance.now() - startMs) / 1000;
  return {
    handshakes: probers * each,
    probers,
    perSecond: probers * each / seconds,
    descriptorsBeyondLeast: Math.max(...runs.map((run) => spread(settledPart(run.descriptors)))),
    residentGrowth: Math.max(...runs.map((run) => growth(settledPart(run.resident)))),
    residentPeak: Math.max(...runs.flatMap((run) => run.resident)),
    synRetransmits: runs.reduce((sum, run) => sum + run.synRetransmits, 0),
    listenOverflows: await tcpCounter("ListenOverflows") - overflowsBefore,
  };
}

function settledPart(samples: readonly number[]): readonly number[] {
  return samples.slice(Math.floor(samples.length * SAMPLES.warmUpShare));
}

function spread(samples: readonly number[]): number {
  return Math.max(...samples) - Math.min(...samples);
}

/** From the least of the first half to that of the second: between collections memory goes up and down. */
function growth(samples: readonly number[]): number {
  const half = samples.length >> 1;
  return Math.min(...samples.slice(half)) - Math.min(...samples.slice(0, half));
}
