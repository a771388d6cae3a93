/**
 * Size, memory and start-up of the compiled binary against their limits: `footprint.ts [--json]`.
 *
 * Memory is VmRSS of /proc, and Private_Dirty beside it: clean pages of the executable come and go
 * with what else the machine does. What work leaves behind is given back by the tool's own housekeeping,
 * whose last turns come 2 and 4 s after it: the reading 6 s after the work counts. The most seen
 * until then is shown too, for information. Load comes from `wire-probe probe` itself, 10,000
 * handshakes to each of ten addresses 127.0.0.x, so that no free port has to be searched for among
 * those in TIME_WAIT.
 */
import { BINARY, PERMISSIONS, RUNNABLE, V8_FLAGS } from "../release/build.ts";
import {
  cpuSecondsOf,
  finish,
  privateBytes,
  residentBytes,
  Responder,
  sleep,
  startServe,
} from "../bench/child.ts";
import { median, table } from "../bench/table.ts";
import { newestDeno } from "./newest.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

/**
 * The limits are what was reached and a tenth more. Those of the program's size and of serve's private
 * memory are closer. Those of varying figures are wider: clean pages of probe, and the start, whose measure
 * is a program of 40 ms.
 */
const LIMIT = {
  /**
   * With every command and format; 470 are reached. Three quarters of it are the text of what agents run: probe,
   * serve, mesh, the exports. The rest are the rarer commands, packed (scripts/release/packed_modules.ts).
   */
  payload: 480 * KIB,
  idle: 24.5 * MIB,
  idlePrivate: 16.9 * MIB,
  newestIdlePrivate: 14 * MIB,
  loaded: 30.5 * MIB,
  loadedPrivate: 23.5 * MIB,
  growth: 1 * MIB,
  probe: 36 * MIB,
  probePrivate: 25 * MIB,
  /**
   * First SYN, as a multiple of what a bare connect by the pinned `deno run` needs; the goal is 1.5. Seen:
   * 1.25 to 1.5, and more where other programs take the cores. Of the CPU beside the runtime's own, some
   * 17 ms, half is modules that are read (130 KB), 1 functions of libc, 2 the command line.
   */
  startup: 2,
};

const IDLE_MS = 3000;
/** Housekeeping (src/run/housekeeping.ts) has a turn within this time. */
const SETTLE_MS = 6000;
/** Between two readings of VmRSS. */
const READ_EVERY_MS = 500;
/** Handshakes of a round: so many with each of so many targets. */
const LOAD = { targets: 10, each: 10_000 };
/** What the collector leaves differs by 2 MiB either way; a leak grows in every round. */
const ROUNDS = 3;
const STARTS = 20;
/** The end of a program that `deno compile` made on Linux: magic, u32, u32, u64 data before it. */
const TRAILER = { bytes: 24, magic: "d3n0l4nd" };

interface Figure {
  readonly what: string;
  readonly value: number;
  /** Null for information only. */
  readonly limit: number | null;
  readonly unit: "KiB" | "MiB" | "ms" | "×";
}

/** What `deno compile` added to the bare runtime. */
async function payloadBytes(): Promise<number> {
  using file = await Deno.open(BINARY);
  await file.seek(-TRAILER.bytes, Deno.SeekMode.End);
  const trailer = new Uint8Array(TRAILER.bytes);
  await file.read(trailer);
  const magic = new TextDecoder().decode(trailer.subarray(0, TRAILER.magic.length));
  if (magic !== TRAILER.magic) throw new Error(`${BINARY} does not end as deno compile ends one`);
  return Number(new DataView(trailer.buffer).getBigUint64(16, true)) + TRAILER.bytes;
}

interface Settled {
  /** Resident and private memory when all was over. */
  readonly last: number;
  readonly private: number;
  readonly peak: number;
}

/** VmRSS once housekeeping had its turn; see the top of this file. */
async function settled(pid: number): Promise<Settled> {
  const readings = [await residentBytes(pid)];
  const endMs = performance.now() + SETTLE_MS;
  while (performance.now() < endMs) {
    await sleep(READ_EVERY_MS);
    readings.push(await residentBytes(pid));
  }
  const last = readings[readings.length - 1];
  return { last, private: await privateBytes(pid), peak: Math.max(...readings) };
}

/** 100,000 handshakes with `server`, at addresses from 127.0.0.`firstHost` on: a burst for each. */
async function load(server: Responder, firstHost: number): Promise<void> {
  const targets = Array.from({ length: LOAD.targets }, (_, i) => at(firstHost + i, server.port));
  const each = String(LOAD.each);
  await finish([
    BINARY,
    "probe",
    ...targets,
    "-c",
    each,
    "--burst",
    each,
    "-i",
    "10ms",
    "-o",
    "none",
  ]);
}

function at(host: number, port: number): string {
  return `127.0.0.${host}:${port}`;
}

async function serveFigures(): Promise<Figure[]> {
  await using server = await startServe(BINARY);
  await sleep(IDLE_MS);
  const idle = await residentBytes(server.pid);
  const idlePrivate = await privateBytes(server.pid);
  const after: Settled[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await load(server, 1 + round * LOAD.targets);
    after.push(await settled(server.pid));
  }
  const handshakes = ROUNDS * LOAD.targets * LOAD.each;
  const cpuUs = await cpuSecondsOf(server.pid) * 1e6 / handshakes;
  const accepted = Number(/accepted (\d+) /.exec(await server.stop())?.[1]);
  if (accepted !== handshakes) throw new Error(`serve accepted ${accepted}, not ${handshakes}`);
  const growths = after.slice(1).map(({ last }, i) => Math.max(0, last - after[i].last));
  const loaded = after.map(({ last }, i): Figure => ({
    what: `serve, after ${i + 1}00,000 connections`,
    value: last,
    limit: LIMIT.loaded,
    unit: "MiB",
  }));
  return [
    { what: "serve, idle for 3 s", value: idle, limit: LIMIT.idle, unit: "MiB" },
    {
      what: "serve, idle, private and dirty",
      value: idlePrivate,
      limit: LIMIT.idlePrivate,
      unit: "MiB",
    },
    ...loaded,
    {
      what: "serve, after the load, private and dirty",
      value: after[after.length - 1].private,
      limit: LIMIT.loadedPrivate,
      unit: "MiB",
    },
    {
      what: "serve, least growth a 100,000",
      value: Math.min(...growths),
      limit: LIMIT.growth,
      unit: "MiB",
    },
    {
      what: "serve, most seen after the load",
      value: Math.max(...after.map(({ peak }) => peak)),
      limit: null,
      unit: "MiB",
    },
    { what: "serve, CPU a connection", value: cpuUs / 1000, limit: null, unit: "ms" },
  ];
}

/**
 * `serve` by the newest runtime, which compiles the releases and nothing here: by `deno run` of the modules
 * that the binary is made of. The first run parses them, which leaves 16 MiB behind; a binary is made
 * of parsed ones, so the second run counts. Nothing where that runtime is not to be had.
 */
async function newestFigures(): Promise<Figure[]> {
  const { deno } = await newestDeno();
  if (deno === undefined) return [];
  const cache = await Deno.makeTempDir();
  const words = ["--quiet", "--no-config", "--no-check", "--no-lock", "--no-code-cache", V8_FLAGS];
  const program = ["env", `DENO_DIR=${cache}`, deno, "run", ...words, ...PERMISSIONS, RUNNABLE];
  const start = () => Responder.start([...program, "serve", "--port", "0"], "stderr");
  try {
    await (await start())[Symbol.asyncDispose]();
    await using server = await start();
    await sleep(IDLE_MS);
    return [{
      what: "serve by the newest runtime, idle, private and dirty",
      value: await privateBytes(server.pid),
      limit: LIMIT.newestIdlePrivate,
      unit: "MiB",
    }];
  } finally {
    await Deno.remove(cache, { recursive: true });
  }
}

async function probeFigures(): Promise<Figure[]> {
  await using server = await startServe(BINARY);
  const child = new Deno.Command(BINARY, {
    args: ["probe", at(1, server.port), "--burst", String(LOAD.each), "-i", "1h", "-o", "csv"],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = child.stdout.getReader();
  // One line of column names, then one a probe.
  for (let lines = 0; lines < 1 + LOAD.each;) {
    const { done, value } = await reader.read();
    if (done) throw new Error("probe ended early");
    for (const byte of value) if (byte === 10) lines++;
  }
  const { last, private: own, peak } = await settled(child.pid);
  child.kill("SIGTERM");
  await reader.cancel();
  await child.status;
  return [
    { what: "probe, after 10,000 handshakes", value: last, limit: LIMIT.probe, unit: "MiB" },
    {
      what: "probe, private and dirty",
      value: own,
      limit: LIMIT.probePrivate,
      unit: "MiB",
    },
    { what: "probe, most seen after them", value: peak, limit: null, unit: "MiB" },
  ];
}

/** From the spawn to the first accept, in ms. */
async function firstSynMs(listener: Deno.TcpListener, command: readonly string[]): Promise<number> {
  const [program, ...args] = command;
  const startMs = performance.now();
  const child = new Deno.Command(program, { args, stdout: "null", stderr: "null" }).spawn();
  const connection = await listener.accept();
  const elapsedMs = performance.now() - startMs;
  connection.close();
  await child.status;
  return elapsedMs;
}

async function startupFigures(): Promise<Figure[]> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const script = await Deno.makeTempFile({ suffix: ".js" });
  await Deno.writeTextFile(script, "(await Deno.connect({ port: Number(Deno.args[0]) })).close();");
  const port = String(listener.addr.port);
  const bare = [Deno.execPath(), "run", "--no-config", "--allow-net", script, port];
  const ours = [BINARY, "probe", `127.0.0.1:${port}`, "-c", "1", "-o", "none"];
  const times = { bare: [] as number[], ours: [] as number[] };
  // The first of each fills the page cache, and is not counted.
  for (let i = 0; i <= STARTS; i++) {
    for (const [name, command] of [["bare", bare], ["ours", ours]] as const) {
      const ms = await firstSynMs(listener, command);
      if (i > 0) times[name].push(ms);
    }
  }
  await Deno.remove(script);
  const oursMs = median(times.ours);
  const bareMs = median(times.bare);
  return [
    { what: "first SYN after start", value: oursMs, limit: null, unit: "ms" },
    { what: "first SYN of a bare deno run", value: bareMs, limit: null, unit: "ms" },
    { what: "the former by the latter", value: oursMs / bareMs, limit: LIMIT.startup, unit: "×" },
  ];
}

function shown(value: number, unit: Figure["unit"]): string {
  switch (unit) {
    case "KiB":
      return `${(value / KIB).toFixed(1)} KiB`;
    case "MiB":
      return `${(value / MIB).toFixed(1)} MiB`;
    case "ms":
      return `${value.toFixed(value < 1 ? 4 : 1)} ms`;
    case "×":
      return `${value.toFixed(2)} ×`;
    default:
      return unit satisfies never;
  }
}

function verdictOf({ value, limit }: Figure): string {
  return limit === null ? "" : value <= limit ? "ok" : "FAILED";
}

async function main(): Promise<number> {
  if (Deno.build.os !== "linux") {
    console.error("footprint: skipped, only Linux has /proc");
    return 0;
  }
  // Pages of a binary that was just built and is not on the disk yet would count as private and dirty.
  await new Deno.Command("sync", { args: [BINARY] }).output();
  const figures: Figure[] = [
    {
      what: "added to the runtime",
      value: await payloadBytes(),
      limit: LIMIT.payload,
      unit: "KiB",
    },
    ...await startupFigures(),
    ...await serveFigures(),
    ...await newestFigures(),
    ...await probeFigures(),
  ];
  if (Deno.args.includes("--json")) {
    const rows = figures.map((figure) => ({ ...figure, verdict: verdictOf(figure) }));
    console.log(JSON.stringify(rows, null, 2));
  } else {
    const rows = figures.map((figure) => [
      figure.what,
      figure.limit === null ? "" : shown(figure.limit, figure.unit),
      shown(figure.value, figure.unit),
      verdictOf(figure),
    ]);
    console.log(table(["footprint", "limit", "value", ""], rows));
  }
  return figures.some((figure) => verdictOf(figure) === "FAILED") ? 1 : 0;
}

if (import.meta.main) Deno.exit(await main());
