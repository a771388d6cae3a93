/** Paths of routers between a prober and a responder, and the compiled binary's traces along them. */
import { BINARY } from "./binary.ts";
import { type CapturedPacket, type Host, type Link, Network } from "./harness/network.ts";

/** The responder's port, and one on which nobody listens. */
export const PORT = 9999;
export const CLOSED_PORT = 9998;

export type User = "root" | "nobody";
export type Family = "v4" | "v6";

export const FAMILIES: readonly Family[] = ["v4", "v6"];

/** Every way of tracing, with the rights it wants. */
export const WAYS:
  readonly (readonly [user: User, protocol: string, options: readonly string[]])[] = [
    ["root", "tcp", []],
    ["root", "udp", ["-U"]],
    ["root", "icmp", ["-I"]],
    ["nobody", "tcp", []],
    ["nobody", "tcp", ["--paths", "1"]],
    ["nobody", "udp", ["-U"]],
  ];

/** The operand: only TCP is given the responder's port. */
export function operand(protocol: string, address: string): string {
  if (protocol === "tcp") return withPort(address, PORT);
  return address;
}

/** Fields of wire-probe.trace.v1 that the tests look at. */
export interface Trace {
  readonly protocol: string;
  readonly flow: "fixed" | "varied";
  readonly reached: boolean;
  readonly answered: boolean;
  readonly duration_ms: number;
  readonly silent_tail: number;
  readonly size_bytes: number | null;
  readonly end: {
    hop: number;
    at_most: boolean;
    address: string;
    detail: string;
    rtt_ms: number | null;
    return_hops: number | null;
    syn_ack: { mss: number | null; window: number; window_scale: number | null } | null;
  } | null;
  readonly mtu: {
    bytes: number | null;
    steps: { hop: number | null; address: string; bytes: number | null }[];
  } | null;
  readonly mtu_search: { not_arrived_bytes: number | null; first_link_bytes: number } | null;
  readonly handshake: { port: number; outcome: string; rtt_ms: number | null } | null;
  readonly hops: readonly Hop[];
}

export interface Hop {
  readonly hop: number;
  readonly sent: number;
  readonly answered: number;
  readonly not_sent: number;
  readonly lost: number;
  readonly addresses: readonly {
    address: string;
    name: string | null;
    asn: number[] | null;
    prefix: string | null;
    flows: number[];
    detail: string;
    rtt_ms: { count: number; min: number | null };
    mpls: { label: number; traffic_class: number; ttl: number }[];
    interfaces: unknown[];
    return_hops: number | null;
    nat: { source: string | null; destination: string | null } | null;
  }[];
  readonly probes: readonly {
    flow: number;
    address: string | null;
    rtt_ms: number | null;
    rtt_source: string | null;
  }[];
}

export interface TraceRun {
  readonly code: number;
  readonly trace: Trace;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `trace -n --output json` to its end. */
export async function trace(from: Host, user: User, ...args: string[]): Promise<TraceRun> {
  const options = { user };
  const words = ["trace", "-n", "--output", "json", ...args];
  const { code, stdout, stderr } = await from.run(BINARY, words, options);
  const parsed = stdout === "" ? null : JSON.parse(stdout);
  if (parsed === null) {
    throw new Error(`trace ${args.join(" ")} printed nothing, exit ${code}: ${stderr}`);
  }
  return { code, trace: parsed, stdout, stderr };
}

/** The addresses of each hop, in the order they answered; empty for a silent one. */
export function addressesOf({ hops }: Trace): string[][] {
  return hops.map(({ addresses }) => addresses.map(({ address }) => address));
}

/** `address` or `[address]`, with the port. */
export function withPort(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The responder, and what it says of itself when it is told to end. */
export class Responder {
  private constructor(readonly process: Deno.ChildProcess) {}

  static async start(host: Host): Promise<Responder> {
    const process = host.exec(BINARY, ["serve", "--bind", "::", "--port", String(PORT)]);
    const reader = process.stderr.getReader();
    await reader.read();
    reader.releaseLock();
    process.stderr.cancel();
    return new Responder(process);
  }

  /** Connections that it was given. */
  async accepted(): Promise<number> {
    this.process.kill("SIGTERM");
    const text = await new Response(this.process.stdout).text();
    return Number(/accepted ([0-9]+)/.exec(text)?.[1]);
  }
}

/** A handshake is completed by the kernel when its reset has not come by then (TCP_DELACK_MAX), less a jiffy. */
const KERNEL_WAITS_US = 190_000;
const TCP = 6;
// Flags of TCP (RFC 9293).
const [SYN, RST, ACK] = [0x02, 0x04, 0x10];

/**
 * How many handshakes the prober's kernel completed itself, by its packets: the prober did not run for so
 * long after the answer that it could not reset them.
 */
export function completedByKernel(packets: readonly CapturedPacket[]): number {
  const answeredUs = new Map<string, number>();
  let count = 0;
  for (const { direction, inUs, outUs, bytes } of packets) {
    const [protocol, at] = bytes[0] >> 4 === 6 ? [bytes[6], 40] : [bytes[9], 20];
    if (protocol !== TCP) continue;
    const flags = bytes[at + 13];
    const port = (end: number) => bytes.slice(at + 2 * end, at + 2 * end + 2).join(" ");
    if (direction === 1 && (flags & (SYN | ACK)) === (SYN | ACK)) {
      answeredUs.set(port(1), outUs ?? Infinity);
    } else if (direction === 0 && (flags & (SYN | RST | ACK)) === ACK) {
      if (inUs - (answeredUs.get(port(0)) ?? Infinity) >= KERNEL_WAITS_US) count++;
      answeredUs.delete(port(0));
    }
  }
  return count;
}

/** A chain: the prober, routers, the responder, a link of known delay between each two. */
export class Chain implements AsyncDisposable {
  private constructor(
    readonly network: Network,
    readonly prober: Host,
    readonly routers: readonly Host[],
    readonly end: Host,
    readonly links: readonly Link[],
    readonly responder: Responder,
  ) {}

  /** One link more than routers; the delays are one way. */
  static async open(delaysUs: readonly number[]): Promise<Chain> {
    const network = await Network.create();
    const hosts: Host[] = [];
    const links: Link[] = [];
    for (let i = 0; i <= delaysUs.length; i++) hosts.push(await network.host(`h${i}`));
    for (const [i, delayUs] of delaysUs.entries()) {
      links.push(await network.link(hosts[i], hosts[i + 1], { delayUs }));
    }
    await network.route();
    const end = hosts[hosts.length - 1];
    const responder = await Responder.start(end);
    return new Chain(network, hosts[0], hosts.slice(1, -1), end, links, responder);
  }

  /** The responder's address. */
  target(family: Family): string {
    return this.links[this.links.length - 1].b[family];
  }

  /** Who answers at each hop, the end included. */
  hops(family: Family): string[] {
    return this.links.map((link) => link.b[family]);
  }

  /** Nothing that this hop's router says of packets comes back. */
  async silence(hop: number, families: readonly Family[] = ["v4", "v6"]): Promise<void> {
    const link = this.links[hop - 1];
    const icmpErrorSources = families.map((family) => link.b[family]);
    await link.set({ dropIcmpErrors: true, icmpErrorSources }, "ba");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.network[Symbol.asyncDispose]();
  }
}
