/**
 * The test network: hosts in namespaces of their own, joined by links whose delay and loss are exactly what a test says.
 *
 * ```ts
 * await using net = await Network.create();
 * const [a, b] = [await net.host("a"), await net.host("b")];
 * const link = await net.link(a, b, { delayUs: 5000 }); // each way: a round trip of 10 ms
 * await link.set({ dropSynEvery: 3 }, "ab");
 * await link.capture();
 * const { code, stdout } = await a.run("wire-probe", ["probe", `${link.b.v4}:5432`, "-c", "10"]);
 * const { ab } = await link.counters(); // ab.syns, ab.synsDropped, …
 * const truth = handshakesIn(await link.captured()); // what each handshake took on the link
 * ```
 */

import { type CapturedPacket, readCapture, toPcap } from "./capture.ts";
import { Host, type Port } from "./host.ts";
import { LinkProcess } from "./link_process.ts";
import { system } from "./process.ts";
import type { Counters, DumpInfo, Rules } from "./protocol.ts";
import { routeAll } from "./routes.ts";

export type { CapturedPacket, Counters, Host, Port, Rules };

const MTU_DEFAULT = 1500;
const CAPTURE_DEFAULT = 65_536;
// The device drops what does not fit its queue; the default of 500 would lose packets unseen by any rule.
const QUEUE_PACKETS = "10000";

export interface PairOptions {
  /** Addresses of the two ends, with a prefix of /24; 10.77.N.1 and .2 unless given. */
  v4?: [string, string];
  /** The same with /64; fd77:0:0:N::1 and ::2 unless given. The link-local ones are fe80::1 and fe80::2. */
  v6?: [string, string];
  mtu?: number;
}

export interface LinkOptions extends PairOptions {
  /** One way, each way: a round trip takes twice as long. */
  delayUs?: number;
}

/** "ab" is from the link's first host to its second. */
export type Direction = "ab" | "ba" | "both";

/** A link of known delay and loss. */
export class Link {
  constructor(
    readonly a: Port,
    readonly b: Port,
    readonly number: number,
    readonly process: LinkProcess,
  ) {}

  /** Changes the rules that are named, for packets that come in from now on. */
  async set(rules: Rules, direction: Direction = "both"): Promise<void> {
    const directions = direction === "both" ? [0, 1] : [direction === "ab" ? 0 : 1];
    for (const direction of directions) {
      await this.process.request({ do: "set", link: this.number, direction, rules });
    }
  }

  async counters(): Promise<{ ab: Counters; ba: Counters }> {
    const [ab, ba] = await this.process.request({ do: "counters", link: this.number }) as [
      Counters,
      Counters,
    ];
    return { ab, ba };
  }

  /** Begins to record packets; the last `packets` of them are kept. */
  async capture(packets = CAPTURE_DEFAULT): Promise<void> {
    await this.process.request({ do: "capture", link: this.number, packets });
  }

  /** What was recorded, in the order it came in. The link stands still for a few milliseconds while it is written. */
  async captured(): Promise<CapturedPacket[]> {
    const path = await Deno.makeTempFile({ prefix: "wp-capture-" });
    try {
      const info = await this.process.request({ do: "dump", link: this.number, path }) as DumpInfo;
      return readCapture(await Deno.readFile(path), info.total, info.capacity, info.epochUs);
    } finally {
      await Deno.remove(path);
    }
  }

  /** Writes what was recorded as pcap, with the times at which packets came in, or left. */
  async writePcap(path: string, when: "inUs" | "outUs" = "inUs"): Promise<void> {
    await Deno.writeFile(path, toPcap(await this.captured(), when));
  }
}

export class Network {
  readonly hosts: Host[] = [];
  readonly links: Link[] = [];
  // With a random part, since test files that run in parallel share their process id.
  readonly #prefix = `wp${Deno.pid}-${crypto.randomUUID().slice(0, 8)}-`;
  #process: LinkProcess | null = null;
  #pairs = 0;

  private constructor() {}

  static async create(): Promise<Network> {
    await removeLeftovers();
    return new Network();
  }

  /** Adds a host: a network namespace with its loopback up. */
  async host(name: string): Promise<Host> {
    const host = await Host.create(name, this.#prefix + name);
    this.hosts.push(host);
    return host;
  }

  /** Whether the links' thread goes before all normal ones; without, delays are true on an idle machine only. */
  async realtime(): Promise<boolean> {
    return (await this.#start()).hello.realtime;
  }

  /** Joins two hosts by a link of known delay. */
  async link(a: Host, b: Host, options: LinkOptions = {}): Promise<Link> {
    const process = await this.#start();
    const [portA, portB] = this.#ports(a, b, options);
    const sides = [portA, portB].map((port) => ({
      namespace: port.host.namespace,
      device: port.device,
    }));
    const number = await process.request({ do: "link", a: sides[0], b: sides[1] }) as number;
    const link = new Link(portA, portB, number, process);
    this.links.push(link);
    await link.set({ delayUs: options.delayUs ?? 0 });
    await Promise.all([raise(portA, 1, options), raise(portB, 2, options)]);
    return link;
  }

  /**
   * Joins two hosts by a veth pair: the kernel's own, without delay. Both ends have one MAC, so that none
   * asks for the other's: an answer may be lost while the pair comes up, and is asked for again a second later.
   */
  async veth(a: Host, b: Host, options: PairOptions = {}): Promise<{ a: Port; b: Port }> {
    const [portA, portB] = this.#ports(a, b, options);
    const end = [
      "address",
      `02:00:00:00:00:${this.#pairs.toString(16).padStart(2, "0")}`,
      "arp",
      "off",
    ];
    const peer = ["peer", "name", portB.device, ...end, "netns", b.namespace];
    await a.ip("link", "add", "name", portA.device, ...end, "type", "veth", ...peer);
    await Promise.all([raise(portA, 1, options), raise(portB, 2, options)]);
    return { a: portA, b: portB };
  }

  /** Gives every host routes to all others by the fewest hops, over all paths where several are equal, and lets them forward. */
  async route(): Promise<void> {
    await routeAll(this.hosts, this.#joined);
  }

  readonly #joined: [Port, Port][] = [];

  #ports(a: Host, b: Host, options: PairOptions): [Port, Port] {
    const n = ++this.#pairs;
    const [v4A, v4B] = options.v4 ?? [`10.77.${n}.1`, `10.77.${n}.2`];
    const [v6A, v6B] = options.v6 ??
      [`fd77:0:0:${n.toString(16)}::1`, `fd77:0:0:${n.toString(16)}::2`];
    const portA: Port = { host: a, device: `wp${n}`, v4: v4A, v6: v6A };
    const portB: Port = { host: b, device: `wp${n}`, v4: v4B, v6: v6B };
    a.ports.push(portA);
    b.ports.push(portB);
    this.#joined.push([portA, portB]);
    return [portA, portB];
  }

  async #start(): Promise<LinkProcess> {
    return this.#process ??= await LinkProcess.take();
  }

  /** Ends every process started in this network, by its id, and deletes its namespaces. */
  async [Symbol.asyncDispose](): Promise<void> {
    const parts = [this.#process, ...this.hosts].map((part) => part?.[Symbol.asyncDispose]());
    const failures = (await Promise.allSettled(parts))
      .filter((ending) => ending.status === "rejected")
      .map((ending) => ending.reason);
    if (failures.length > 0) {
      throw new AggregateError(failures, "cannot take the test network down");
    }
  }
}

/** Brings a port up with its addresses, usable at once and without chatter of its own. */
async function raise(port: Port, ordinal: number, options: PairOptions): Promise<void> {
  const device = port.device;
  await system(
    "ip",
    ["-n", port.host.namespace, "-batch", "-"],
    [
      `link set ${device} multicast off mtu ${
        options.mtu ?? MTU_DEFAULT
      } txqueuelen ${QUEUE_PACKETS}`,
      `link set ${device} addrgenmode none`,
      `link set ${device} up`,
      `addr add ${port.v4}/24 dev ${device}`,
      `addr add ${port.v6}/64 dev ${device} nodad`,
      `addr add fe80::${ordinal}/64 dev ${device} nodad`,
      "",
    ].join("\n"),
  );
}

/** Deletes namespaces that an earlier, killed run of these tests left behind. */
async function removeLeftovers(): Promise<void> {
  const names = (await system("ip", ["netns", "list"])).split("\n").map((line) =>
    line.split(" ")[0]
  );
  for (const name of names) {
    const pid = /^wp(\d+)-/.exec(name)?.[1];
    if (pid === undefined || await isAlive(pid)) continue;
    // Another run may be at the same work.
    await system("ip", ["netns", "del", name]).catch(() => {});
    await Deno.remove(`/etc/netns/${name}`, { recursive: true }).catch(() => {});
  }
}

async function isAlive(pid: string): Promise<boolean> {
  return await Deno.stat(`/proc/${pid}`).then(() => true, () => false);
}
