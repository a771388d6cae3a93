/**
 * Zones of nodes around routers, the compiled binary's `mesh` on every node, and what `heatmap` gathers of
 * it. The nodes are the addresses of a name, which each host's hosts file tells; a node's pressure is what
 * files say that are bound over those of /proc.
 */
import { overwrite } from "../../scripts/gate/command.ts";
import type { Finding as Judged } from "../../src/domain/finding.ts";
import { BINARY } from "./binary.ts";
import { type CapturedPacket, type Host, type Link, Network } from "./harness/network.ts";
import { handshakesIn, type LinkHandshake } from "./harness/truth.ts";
import { quantile } from "./lab.ts";

/** One way, between a node and its zone's router, and between two of these. */
export const ACCESS_US = 250;
export const BACKBONE_US = 1000;
/** Short, so that a fault is seen soon and forgotten soon. */
const WINDOW_MS = 14_000;
/** Twelve nodes' bursts are some 260 handshakes a second, each over four links: two cores carry them. */
const INTERVAL_MS = 1500;
export const BURST = 3;
const MESH_OPTIONS = [
  ...["-i", `${INTERVAL_MS}ms`, "--burst", `${BURST}`, "-t", "2s"],
  ...["--window", `${WINDOW_MS}ms`, "--icmp"],
];
/** Started at once; more would stand in each other's way. */
const STARTS = 3;
const HEATMAP_OPTIONS = ["--json", "--triage", "-t", "2s"];
const NAME = "mesh.test";
/**
 * Binds files of the folder `$1` over the kernel's, then is the command that follows. All that a node
 * tells of its host's pressure is in them: the nodes of a mesh that share this machine would tell its
 * stolen and throttled time, each of a span of its own.
 */
const WITH_PRESSURE = `
  for resource in cpu memory io; do
    mount --bind "$1.$resource" /proc/pressure/$resource || exit
  done
  mount --bind "$1.stat" /proc/stat && mount --bind "$1.cgroup" /proc/$$/cgroup && shift && exec "$@"`;
const PRESSURES = ["cpu", "memory", "io"] as const;
/** No time has passed since the last reading, so none was stolen; and a group that tells nothing. */
const STAT = "cpu  1 1 1 1 1 1 1 1 0 0\n";
const CGROUP = "0::/none-that-tells\n";

function pressureText(share: number): string {
  const percent = (100 * share).toFixed(2);
  return `some avg10=${percent} avg60=0.00 avg300=0.00 total=0\n`;
}
/** More packets than a node's link sees while the mesh is healthy. */
const CAPTURED = 65_536;
/** Of the address in an IPv4 header. */
const SOURCE_AT = 12;
const DESTINATION_AT = 16;

/** A figure of each pair: rows in the order of the nodes. */
export type Table = readonly (readonly (number | null)[])[];

/** Fields of wire-probe.heatmap.v1 that the tests look at. */
export interface Heatmap {
  readonly coverage: {
    nodes: number;
    rows: number;
    stale: number;
    missing: number;
    left?: number;
    pairs: number;
  };
  readonly nodes: readonly {
    name: string;
    row: string;
    reason: string | null;
    /** Since the node's start: a mesh of a test is less than a day old. */
    day?: { sent: number };
  }[];
  readonly rtt_p50_ms: Table;
  readonly rtt_p99_ms: Table;
  readonly sent: Table;
  readonly lost: Table;
  readonly refused: Table;
  readonly recent_rtt_p50_ms: Table;
  readonly findings: readonly Finding[];
}

/** As the program prints it: its nodes by their names. */
export interface Finding
  extends Pick<Judged, "kind" | "severity" | "layer" | "direction" | "groups" | "text"> {
  readonly nodes: readonly string[];
}

export interface MeshNode {
  readonly name: string;
  readonly zone: string;
  readonly host: Host;
  /** From the node to its zone's router. */
  readonly link: Link;
}

/** From the first to the third quartile; no numbers where there was nothing. */
export interface MiddleHalf {
  readonly lowMs: number;
  readonly highMs: number;
}

export class MeshLab implements AsyncDisposable {
  #processes = new Map<string, Deno.ChildProcess>();
  #options: readonly string[];

  private constructor(
    readonly network: Network,
    readonly nodes: readonly MeshNode[],
    /** Between the routers of two zones, by their names in order: `ab`. */
    readonly backbone: ReadonlyMap<string, Link>,
    /** Of files that say how pressed a host is: `a1.cpu`. */
    readonly folder: string,
    options: readonly string[],
  ) {
    this.#options = options;
  }

  /** So many nodes in each of these zones, whose routers are joined pairwise. */
  static async open(
    zones: readonly string[],
    nodesEach: number,
    options: readonly string[] = MESH_OPTIONS,
  ): Promise<MeshLab> {
    const network = await Network.create();
    const routers = await Promise.all(zones.map((zone) => network.host(`r${zone}`)));
    const nodes: MeshNode[] = [];
    for (const [at, zone] of zones.entries()) {
      const names = Array.from({ length: nodesEach }, (_, i) => `${zone}${i + 1}`);
      const hosts = await Promise.all(names.map((name) => network.host(name)));
      for (const [i, host] of hosts.entries()) {
        const link = await network.link(host, routers[at], { delayUs: ACCESS_US });
        nodes.push({ name: names[i], zone, host, link });
      }
    }
    const backbone = new Map<string, Link>();
    for (const [i, one] of zones.entries()) {
      for (let j = i + 1; j < zones.length; j++) {
        const link = await network.link(routers[i], routers[j], { delayUs: BACKBONE_US });
        backbone.set(one + zones[j], link);
      }
    }
    await network.route();
    const folder = await Deno.makeTempDir({ prefix: "wp-mesh-" });
    const lab = new MeshLab(network, nodes, backbone, folder, options);
    await lab.list(nodes.map(({ name }) => name));
    for (const { name } of nodes) {
      for (const resource of PRESSURES) lab.press(name, resource, 0);
      overwrite(`${folder}/${name}.stat`, STAT);
      overwrite(`${folder}/${name}.cgroup`, CGROUP);
    }
    return lab;
  }

  /** The name has the addresses of these nodes from now on. */
  async list(names: readonly string[]): Promise<void> {
    const lines = names.map((name) => `${this.node(name).link.a.v4} ${NAME}\n`).join("");
    await Promise.all(
      this.nodes.map(({ host }) => host.etc("hosts", `127.0.0.1 localhost\n${lines}`)),
    );
  }

  /** Tasks of a node's host wait for the CPU or for IO so much of the time. */
  press(name: string, resource: typeof PRESSURES[number], share: number): void {
    overwrite(`${this.folder}/${name}.${resource}`, pressureText(share));
  }

  signal(name: string, signal: Deno.Signal): void {
    this.#processes.get(name)?.kill(signal);
  }

  /** A few at a time, until all of them are there. */
  async start(): Promise<void> {
    const waiting = this.nodes.values();
    const startSome = async () => {
      for (const { name } of waiting) await this.startNode(name);
    };
    await Promise.all(Array.from({ length: STARTS }, startSome));
  }

  /** Starts a node, also one that ran before. */
  async startNode(name: string): Promise<void> {
    const { link, host, zone } = this.node(name);
    if (!this.#processes.has(name)) await link.capture(CAPTURED);
    const mesh = [BINARY, "mesh", "--nodes", `dns:${NAME}`, "--az", zone, ...this.#options];
    const process = host.exec("sh", ["-c", WITH_PRESSURE, "sh", `${this.folder}/${name}`, ...mesh]);
    this.#processes.set(name, process);
    process.stdout.cancel();
    await said(process.stderr, "row at port");
  }

  node(name: string): MeshNode {
    const found = this.nodes.find((node) => node.name === name);
    if (found === undefined) throw new RangeError(`no node ${name}`);
    return found;
  }

  /** What a node of the mesh sees of it. */
  async heatmap(from: string): Promise<Heatmap> {
    const words = ["heatmap", "--nodes", `dns:${NAME}`, ...HEATMAP_OPTIONS];
    const { code, stdout, stderr } = await this.node(from).host.run(BINARY, words);
    if (stdout === "") throw new Error(`heatmap printed nothing, exit ${code}: ${stderr}`);
    // Nodes go by their addresses there.
    const named = this.nodes.reduce(
      (text, { name, link }) => text.replaceAll(`"${link.a.v4}"`, `"${name}"`),
      stdout,
    );
    return JSON.parse(named);
  }

  /** What the links are set to, there and back, in ms. */
  distanceMs(from: MeshNode, to: MeshNode): number {
    return (4 * ACCESS_US + (from.zone === to.zone ? 0 : 2 * BACKBONE_US)) / 1000;
  }

  /**
   * The middle half of the round trips of a node's steady handshakes with each other one in the window
   * before `wallMs`, in ms, as they went by on its own link: with whatever the links and routers behind
   * it were late.
   */
  async truthMs({ link }: MeshNode, wallMs: number): Promise<Map<string, MiddleHalf>> {
    const byPeer = Map.groupBy(await link.captured(), peerOf);
    const inWindow = ({ startUs }: LinkHandshake) =>
      startUs / 1000 <= wallMs && startUs / 1000 >= wallMs - WINDOW_MS;
    return new Map(this.nodes.map(({ name, link: { a } }) => {
      const handshakes = handshakesIn(byPeer.get(addressNumber(a.v4.split(".").map(Number))) ?? []);
      const times = handshakes.filter((handshake, i) =>
        inWindow(handshake) && i > 0 && !beginsBurst(handshakes[i - 1], handshake)
      ).flatMap(({ rttUs }) => rttUs === null ? [] : [rttUs / 1000]);
      return [name, { lowMs: quantile(times, 0.25), highMs: quantile(times, 0.75) }];
    }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.network[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** The first handshake of a burst is cold. */
function beginsBurst(before: LinkHandshake, handshake: LinkHandshake): boolean {
  return handshake.startUs - before.startUs > INTERVAL_MS * 1000 / 2;
}

/** The peer that a packet on a node's link is to, or from: its address as a number. */
function peerOf({ direction, bytes }: CapturedPacket): number {
  const at = direction === 0 ? DESTINATION_AT : SOURCE_AT;
  return addressNumber(bytes.subarray(at, at + 4));
}

function addressNumber(bytes: ArrayLike<number>): number {
  return ((bytes[0] * 256 + bytes[1]) * 256 + bytes[2]) * 256 + bytes[3];
}

/** Waits until a stream has said something, then lets the rest of it go. */
async function said(stream: ReadableStream<Uint8Array>, words: string): Promise<void> {
  const decoder = new TextDecoder();
  const reader = stream.getReader();
  for (let text = ""; !text.includes(words);) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`mesh ended: ${text}`);
    text += decoder.decode(value, { stream: true });
  }
  reader.releaseLock();
  stream.cancel();
}
