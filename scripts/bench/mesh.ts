/**
 * `task mesh:scale [SECONDS]`: what a node of a mesh takes of memory, CPU and the network at 10 to 5,000
 * nodes, all probing all or each by FANOUT others. One node is the compiled binary with mesh's defaults;
 * its peers are addresses of 127.0.0.0/8, answered by one `serve`. In a network namespace of its own.
 */
import { RowBuilder } from "../../src/mesh/row_builder.ts";
import { MESH_HTTP_PORT, MESH_PORT, ROW_PATH } from "../../src/input/nodes_file.ts";
import { FakeClock } from "../../tests/unit/fake_clock.ts";
import { established, target } from "../../tests/unit/fixtures.ts";
import { Random } from "../../tests/unit/random.ts";
import { cpuSecondsOf, residentBytes, sleep, startServe } from "./child.ts";
import { enterNamespace } from "./namespace.ts";
import { table } from "./table.ts";
import { BINARY } from "../release/build.ts";

const USAGE = "usage: task mesh:scale [SECONDS]";
const FANOUT = 50;
const MESHES: readonly (readonly [nodes: number, fanout: number | null])[] = [
  [10, null],
  [100, null],
  [1000, null],
  [1000, FANOUT],
  [5000, FANOUT],
  [5000, null],
];
/** Meshes of more handshakes a second are left to arithmetic: the peers' side would fill the machine. */
const MOST_MEASURED = 1000;
const SECONDS = 20;
/** Start-up, and giving back what it took. */
const SETTLE_MS = 3000;
const HOME = "127.0.0.1";
/** mesh's defaults. */
const DEFAULTS = { burst: 5, intervalS: 10, windowMs: 300_000 };
/**
 * A handshake on IPv4 with TCP timestamps: SYN and SYN-ACK of 60 bytes; an ACK, two FINs and the last
 * ACK of 52.
 */
const HANDSHAKE_BYTES = 2 * 60 + 4 * 52;

interface Measured {
  readonly peers: number;
  readonly residentBytes: number;
  readonly cpuShare: number;
  /** A second. */
  readonly handshakes: number;
  /** On the wire, of a handshake. */
  readonly handshakeBytes: number;
  readonly rowBytes: number;
  readonly lost: number;
  readonly lagP99Ms: number;
}

/** Runs a node of a mesh for some seconds. */
async function measure(nodes: number, fanout: number | null, seconds: number): Promise<Measured> {
  await using server = await startServe(BINARY);
  const file = await Deno.makeTempFile({ prefix: "wire-probe-mesh-" });
  const peers = Array.from(
    { length: nodes - 1 },
    (_, i) => `n${i + 1}=${loopback(i)}:${server.port}`,
  );
  await Deno.writeTextFile(file, [`n0=${HOME}:${MESH_PORT}`, ...peers, ""].join("\n"));
  const options = fanout === null ? [] : ["--fanout", String(fanout)];
  const node = new Deno.Command(BINARY, {
    args: ["mesh", "--nodes", file, "--name", "n0", "--bind", HOME, "--quiet", ...options],
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  try {
    await sleep(SETTLE_MS);
    const [cpuBefore, wireBefore] = [await cpuSecondsOf(node.pid), await loopbackTraffic()];
    const startMs = performance.now();
    await sleep(seconds * 1000);
    const elapsed = (performance.now() - startMs) / 1000;
    const [cpu, wire] = [await cpuSecondsOf(node.pid), await loopbackTraffic()];
    const resident = await residentBytes(node.pid);
    const text = await (await fetch(`http://${HOME}:${MESH_HTTP_PORT}${ROW_PATH}`)).text();
    const row = JSON.parse(text);
    const sum = (figure: string): number =>
      row.peers.reduce((total: number, peer: Record<string, number>) => total + peer[figure], 0);
    const handshakes = row.peers.length * DEFAULTS.burst / DEFAULTS.intervalS;
    return {
      peers: row.peers.length,
      residentBytes: resident,
      cpuShare: (cpu - cpuBefore) / elapsed,
      handshakes,
      handshakeBytes: (wire - wireBefore) / (handshakes * elapsed),
      rowBytes: text.length,
      lost: sum("lost") + sum("refused"),
      lagP99Ms: row.lag_p99_ms,
    };
  } finally {
    node.kill("SIGTERM");
    await node.status;
    await Deno.remove(file);
  }
}

/** Peers' addresses, none of them the node's own. */
function loopback(index: number): string {
  return `127.${1 + (index >> 16)}.${index >> 8 & 255}.${index & 255}`;
}

/** Bytes of all IP packets that this namespace's loopback has carried (proc_pid_net(5)). */
async function loopbackTraffic(): Promise<number> {
  return Number(/^\s*lo:\s*(\d+)/m.exec(await Deno.readTextFile("/proc/net/dev"))?.[1]);
}

/** Bytes of a pair's counts once its window is full: round trips of 1 ms that vary by a tenth. */
function windowBytes(): number {
  const clock = new FakeClock();
  const peer = target("peer");
  const options = { windowMs: DEFAULTS.windowMs, burst: DEFAULTS.burst };
  const builder = new RowBuilder(target("me"), options, { clock, pause: () => Promise.resolve() });
  builder.watch(target("me"), [peer]);
  const random = new Random(1);
  let most = 0;
  for (let ms = 0; ms < 2 * DEFAULTS.windowMs; ms += DEFAULTS.intervalS * 1000) {
    for (let i = 0; i < DEFAULTS.burst; i++) {
      const rttUs = 950 + random.int(0, 100);
      const connectUs = rttUs + random.int(100, 300);
      builder.record(established(i, rttUs, { target: peer, cold: i === 0, connectUs }));
    }
    clock.stall(DEFAULTS.intervalS * 1000);
    most = Math.max(most, builder.bytes);
  }
  return most;
}

function mib(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}

/** What a node sends and is sent in a minute: it is probed as often as it probes. */
function minuteMib(handshakes: number): string {
  return mib(2 * 60 * handshakes * HANDSHAKE_BYTES);
}

async function report(seconds: number): Promise<boolean> {
  const pairBytes = windowBytes();
  const rows: string[][] = [];
  const seen: Measured[] = [];
  for (const [nodes, fanout] of MESHES) {
    const peers = fanout ?? nodes - 1;
    const handshakes = peers * DEFAULTS.burst / DEFAULTS.intervalS;
    const measured = handshakes > MOST_MEASURED ? null : await measure(nodes, fanout, seconds);
    if (measured !== null) seen.push(measured);
    rows.push([
      `${nodes.toLocaleString("en")}${fanout === null ? "" : `, fanout ${fanout}`}`,
      String(measured?.peers ?? peers),
      String(measured?.handshakes ?? handshakes),
      measured === null ? "-" : mib(measured.residentBytes),
      mib((measured?.peers ?? peers) * pairBytes),
      measured === null ? "-" : (measured.cpuShare * 100).toFixed(1),
      measured === null ? "-" : measured.lagP99Ms.toFixed(1),
      measured === null ? "-" : (measured.rowBytes / 1024).toFixed(0),
      minuteMib(measured?.handshakes ?? handshakes),
    ]);
  }
  const heads = ["nodes", "peers", "handshakes/s", "RSS MiB", "window full MiB", "CPU %"];
  console.log(table([...heads, "lag p99 ms", "row KiB", "wire MiB/min"], rows));
  const wire = seen.map(({ handshakeBytes }) => handshakeBytes.toFixed(0)).join(", ");
  console.log(`
RSS, CPU, lag and row: of one node, measured over ${seconds} s; "-": not measured. Its peers do not probe it: answering
as many handshakes as it sends comes on top.
window full: arithmetic, ${pairBytes} bytes of counts a pair, as the program's own code makes them in ten minutes of a
made-up clock; comes on top of the RSS as far as the window was not full yet.
wire: arithmetic, ${HANDSHAKE_BYTES} bytes of IP packets a handshake, as many to the node as from it. Seen on
loopback a handshake: ${wire} bytes.`);
  return seen.every(({ lost }) => lost === 0);
}

const seconds = Number(Deno.args.find((word) => !word.startsWith("--")) ?? SECONDS);
if (!(seconds >= 5)) {
  console.error(`${USAGE}, at least 5`);
  Deno.exit(2);
}
await enterNamespace(import.meta.url);
if (!await report(seconds)) {
  console.error("some probes were lost or refused: these figures are worth nothing");
  Deno.exit(1);
}
