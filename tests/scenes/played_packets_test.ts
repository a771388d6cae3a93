/** ping and knock where packets are answered as real networks and third parties do. */
import { assert, assertEquals, assertGreaterOrEqual } from "@std/assert";
import { BINARY } from "../wan/binary.ts";
import { type Host, Network } from "../wan/harness/network.ts";
import { wan } from "../wan/harness/wan.ts";
import { allowPing, beside } from "../wan/played/lab.ts";
import { hopAddress, PlayedNetwork, PROBER, TARGET } from "../wan/played/network.ts";
import { addressBytes, concat, ICMP, icmp, ip, TCP, u16 } from "../wan/played/packets.ts";
import { trace } from "../wan/trace_lab.ts";

const FAMILIES = ["v4", "v6"] as const;

interface Summary {
  readonly sent: number;
  readonly answered: number;
  readonly lost: number;
  readonly not_sent: number;
}

/** Runs ping or knock to its end: its summary, exit code and what it said. */
async function run(
  network: PlayedNetwork,
  command: "ping" | "knock",
  family: "v4" | "v6",
  ...options: string[]
): Promise<{ summary: Summary; code: number; stderr: string }> {
  const address = TARGET[family];
  const port = family === "v4" ? `${address}:9999` : `[${address}]:9999`;
  const to = command === "ping" ? address : port;
  const timeout = options.includes("-t") ? [] : ["-t", "5s"];
  const schedule = ["-c", "5", "-i", "150ms", ...timeout, ...options];
  const words = [command, "-o", "json", ...schedule, to];
  const { stdout, stderr, code } = await network.run(BINARY, words);
  const objects = stdout.trim().split("\n").map((line) => JSON.parse(line));
  const summary = objects.find(({ schema }) => schema.endsWith("summary.v1"));
  return { summary, code, stderr };
}

wan("a reply from an anycast address's own host counts, and is remarked on", async () => {
  const answersFrom = { v4: "10.92.99.10", v6: "fd92::99:a" };
  await using network = await PlayedNetwork.open({ hops: [{}], target: { answersFrom } });
  for (const isAllowed of [false, true]) {
    if (isAllowed) await allowPing(network);
    for (const family of FAMILIES) {
      const { summary, code, stderr } = await run(network, "ping", family);
      assertEquals([summary.answered, summary.lost, code], [5, 0, 0], `${family} ${isAllowed}`);
      assert(stderr.includes("from another address than was asked"), stderr);
    }
  }
});

wan("an error that names an MTU which the packet does not exceed is no loss", async () => {
  await using network = await PlayedNetwork.open({ hops: [{}], target: { rttMs: 20 } });
  const [from, prober] = [addressBytes(hopAddress(1).v4), addressBytes(PROBER.v4)];
  network.onPacket = ({ bytes, protocol }) => {
    if (protocol !== ICMP && protocol !== TCP) return;
    const message = icmp(from, prober, 3, 4, [0, 0, ...u16(9000)], concat(bytes));
    network.inject(ip(from, prober, ICMP, message), 2);
  };
  for (const command of ["ping", "knock"] as const) {
    const { summary } = await run(network, command, "v4");
    assertEquals([summary.answered, summary.lost], [5, 0], command);
  }
});

wan("answers with a wrong checksum are none, and what is lost for them is lost", async () => {
  await using network = await PlayedNetwork.open({ hops: [{}], target: { spoils: true } });
  for (const command of ["ping", "knock"] as const) {
    for (const family of FAMILIES) {
      const { summary, code } = await run(network, command, family, "-t", "300ms");
      const counts = [summary.sent, summary.answered, summary.lost, summary.not_sent, code];
      assertEquals(counts, [5, 0, 5, 0, 1], `${command} ${family}`);
    }
  }
});

/** Of 32 that are spread by chance over two ways one has fewer than this once in 400,000 times. */
const LEAST_EACH = 4;

/** How many packets have left by each device of a host. */
async function sentBy(host: Host, devices: readonly string[]): Promise<number[]> {
  const read = (device: string) =>
    host.run("cat", [`/sys/class/net/${device}/statistics/tx_packets`]);
  const texts = await Promise.all(devices.map(read));
  return texts.map(({ stdout }) => Number(stdout));
}

wan("knocks and traces take the next hops of this host that connections take", async () => {
  await using network = await Network.create();
  const names = ["prober", "left", "right", "end"];
  const [prober, left, right, end] = await Promise.all(names.map((name) => network.host(name)));
  const one = await network.veth(prober, left);
  const other = await network.veth(prober, right);
  await network.veth(left, end);
  await network.veth(right, end);
  await network.route();
  // An address that the prober reaches by both ways, from one that belongs to neither.
  for (const [host, last] of [[prober, 2], [end, 1]] as const) {
    await host.ip("addr", "add", `198.51.100.${last}/32`, "dev", "lo");
    await host.ip("addr", "add", `2001:db8::${last}/128`, "dev", "lo", "nodad");
  }
  for (const [to, own] of [["198.51.100.1", "198.51.100.2"], ["2001:db8::1", "2001:db8::2"]]) {
    const v6 = to.includes(":");
    const via = (port: { v4: string; v6: string }) => v6 ? port.v6 : port.v4;
    const hops = [one, other].flatMap(({ a, b }) => ["nexthop", "via", via(b), "dev", a.device]);
    await prober.ip(v6 ? "-6" : "-4", "route", "add", to, "src", own, ...hops);
    await left.route(to, "via", via(end.ports[0]));
    await left.route(own, "via", via(one.a));
    await right.route(to, "via", via(end.ports[1]));
    await right.route(own, "via", via(other.a));
    await end.route(own, "via", via(left.ports[1]));
    const port = v6 ? `[${to}]:9999` : `${to}:9999`;
    const devices = [one.a.device, other.a.device];
    const before = await sentBy(prober, devices);
    const words = ["knock", "-o", "json", "-c", "32", "-i", "10ms", port];
    const { stdout } = await prober.run(BINARY, words);
    const answered = stdout.split("\n").filter((line) => line.includes('"refused"')).length;
    assertGreaterOrEqual(answered, 32, to);
    const after = await sentBy(prober, devices);
    for (const [i, count] of after.entries()) {
      assertGreaterOrEqual(count - before[i], LEAST_EACH, `${to} by ${devices[i]}`);
    }
    const connected = await sentBy(prober, devices);
    await prober.run(BINARY, ["probe", "-q", "-c", "32", "-i", "10ms", port]);
    for (const [i, count] of (await sentBy(prober, devices)).entries()) {
      assertGreaterOrEqual(count - connected[i], LEAST_EACH, `connections ${to} by ${devices[i]}`);
    }
    const run = await trace(prober, "root", "--paths", "16", "-q", "1", port);
    const met = run.trace.hops[0].addresses.map(({ address }) => address).toSorted();
    assertEquals(met, [via(one.b), via(other.b)].toSorted(), to);
    // By the interface asked for, whatever the routes would choose.
    const roots = [[port], ["-U", to], ["-I", to]].map((words) => ["root", words] as const);
    const nobodys = [[port], ["-U", to]].map((words) => ["nobody", words] as const);
    await beside([...roots, ...nobodys], async ([user, words]) => {
      for (const { a, b } of [one, other]) {
        const asked = ["--interface", a.device, "-m", "1", "-q", "1", ...words];
        const { trace: by } = await trace(prober, user, ...asked);
        const label = `${user} ${words} by ${a.device}`;
        assertEquals(by.hops[0].addresses.map(({ address }) => address), [via(b)], label);
      }
    });
  }
});
