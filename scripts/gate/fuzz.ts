/**
 * `task fuzz`: nearly right input for every parser, and nearly right requests for the compiled program's
 * listeners, a probe's and a mesh node's:
 * `fuzz.ts [--seconds N] [--seed N]`, a minute by default. A crash, a hang, growth or a wrong answer is
 * told with the seed that makes it again; then the exit code is 1.
 */
import { parseArgs } from "@std/cli/parse-args";
import process from "node:process";
import { Random } from "../../tests/unit/random.ts";
import { residentBytes, sleep } from "../bench/child.ts";
import { BINARY } from "../release/build.ts";
import { freePort } from "./command.ts";
import { mutated } from "./fuzz/mutate.ts";
import { PARSERS } from "./fuzz/parsers.ts";

const DEFAULT_SECONDS = 60;
/** One input takes no more CPU; a parser that does is quadratic in something. */
const MOST_MS = 1000;
/** Requests between two looks whether the program is still well. */
const ROUND = 100;
/**
 * A leak grows in each part of the run; what the engine keeps for later comes once, by chance in one
 * part or another. So the least growth of a part counts, and may be this much.
 */
const PARTS = 3;
const MOST_GROWTH = 8 * 2 ** 20;
/** Memory is given back within this (src/run/housekeeping.ts). */
const SETTLE_MS = 4500;
const PATIENCE_MS = 30_000;
const HEADS = PARSERS.find(({ name }) => name === "HTTP head")?.samples ?? [];

/** A listener of the program: the command behind it, and what it is asked for. */
interface Listener {
  readonly name: string;
  /** Its command line; `folder` takes the files that it reads. */
  args(port: number, folder: string): Promise<string[]>;
  readonly requests: readonly Uint8Array[];
  /** What it ends with when it is told to. */
  readonly code: number;
}

const LISTENERS: readonly Listener[] = [
  {
    name: "a probe",
    args: (port) =>
      Promise.resolve([
        ...["probe", "-q", "-o", "none", "127.0.0.1:1"],
        ...["--export", `prometheus://127.0.0.1:${port}?probe`],
      ]),
    requests: [
      ...HEADS,
      ...gets("/metrics", "/probe?target=127.0.0.1:1&timeout=1s&module=tcp"),
    ],
    // Nothing listens at its target.
    code: 1,
  },
  {
    name: "a mesh's node",
    args: async (port, folder) => {
      const nodes = `${folder}/nodes`;
      const own = `n1=127.0.0.1:${freePort()} http=${port} az=a`;
      await Deno.writeTextFile(nodes, `${own}\nn2=127.0.0.2:1 az=b\n`);
      return ["mesh", "--nodes", nodes, "--name", "n1", "-i", "1s"];
    },
    requests: [
      ...HEADS,
      ...gets("/", "/row", "/metrics", "/api/matrix", "/api/pair?from=n1&to=n2"),
    ],
    code: 0,
  },
];

function gets(...paths: readonly string[]): Uint8Array[] {
  const encoder = new TextEncoder();
  return paths.map((path) => encoder.encode(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`));
}

/** The CPU time that this process has taken so far, however busy the machine is. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Inputs tried until the time is over; throws with the seed of one that failed. */
function fuzzParsers(seed: number, endMs: number): number {
  let tried = 0;
  for (; performance.now() < endMs; tried++) {
    const random = new Random(seed + tried);
    const parser = random.pick(PARSERS);
    const bytes = mutated(parser.samples, random);
    const startMs = cpuMs();
    try {
      parser.parse(bytes);
    } catch (error) {
      throw new Error(`${parser.name}: seed ${seed + tried}`, { cause: error });
    }
    const tookMs = cpuMs() - startMs;
    if (tookMs > MOST_MS) throw new Error(`${parser.name}: seed ${seed + tried}: ${tookMs} ms`);
  }
  return tried;
}

/** A program that serves its pages, which must stay well whatever is asked of it. */
async function fuzzListener(listener: Listener, seed: number, endMs: number): Promise<number> {
  const port = freePort();
  const folder = await Deno.makeTempDir({ prefix: "wire-probe-fuzz-" });
  const args = await listener.args(port, folder);
  const child = new Deno.Command(BINARY, { args, stdout: "null", stderr: "piped" }).spawn();
  const output = child.output();
  const asking = ask(listener.requests, port, child.pid, seed, endMs);
  const tried = await asking.finally(() => stop(child));
  const { code, stderr } = await output;
  await Deno.remove(folder, { recursive: true });
  const said = new TextDecoder().decode(stderr);
  if (code !== listener.code || /panicked|Fatal|internal error|at file:/.test(said)) {
    throw new Error(`${listener.name} ended with ${code}: ${said}`);
  }
  return tried;
}

function stop(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGTERM");
  } catch {
    // It has ended by itself, and its code will say how.
  }
}

/** How many requests were made; throws when the program is not well after them. */
async function ask(
  samples: readonly Uint8Array[],
  port: number,
  pid: number,
  seed: number,
  endMs: number,
): Promise<number> {
  await untilWell(port);
  const partMs = (endMs - performance.now()) / PARTS;
  const grown: number[] = [];
  let before = await residentBytes(pid);
  let tried = 0;
  for (let part = 0; part < PARTS; part++) {
    for (const partEndMs = performance.now() + partMs;;) {
      await askRound(samples, port, seed + tried);
      tried += ROUND;
      if (performance.now() >= partEndMs) break;
    }
    await sleep(SETTLE_MS);
    const after = await residentBytes(pid);
    grown.push(after - before);
    before = after;
  }
  if (Math.min(...grown) > MOST_GROWTH) {
    throw new Error(`requests: in its parts ${grown.join(", ")} bytes more than before`);
  }
  return tried;
}

/** Asks a round of requests at once; throws when the program is not well after them. */
async function askRound(
  samples: readonly Uint8Array[],
  port: number,
  first: number,
): Promise<void> {
  const inputs = Array.from({ length: ROUND }, (_, i) => mutated(samples, new Random(first + i)));
  await Promise.all(inputs.map((bytes) => request(port, bytes)));
  if (!await isWell(port)) throw new Error(`requests: no page any more, seeds from ${first}`);
}

/** Sends the bytes and reads what comes, which is nothing or an answer of HTTP. */
async function request(port: number, bytes: Uint8Array): Promise<void> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port }).catch(() => null);
  if (connection === null) return;
  const timer = setTimeout(() => connection.close(), PATIENCE_MS);
  let answer = "";
  try {
    await connection.write(bytes);
    await connection.closeWrite();
    const buffer = new Uint8Array(4096);
    for (let size; (size = await connection.read(buffer)) !== null;) {
      answer += new TextDecoder("latin1").decode(buffer.subarray(0, size));
    }
  } catch {
    // It was reset: that is an answer too.
  } finally {
    clearTimeout(timer);
    try {
      connection.close();
    } catch {
      // Its time was over.
    }
  }
  if (answer !== "" && !/^HTTP\/1\.1 [1-5]\d\d /.test(answer)) {
    throw new Error(`no answer of HTTP: ${JSON.stringify(answer.slice(0, 200))}`);
  }
}

async function isWell(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/healthz`, {
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    return (await response.text()) === "ok\n";
  } catch {
    return false;
  }
}

async function untilWell(port: number): Promise<void> {
  for (const endMs = performance.now() + PATIENCE_MS; !await isWell(port); await sleep(50)) {
    if (performance.now() > endMs) throw new Error("the program does not answer");
  }
}

if (import.meta.main) {
  const given = parseArgs(Deno.args, {
    string: ["seconds", "seed"],
    default: {
      seconds: DEFAULT_SECONDS,
      seed: crypto.getRandomValues(new Uint32Array(1))[0] >>> 1,
    },
  });
  const [seconds, seed] = [Number(given.seconds), Number(given.seed)];
  console.log(`seed ${seed}, ${seconds} s`);
  const parsed = fuzzParsers(seed, performance.now() + seconds * 500);
  console.log(`${parsed} inputs for ${PARSERS.length} parsers: nothing threw, nothing took long`);
  const endMs = performance.now() + seconds * 500;
  await Promise.all(LISTENERS.map(async (listener) => {
    const asked = await fuzzListener(listener, seed, endMs);
    console.log(`${asked} requests of ${listener.name}: it answers, and has not grown`);
  }));
}
