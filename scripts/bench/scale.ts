/**
 * How the cost of probing grows with the number of targets: CPU, memory, lag and kernel RTT of
 * wire-probe, beside the runtime alone and probers from Debian's packages at the same rates, as
 * tables and a plot: `scale.ts [--targets N,N…] [--seconds N] …`. Only in a network namespace
 * of its own.
 */
import { BINARY } from "../release/build.ts";
import { Responder, startServe } from "./child.ts";
import { buildReference } from "./handshakes/reference.ts";
import { furnish, isInside, runInside } from "./namespace.ts";
import { addresses } from "./scale/addresses.ts";
import { type Options, parse, USAGE } from "./scale/options.ts";
import {
  heapBytesAProbe,
  makeSilentNetwork,
  probeMany,
  probeOne,
  probePartlyRefused,
  probePartlySilent,
} from "./scale/ours.ts";
import { missingNeeds, type PeerFigures, PEERS } from "./scale/peers.ts";
import {
  broken,
  chart,
  notes,
  ourTable,
  type PeerRuns,
  peersTable,
  type Results,
} from "./scale/report.ts";
import { install } from "../gate/packages.ts";

const SVG = new URL("scale.svg", import.meta.url).pathname;
/** Theirs is a constant cost by the second: longer runs show nothing more. */
const MOST_PEER_SECONDS = 8;
/** The size at which runs with some targets silent or refused are made as well. */
const MIXED_TARGETS = 10_000;
/** Nobody listens there in a namespace of the benchmark's own. */
const CLOSED_PORT = 9;
/** The size at which heap bytes a probe are measured. */
const HEAP_TARGETS = 10_000;
const WRONG_USAGE = 2;

async function measure({ targets, seconds, peers }: Options): Promise<Results> {
  const folder = await Deno.makeTempDir({ prefix: "wire-probe-bench-" });
  try {
    const missing: string[] = [];
    const bare = await buildReference(folder);
    if (bare === null) missing.push("the C loop: no compiler; serve answers in its place");
    await using server = bare === null
      ? await startServe(BINARY)
      : await Responder.start([bare, "accept", "0"], "stdout");
    const place: Place = { port: server.port, seconds, folder };
    const ours = await measureOurs(targets, place, bare, missing);
    const peerSeconds = Math.min(seconds, MOST_PEER_SECONDS);
    const peerPlace = { ...place, seconds: peerSeconds };
    const peerRuns = peers ? await measurePeers(targets, peerPlace, missing) : [];
    return { seconds, peerSeconds, ...ours, peers: peerRuns, missing };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Where the responder listens, how long a run is, and where its files go. */
interface Place {
  readonly port: number;
  readonly seconds: number;
  readonly folder: string;
}

type OurResults = Pick<
  Results,
  "reference" | "runs" | "partlySilent" | "partlyRefused" | "heapBytes" | "failed"
>;

/** A run that fails is noted in `failed`, and the others are made all the same. */
async function measureOurs(
  targets: readonly number[],
  { port, seconds, folder }: Place,
  bare: string | null,
  missing: string[],
): Promise<OurResults> {
  const failed: string[] = [];
  const all = async <T>(
    what: string,
    sizes: readonly number[],
    run: (size: number) => Promise<T>,
  ) => {
    const results: T[] = [];
    for (const size of sizes) {
      const name = `${size} targets${what}`;
      say(name);
      try {
        results.push(await run(size));
      } catch (error) {
        failed.push(`${name}: ${error instanceof Error ? error.message : error}`);
      }
    }
    return results;
  };
  const [reference = null] = await all(
    ", 100 times a second",
    [1],
    () => probeOne(port, seconds, folder),
  );
  const runs = await all("", targets, (size) => probeMany(size, port, seconds, folder, bare));
  const mixed = targets.filter((size) => size === MIXED_TARGETS);
  const network = await makeSilentNetwork();
  if (!network) missing.push("silent targets: no tun device is to be had");
  const partlySilent = await all(
    ", some silent",
    network ? mixed : [],
    (size) => probePartlySilent(size, port, seconds, folder),
  );
  const partlyRefused = await all(
    ", some refused",
    mixed,
    (size) => probePartlyRefused(size, port, CLOSED_PORT, seconds, folder),
  );
  const [heapBytes = null] = await all(
    ", heap bytes a probe",
    targets.filter((size) => size === HEAP_TARGETS),
    (size) => heapBytesAProbe(size, port, seconds, folder),
  );
  return { reference, runs, partlySilent, partlyRefused, heapBytes, failed };
}

/** A peer that is missing or fails is noted in `missing`. */
async function measurePeers(
  targets: readonly number[],
  { port, seconds, folder }: Place,
  missing: string[],
): Promise<PeerRuns[]> {
  const absent = missingNeeds();
  const all: PeerRuns[] = [];
  for (const { name, needs, does, run } of PEERS) {
    if (needs !== null && absent.includes(needs)) {
      missing.push(`${name} is not installed (Debian: ${needs.package}); --install would`);
      continue;
    }
    const runs: PeerFigures[] = [];
    for (const count of targets) {
      say(`${name}, ${count} targets`);
      try {
        runs.push(await run({ addresses: addresses(count), port, seconds, folder }));
      } catch (error) {
        missing.push(
          `${name}, ${count} targets: ${error instanceof Error ? error.message : error}`,
        );
      }
    }
    all.push({ name, does, runs });
  }
  return all;
}

/** A run takes minutes: its progress goes to standard error. */
function say(what: string): void {
  console.error(`measuring ${what}`);
}

async function report(results: Results, { json, svg }: Options): Promise<number> {
  const failures = broken(results);
  if (json) console.log(JSON.stringify({ ...results, failures }, null, 2));
  else {
    console.log(`${ourTable(results)}\n`);
    if (results.peers.length > 0) console.log(`${peersTable(results)}\n`);
    for (const line of notes(results)) console.log(line);
    for (const line of failures) console.log(`FAILED: ${line}`);
  }
  // A single size shows no growth, and would take the place of a plot that does.
  if (results.runs.length > 1) {
    await Deno.writeTextFile(svg, chart(results));
    if (!json) console.log(`wrote ${relative(svg)}`);
  }
  return failures.length === 0 ? 0 : 1;
}

function relative(path: string): string {
  const folder = `${Deno.cwd()}/`;
  return path.startsWith(folder) ? path.slice(folder.length) : path;
}

async function installMissing(): Promise<void> {
  const needs = missingNeeds();
  if (needs.length === 0) return;
  const problem = await install(needs);
  if (problem !== null) throw new Error(problem.trimEnd());
}

async function main(): Promise<number> {
  if (Deno.build.os !== "linux") throw new Error("the benchmark needs Linux: namespaces, /proc");
  let options: Options;
  try {
    // Inside, the last word is the one that says so.
    options = parse(isInside() ? Deno.args.slice(0, -1) : Deno.args, SVG);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    console.error(`bench:scale: ${error.message}\n\n${USAGE.trimEnd()}`);
    return WRONG_USAGE;
  }
  if (!isInside()) {
    if (options.install) await installMissing();
    const code = await runInside(new URL(import.meta.url).pathname);
    if (code !== null) return code;
    console.error("bench:scale: no network namespace is to be had, and outside of one it must not");
    return 1;
  }
  await furnish();
  return await report(await measure(options), options);
}

if (import.meta.main) Deno.exit(await main());
