/**
 * `task demo:mesh`: twelve nodes of a mesh in namespaces of their own, three zones, links of known delay of
 * which one is slow now and then, and the address of a node's live page. Wants root; Ctrl-C ends it and
 * takes all of it away.
 */
import { delay } from "@std/async/delay";
import { system } from "../../tests/wan/harness/process.ts";
import { ACCESS_US, BACKBONE_US, MeshLab } from "../../tests/wan/mesh_lab.ts";
import { buildWhereDue } from "./fresh_build.ts";

const MESH_OPTIONS = ["-i", "2s", "-t", "1s", "--window", "1m", "--slo", "5"];
/** From this machine to the namespace of the node whose page is shown; addresses of RFC 5737. */
const DEVICE = "wp-demo";
const HERE = "198.51.100.1";
const THERE = "198.51.100.2";
const PAGE_PORT = 9998;
/** How long a link is slow, and how long none is. */
const SLOW_MS = 30_000;
const CALM_MS = 30_000;
const SLOW_FACTOR = 8;

const ended = Promise.withResolvers<null>();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => ended.resolve(null));
}

/** Whether the time is over; false when the user ended it first. */
async function after(ms: number): Promise<boolean> {
  const given = new AbortController();
  const over = delay(ms, { signal: given.signal }).then(() => true, () => false);
  const found = await Promise.race([over, ended.promise]);
  given.abort();
  return found === true;
}

/** Joins this machine to a node, so that a browser here reaches its page. */
async function join(lab: MeshLab, name: string): Promise<string> {
  const { host, link } = lab.node(name);
  await system("ip", [
    "link",
    "add",
    DEVICE,
    "type",
    "veth",
    "peer",
    DEVICE,
    "netns",
    host.namespace,
  ]);
  await system("ip", ["addr", "add", `${HERE}/30`, "dev", DEVICE]);
  await system("ip", ["link", "set", DEVICE, "up"]);
  await host.ip("addr", "add", `${THERE}/30`, "dev", DEVICE);
  await host.ip("link", "set", DEVICE, "up");
  await system("ip", ["route", "add", `${link.a.v4}/32`, "via", THERE, "dev", DEVICE]);
  return `http://${link.a.v4}:${PAGE_PORT}/`;
}

/** Takes the device away at once, the one of a run that was killed too: the kernel may take a minute over a namespace. */
async function part(): Promise<void> {
  await system("ip", ["link", "del", DEVICE]).catch(() => {});
}

/** One link after the other is slow: a node's, or that between two zones. */
async function slowNowAndThen(lab: MeshLab): Promise<void> {
  const links = [
    // By its address, as the page calls it.
    ...lab.nodes.map(({ link }) => ({ what: `node ${link.a.v4}'s link`, link, us: ACCESS_US })),
    ...[...lab.backbone].map(([[a, b], link]) => ({
      what: `the link between zones ${a} and ${b}`,
      link,
      us: BACKBONE_US,
    })),
  ];
  while (await after(CALM_MS)) {
    const { what, link, us } = links[Math.floor(Math.random() * links.length)];
    await link.set({ delayUs: SLOW_FACTOR * us });
    console.log(`${what} is slow now: ${SLOW_FACTOR * us / 1000} ms one way, for 30 s`);
    const more = await after(SLOW_MS);
    await link.set({ delayUs: us });
    if (!more) return;
    console.log(`${what} is as before`);
  }
}

async function demo(): Promise<void> {
  await buildWhereDue();
  console.log("starting twelve nodes in three zones");
  await using lab = await MeshLab.open(["a", "b", "c"], 4, MESH_OPTIONS);
  await lab.start();
  await part();
  const page = await join(lab, "a1");
  console.log(`\nthe live page of the mesh: ${page}\nCtrl-C ends it\n`);
  await slowNowAndThen(lab);
  console.log("taking the nodes and their links away");
  await part();
}

if (Deno.uid() !== 0) {
  console.error("demo:mesh makes network namespaces, which wants root");
  Deno.exit(1);
}
try {
  await demo();
} catch (error) {
  console.error(`demo:mesh: ${error instanceof Error ? error.message : error}`);
  Deno.exit(1);
}
Deno.exit(0);
