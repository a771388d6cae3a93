/**
 * `task endurance`: serve and probe for a long time, with everything that happens to them in one:
 * churn, clients that hold on or dawdle, half-open handshakes, no descriptors left, steps of the
 * wall clock, stops of either process, a cable cut and mended.
 *
 *     endurance.ts [--minutes N]   default 60
 *
 * It prints descriptors, resident memory and lag at the start and at the end, and exits 1 when
 * something leaked, died or did not come back, or when a figure was false. As root, or with user
 * namespaces: all of it happens in network namespaces of its own.
 */
import { parseArgs } from "@std/cli/parse-args";
import { BINARY } from "../release/build.ts";
import { descriptorsOf, residentBytes, Responder, sleep } from "./child.ts";
import { furnish, isInside, runInside } from "./namespace.ts";
import { table } from "./table.ts";
import { answers, churn, exhaust, holdOn } from "./endurance/abuse.ts";
import { FAR, Network } from "./endurance/network.ts";
import { Prober, type Seen } from "./endurance/prober.ts";
import { synBurst } from "./endurance/syn_burst.ts";
import { WallClock } from "./endurance/wall_clock.ts";

const MIB = 2 ** 20;
const PORT = 9999;
const PAGE_PORT = 9798;
const PAGE = `http://127.0.0.1:${PAGE_PORT}/healthz`;
const INTERVAL_MS = 20;
const TIMEOUT_MS = 1000;
/** After a disturbance, until what it did to probes under way is known. */
const AFTERMATH_MS = 2 * TIMEOUT_MS;
const RECOVERY_MS = 30_000;
/** Memory is given back within this time of the last work. */
const SETTLE_MS = 8000;
const MIN_DISTURBANCE_MS = 1500;
const MAX_DISTURBANCE_MS = 120_000;
const HALF_OPEN = 5000;
const HOUR_S = 3600;
/** How much more there may be at the end than at the start. */
const LIMIT = { descriptors: 2, residentBytes: 8 * MIB, lagMs: 500 };

/** A disturbance, and whether the network's answer may be missing while it lasts. */
interface Disturbance {
  readonly name: string;
  readonly mayLose: boolean;
  readonly mayErr?: boolean;
  run(ms: number): Promise<void>;
}

interface Snapshot {
  readonly serveDescriptors: number;
  readonly serveBytes: number;
  readonly probeDescriptors: number;
  readonly probeBytes: number;
  readonly lagMs: number;
}

interface Scene {
  readonly network: Network;
  readonly serve: Responder;
  readonly prober: Prober;
  readonly wallClock: WallClock | null;
}

/** All that is done to them, in this order, again and again. */
function disturbances({ network, serve, prober, wallClock }: Scene): Disturbance[] {
  const target = `${FAR}:${PORT}`;
  const stopped = (pid: number) => async (ms: number) => {
    Deno.kill(pid, "SIGSTOP");
    await sleep(ms);
    Deno.kill(pid, "SIGCONT");
  };
  const exhausted = (pid: number) => async (ms: number) => {
    const giveBack = await exhaust(pid);
    await sleep(ms);
    await giveBack();
  };
  const stepped = async (ms: number) => {
    for (const seconds of [HOUR_S, -HOUR_S, 0]) {
      wallClock!.step(seconds);
      await sleep(ms / 3);
      // A result that was under way at the step has the time before it; each later one has the time after it.
      const offMs = () => Math.abs(prober.lastTimeMs - Date.now() - seconds * 1000);
      const endMs = performance.now() + RECOVERY_MS;
      while (offMs() > RECOVERY_MS && performance.now() < endMs) await sleep(INTERVAL_MS);
      if (offMs() > RECOVERY_MS) {
        prober.falseFigures.add(`a time ${offMs()} ms from the wall clock's`);
      }
    }
  };
  return [
    { name: "churn, FIN", mayLose: false, run: (ms) => churn(target, ms, "fin") },
    { name: "churn, RST", mayLose: false, run: (ms) => churn(target, ms, "rst") },
    { name: "clients hold on", mayLose: false, run: (ms) => holdOn(FAR, PORT, 500, ms, false) },
    {
      name: "slow HTTP clients",
      mayLose: false,
      run: (ms) => holdOn("127.0.0.1", PAGE_PORT, 150, ms, true),
    },
    {
      name: "half-open handshakes",
      mayLose: true,
      run: async (ms) => {
        synBurst(FAR, PORT, HALF_OPEN);
        await sleep(ms);
      },
    },
    { name: "serve lacks descriptors", mayLose: true, run: exhausted(serve.pid) },
    { name: "probe lacks descriptors", mayLose: false, mayErr: true, run: exhausted(prober.pid) },
    ...(wallClock === null ? [] : [{ name: "wall clock steps", mayLose: false, run: stepped }]),
    { name: "serve stopped", mayLose: true, run: stopped(serve.pid) },
    { name: "probe stopped", mayLose: false, run: stopped(prober.pid) },
    {
      name: "cable cut",
      mayLose: true,
      // Without a link there is no route: the system refuses to send.
      mayErr: true,
      run: async (ms) => {
        await network.cable("down");
        await sleep(ms);
        await network.cable("up");
      },
    },
  ];
}

/** Once what went before is over and memory given back. */
async function snapshot({ serve, prober }: Scene): Promise<Snapshot> {
  prober.phase();
  await sleep(SETTLE_MS);
  const lags = prober.phase().lagsMs.sort((a, b) => a - b);
  // A probe under way holds a descriptor: the least of several readings.
  const least = async (pid: number) => {
    let count = Infinity;
    for (let i = 0; i < 10; i++) {
      count = Math.min(count, await descriptorsOf(pid));
      await sleep(INTERVAL_MS / 3);
    }
    return count;
  };
  return {
    serveDescriptors: await least(serve.pid),
    serveBytes: await residentBytes(serve.pid),
    probeDescriptors: await least(prober.pid),
    probeBytes: await residentBytes(prober.pid),
    lagMs: lags[Math.floor(lags.length * 0.99)] ?? Infinity,
  };
}

/** Runs one, and says what is wrong with how it went. */
async function disturb(disturbance: Disturbance, ms: number, scene: Scene): Promise<string[]> {
  const { name, mayLose, mayErr = false, run } = disturbance;
  const { prober } = scene;
  prober.phase();
  await run(ms);
  await sleep(AFTERMATH_MS);
  const seen: Seen = prober.seen;
  const recovered = await prober.established(10, RECOVERY_MS);
  const wrong = [];
  if (!recovered) wrong.push(`${name}: no handshake was established after it`);
  if (!mayLose && seen.lost > 0) wrong.push(`${name}: ${seen.lost} of ${seen.probes} lost`);
  if (!mayErr && seen.errors > 0) wrong.push(`${name}: ${seen.errors} of ${seen.probes} failed`);
  if (!await answers(PAGE, RECOVERY_MS)) wrong.push(`${name}: /healthz does not answer after it`);
  return wrong;
}

function shown(at: Snapshot): string[] {
  const mib = (bytes: number) => `${(bytes / MIB).toFixed(1)} MiB`;
  return [
    String(at.serveDescriptors),
    mib(at.serveBytes),
    String(at.probeDescriptors),
    mib(at.probeBytes),
    `${at.lagMs.toFixed(1)} ms`,
  ];
}

function leaks(start: Snapshot, end: Snapshot): string[] {
  const wrong = [];
  const more = (what: keyof Snapshot, limit: number) => {
    const growth = end[what] - start[what];
    if (growth > limit) wrong.push(`${what} has grown by ${growth}, which is above ${limit}`);
  };
  more("serveDescriptors", LIMIT.descriptors);
  more("probeDescriptors", LIMIT.descriptors);
  more("serveBytes", LIMIT.residentBytes);
  more("probeBytes", LIMIT.residentBytes);
  if (end.lagMs > LIMIT.lagMs) wrong.push(`lag p99 is ${end.lagMs} ms at the end`);
  return wrong;
}

async function endure(minutes: number, scene: Scene): Promise<string[]> {
  const { prober } = scene;
  const all = disturbances(scene);
  const spanMs = minutes * 60_000;
  // At least a whole round, and long disturbances where there is time for them.
  const share = spanMs / (2 * all.length);
  const ms = Math.round(Math.min(MAX_DISTURBANCE_MS, Math.max(MIN_DISTURBANCE_MS, share)));
  const wrong: string[] = [];
  if (!await prober.established(10, RECOVERY_MS)) return ["no handshake was ever established"];
  // Compilers and heaps have found their size by then.
  await churn(`${FAR}:${PORT}`, MIN_DISTURBANCE_MS, "fin");
  const start = await snapshot(scene);
  const endMs = performance.now() + spanMs;
  let done = 0;
  for (; done < all.length || performance.now() < endMs; done++) {
    if (!prober.alive) break;
    wrong.push(...await disturb(all[done % all.length], ms, scene));
  }
  const end = await snapshot(scene);
  const heads = ["", "serve: descriptors", "resident", "probe: descriptors", "resident", "lag p99"];
  console.log(table(heads, [["start", ...shown(start)], ["end", ...shown(end)]]));
  const clock = scene.wallClock === null ? "; no libfaketime, so no steps of the wall clock" : "";
  console.log(`${done} disturbances of ${ms / 1000} s${clock}`);
  return [...wrong, ...leaks(start, end)];
}

/** How the two end: by themselves only when they are told. */
async function conclude({ serve, prober }: Scene): Promise<string[]> {
  const wrong = [...prober.falseFigures];
  if (!prober.alive) return [...wrong, "probe has died"];
  const code = await prober.stop();
  if (code !== 0) wrong.push(`probe ended with ${code}`);
  const said = await serve.stop();
  const accepted = Number(/accepted (\d+) /.exec(said)?.[1]);
  if (!(accepted > 0)) wrong.push(`serve ended with these words: ${said}`);
  const { sent, summary, maxKernelRttMs } = prober;
  const settled = summary === null ? null : summary.sent - summary.waiting;
  if (settled !== sent) wrong.push(`${sent} results, but ${settled} sent and settled`);
  console.log(
    `${sent} probes, ${summary?.skipped} skipped, highest kernel RTT ${maxKernelRttMs} ms; ` +
      `serve accepted ${accepted}`,
  );
  return wrong;
}

async function main(minutes: number): Promise<number> {
  await furnish();
  const folder = await Deno.makeTempDir({ prefix: "wire-probe-endurance-" });
  try {
    const wallClock = WallClock.create(folder);
    await using network = await Network.create();
    const command = network.atFar([BINARY, "serve", "--bind", FAR, "--port", String(PORT)]);
    await using serve = await Responder.start(command, "stderr");
    const args = ["-i", `${INTERVAL_MS}ms`, "-t", `${TIMEOUT_MS}ms`, `far=${FAR}:${PORT}`];
    const page = ["--export", `prometheus://127.0.0.1:${PAGE_PORT}`];
    await using prober = new Prober([...args, ...page], wallClock?.environment ?? {});
    const scene = { network, serve, prober, wallClock };
    const wrong = [...await endure(minutes, scene), ...await conclude(scene)];
    for (const line of wrong) console.error(`endurance: ${line}`);
    return wrong.length === 0 ? 0 : 1;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Null when the arguments cannot be used. */
function minutesOf(argv: readonly string[]): number | null {
  const minutes = Number(parseArgs([...argv], { default: { minutes: 60 } }).minutes);
  return minutes >= 0 ? minutes : null;
}

if (import.meta.main) {
  const minutes = minutesOf(Deno.args);
  if (minutes === null) {
    console.error("usage: task endurance [--minutes N]");
    Deno.exit(2);
  }
  if (isInside()) Deno.exit(await main(minutes));
  const code = await runInside(import.meta.filename!);
  if (code === null) console.error("endurance: no network namespace can be had here");
  Deno.exit(code ?? 1);
}
