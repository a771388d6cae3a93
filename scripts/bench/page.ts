/**
 * `task bench:page [NODES [SECONDS]]`: what the page of the whole mesh takes of the node that shows it: CPU
 * with no viewer, one and a hundred, and the most memory that was ever resident. The node is the compiled
 * binary with mesh's defaults; the rows of the others are simulated and served by this script, a new one of
 * each node whenever it is asked for. In a network namespace of its own.
 */
import { MESH_PORT, ROW_PATH } from "../../src/input/nodes_file.ts";
import { encodeRow } from "../../src/mesh/row_json.ts";
import { SimulatedMesh } from "../../tests/unit/mesh/simulation/mesh.ts";
import { Random } from "../../tests/unit/random.ts";
import { HttpAccess } from "../../src/net/http_access.ts";
import { textResponse } from "../../src/net/http_response.ts";
import { HttpServer } from "../../src/net/http_server.ts";
import { systemClock } from "../../src/time/clock.ts";
import { BINARY } from "../release/build.ts";
import { cpuSecondsOf, sleep } from "./child.ts";
import { enterNamespace } from "./namespace.ts";
import { readStatus } from "./scale/watched.ts";
import { table } from "./table.ts";

const USAGE = "usage: task bench:page [NODES [SECONDS]]";
const NODES = 200;
const SECONDS = 60;
const VIEWERS = [0, 1, 100];
const OWN = { name: "n1", host: "127.0.0.1", port: 9997, http: 9996 };
/** Where the others offer their rows: all of 127.1.0.0/16 by one server. */
const ROWS_PORT = 9998;
/** As the page asks. */
const REFRESH_MS = 10_000;
const SETTLE_MS = 5000;
const WARM_UP_SECONDS = 30;
/** What the README promises. */
const MOST = { cpuShare: 0.06, moreByHundred: 0.01, peakBytes: 96 * 2 ** 20 };

interface Seen {
  readonly viewers: number;
  readonly cpuShare: number;
  readonly resident: number;
  /** Since the node's start. */
  readonly peak: number;
  readonly pages: number;
  readonly failed: number;
}

function hostOf(index: number): string {
  return `127.1.${index >> 8}.${index & 255}`;
}

/** The other nodes: their rows by the same server as a node's, and handshakes that are answered. */
function serveOthers(mesh: SimulatedMesh): void {
  const rows = mesh.nodes.map((_, i) => new TextEncoder().encode(encodeRow(mesh.row(i, {}))));
  const ports = { clock: systemClock, breakOff: null, access: new HttpAccess([], null) };
  new HttpServer("0.0.0.0", ROWS_PORT, ({ host, path }) => {
    const [, , high, low] = (host ?? "").split(".").map((part) => parseInt(part));
    return Promise.resolve(
      path === ROW_PATH
        ? { status: 200, contentType: "application/json", body: rows[(high << 8) + low] }
        : textResponse(404, "no row"),
    );
  }, ports);
  const answering = async () => {
    const listener = Deno.listen({ hostname: "0.0.0.0", port: MESH_PORT });
    for await (const connection of listener) connection.close();
  };
  answering();
}

/** Looks at the page as a browser does, which keeps what it has as long as it is told to, until it is aborted. */
async function view(
  offsetMs: number,
  signal: AbortSignal,
  onPage: (ok: boolean) => void,
): Promise<void> {
  await sleep(offsetMs);
  while (!signal.aborted) {
    let keepMs = 0;
    try {
      const response = await fetch(`http://${OWN.host}:${OWN.http}/page.json`);
      keepMs = 1000 *
        Number(/max-age=(\d+)/.exec(response.headers.get("cache-control") ?? "")?.[1]);
      // Not parsed: with a hundred viewers this script would ask too late.
      onPage((await response.text()).includes('"nodes":[{'));
    } catch (error) {
      console.error(`a viewer: ${error}`);
      onPage(false);
    }
    for (let waitedMs = 0; waitedMs === 0 || waitedMs < keepMs; waitedMs += REFRESH_MS) {
      await sleep(REFRESH_MS);
    }
  }
}

async function measure(pid: number, viewers: number, seconds: number): Promise<Seen> {
  const stop = new AbortController();
  let [pages, failed] = [0, 0];
  for (let viewer = 0; viewer < viewers; viewer++) {
    view(viewer * REFRESH_MS / viewers, stop.signal, (ok) => ok ? pages++ : failed++);
  }
  await sleep(viewers === 0 ? 0 : 2 * REFRESH_MS);
  const [before, startMs] = [await cpuSecondsOf(pid), performance.now()];
  await sleep(seconds * 1000);
  const cpu = await cpuSecondsOf(pid) - before;
  const cpuShare = cpu * 1000 / (performance.now() - startMs);
  stop.abort();
  const memory = readStatus(await Deno.readTextFile(`/proc/${pid}/status`));
  if (memory === null) throw new Error("the node has ended");
  return { viewers, cpuShare, ...memory, pages, failed };
}

async function report(nodes: number, seconds: number): Promise<boolean> {
  const mesh = new SimulatedMesh(new Random(7), { size: nodes, zones: 3, far: false });
  const file = await Deno.makeTempFile({ prefix: "wire-probe-page-" });
  const lines = mesh.nodes.map(({ name, labels }, i) => {
    const own = name === OWN.name;
    const place = own ? `${OWN.host}:${OWN.port} http=${OWN.http}` : `${hostOf(i)}:${MESH_PORT}`;
    return `${name}=${place} az=${labels.get("az")}\n`;
  });
  await Deno.writeTextFile(file, lines.join(""));
  serveOthers(mesh);
  const node = new Deno.Command(BINARY, {
    args: ["mesh", "--nodes", file, "--name", OWN.name, "--bind", OWN.host, "--quiet"],
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  const seen: Seen[] = [];
  try {
    await sleep(SETTLE_MS);
    // Not counted: the first pages have the runtime compile what the later ones run.
    await measure(node.pid, 1, WARM_UP_SECONDS);
    await sleep(2 * REFRESH_MS);
    for (const viewers of VIEWERS) seen.push(await measure(node.pid, viewers, seconds));
  } finally {
    node.kill("SIGTERM");
    await node.status;
    await Deno.remove(file);
  }
  const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
  console.log(table(
    ["viewers", "CPU %", "RSS MiB", "most ever MiB", "pages", "failed"],
    seen.map((one) => [
      String(one.viewers),
      (one.cpuShare * 100).toFixed(1),
      mib(one.resident),
      mib(one.peak),
      String(one.pages),
      String(one.failed),
    ]),
  ));
  console.log(`
A mesh of ${nodes} nodes, each row over ${seconds} s; CPU of one core. The node's own probes are in it.`);
  const [none, one, hundred] = seen;
  return one.cpuShare - none.cpuShare <= MOST.cpuShare &&
    hundred.cpuShare - one.cpuShare <= MOST.moreByHundred &&
    hundred.peak <= MOST.peakBytes && seen.every(({ failed }) => failed === 0);
}

const [nodes = NODES, seconds = SECONDS] = Deno.args.filter((word) => !word.startsWith("--"))
  .map(Number);
if (!(nodes >= 12 && nodes <= 1000) || !(seconds >= 5)) {
  console.error(`${USAGE}: 12 to 1000 nodes, at least 5 seconds`);
  Deno.exit(2);
}
await enterNamespace(import.meta.url);
Deno.exit(await report(nodes, seconds) ? 0 : 1);
