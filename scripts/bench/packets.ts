/**
 * `task bench:packets [TARGETS]`: what ping and knock take of CPU a probe beside fping, how far their
 * round trips lie from the packets on a link of 10 ms, and what many traces in one process take beside
 * as many runs. Wants root, in whose namespaces the network is made, and fping.
 */
import { echoesIn } from "../../tests/wan/harness/echo_truth.ts";
import { type Host, Network } from "../../tests/wan/harness/network.ts";
import {
  errorMs,
  handshakesIn,
  type LinkRoundTrip,
  UNANSWERED,
} from "../../tests/wan/harness/truth.ts";
import { Lab, PORT, quantile } from "../../tests/wan/lab.ts";
import { type PacketCommand, runPackets } from "../../tests/wan/packet_lab.ts";
import { finish } from "./child.ts";
import { table } from "./table.ts";

const USAGE = "usage: task bench:packets [TARGETS]";
const TARGETS = 1000;
const ROUNDS = 15;
const ROUND_TRIP_MS = 10;
/** Of each of fping's pauses, which last 0.1 ms longer than asked. */
const FPING_SPACING_SHARE = 0.7;
/** Single traces that stand for as many as there are targets, as many to each hop. */
const SINGLE_TRACES = 20;
/** Traces go to one to so many hops. */
const HOPS = 5;

class Packets {
  readonly #lab: Lab;
  readonly #targets: readonly string[];

  constructor(lab: Lab, targets: readonly string[]) {
    this.#lab = lab;
    this.#targets = targets;
  }

  /** CPU a probe, in µs. */
  async cpuOf(...command: string[]): Promise<number> {
    const { cpuSeconds } = await this.#run(command);
    return cpuSeconds * 1e6 / (this.#targets.length * ROUNDS);
  }

  fping(): Promise<number> {
    const spacingMs = FPING_SPACING_SHARE * 1000 / this.#targets.length;
    const options = ["-q", "-c", `${ROUNDS}`, "-p", "1000", "-i", `${spacingMs}`, "-t", "2000"];
    return this.cpuOf("fping", ...options, ...this.#targets);
  }

  own(command: PacketCommand): Promise<number> {
    const options = ["-q", "-c", `${ROUNDS}`, "-i", "1s"];
    return this.cpuOf(Lab.binary, command, ...options, ...this.#named(command));
  }

  /** By how much round trips differ from those on the link, in ms: half, 99 of 100, the worst. */
  async offTruth(command: PacketCommand): Promise<readonly number[]> {
    const { near, link } = this.#lab;
    await link.capture();
    const run = await runPackets(near, command, [
      ...["-c", `${ROUNDS}`, "-i", "1s"],
      ...this.#named(command),
    ]);
    const packets = await link.captured();
    const seen: readonly (LinkRoundTrip & { readonly target: string })[] = command === "ping"
      ? echoesIn(packets)
      : handshakesIn(packets);
    const truth = Map.groupBy(seen, ({ target }) => target.replaceAll(",", "."));
    const errors = run.probes.map(({ target, seq, rtt_ms }) =>
      errorMs(rtt_ms, truth.get(target.split(":")[0])?.[seq - 1] ?? UNANSWERED)
    );
    return [0.5, 0.99, 1].map((share) => quantile(errors, share));
  }

  #named(command: PacketCommand): readonly string[] {
    return command === "ping" ? this.#targets : this.#targets.map((of) => `${of}:${PORT}`);
  }

  #run(command: readonly string[]): ReturnType<typeof finish> {
    return runOn(this.#lab.near, command);
  }
}

function runOn(host: Host, command: readonly string[]): ReturnType<typeof finish> {
  return finish(["ip", "netns", "exec", host.namespace, ...command]);
}

/** A path of hosts, each of which has as many of the targets. */
class Path implements AsyncDisposable {
  private constructor(
    readonly network: Network,
    readonly near: Host,
    readonly targets: readonly string[],
  ) {}

  static async open(count: number): Promise<Path> {
    const network = await Network.create();
    const hosts: Host[] = [];
    for (let i = 0; i <= HOPS; i++) hosts.push(await network.host(`h${i}`));
    const links = [];
    for (let i = 0; i < HOPS; i++) links.push(await network.veth(hosts[i], hosts[i + 1]));
    await network.route();
    const net = (hop: number) => `10.${90 + hop}`;
    for (let hop = 1; hop <= HOPS; hop++) {
      const own = `${net(hop)}.0.0/16`;
      await hosts[hop].route("local", own, "dev", "lo");
      for (let i = 0; i < hop; i++) await hosts[i].route(own, "via", links[i].b.v4);
    }
    const targets = Array.from({ length: count }, (_, i) => {
      const at = Math.floor(i / HOPS);
      return `${net(1 + i % HOPS)}.${at >> 8}.${at & 255}`;
    });
    return new Path(network, hosts[0], targets);
  }

  /** CPU of all targets in one process as a share of that of as many runs. */
  async traceShare(option: string): Promise<number> {
    const words = [Lab.binary, "trace", "-n", "-q", "1", "-o", "csv", option];
    const all = await runOn(this.near, [...words, ...this.targets]);
    let single = 0;
    for (const target of this.targets.slice(0, SINGLE_TRACES)) {
      single += (await runOn(this.near, [...words, target])).cpuSeconds;
    }
    return all.cpuSeconds / (single / SINGLE_TRACES * this.targets.length);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.network[Symbol.asyncDispose]();
  }
}

/** Every address of a network is the far host's. */
async function addresses(near: Host, far: Host, via: string, count: number): Promise<string[]> {
  await far.route("local", "10.88.0.0/16", "dev", "lo");
  await near.route("10.88.0.0/16", "via", via);
  return Array.from({ length: count }, (_, i) => `10.88.${i >> 8}.${i & 255}`);
}

async function main(count: number): Promise<void> {
  await using lab = await Lab.open(ROUND_TRIP_MS);
  const { near, far, link } = lab;
  const packets = new Packets(lab, await addresses(near, far, link.b.v4, count));
  const rows: string[][] = [];
  const fping = await packets.fping();
  rows.push(["fping", fping.toFixed(1), "1", "", "", ""]);
  for (const command of ["ping", "knock"] as const) {
    const cpu = await packets.own(command);
    const off = await packets.offTruth(command);
    const times = (cpu / fping).toFixed(1);
    rows.push([command, cpu.toFixed(1), times, ...off.map((ms) => ms.toFixed(3))]);
  }
  const head = ["", "CPU a probe, µs", "times fping's", "off the wire, p50 ms", "p99 ms", "max ms"];
  console.log(`${count} targets, ${ROUNDS} rounds, one a second:\n\n${table(head, rows)}\n`);
  await using path = await Path.open(count);
  for (const option of ["-U", "-I"]) {
    const share = await path.traceShare(option);
    const times = Math.round(1 / share);
    console.log(`trace ${option} to ${count}, 1 to ${HOPS} hops: 1/${times} of as many runs' CPU`);
  }
}

const [given = `${TARGETS}`, ...more] = Deno.args;
if (more.length > 0 || !/^[1-9][0-9]{0,4}$/.test(given)) {
  console.error(USAGE);
  Deno.exit(2);
}
await main(Number(given));
Deno.exit(0);
