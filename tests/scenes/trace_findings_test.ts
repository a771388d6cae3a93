/** What else the compiled binary's traces find on a path: equal paths, the MTU, labels, names. */
import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertLess,
  assertLessOrEqual,
  assertStringIncludes,
} from "@std/assert";
import { BINARY } from "../wan/binary.ts";
import { type CapturedPacket, type Host, type Link, Network } from "../wan/harness/network.ts";
import { wan } from "../wan/harness/wan.ts";
import {
  addressesOf,
  Chain,
  completedByKernel,
  FAMILIES,
  operand,
  PORT,
  Responder,
  type Trace,
  trace,
  WAYS,
  withPort,
} from "../wan/trace_lab.ts";

const TIMEOUT_MS = 1000;
/** Protocol numbers of IP, and a flag of TCP. */
const [TCP, UDP, SYN] = [6, 17, 2];

/** Two paths of equal cost between the second and the last hop but one. */
async function diamond(): Promise<
  { network: Network; prober: Host; link: Link; branches: Addresses[]; end: Host }
> {
  const network = await Network.create();
  const names = ["prober", "near", "left", "right", "far", "end"];
  const [prober, near, left, right, far, end] = await Promise.all(
    names.map((name) => network.host(name)),
  );
  // A packet on a veth pair keeps its sender's own hash, by which the router behind would choose.
  const link = await network.link(prober, near);
  const one = await network.veth(near, left);
  const other = await network.veth(near, right);
  await network.veth(left, far);
  await network.veth(right, far);
  await network.veth(far, end);
  await network.route();
  return { network, prober, link, branches: [one.b, other.b], end };
}

interface Addresses {
  readonly v4: string;
  readonly v6: string;
}

/** Which address each flow met at a hop: one each where flows are held fixed. */
function byFlow({ hops }: Trace, hop: number): Set<string | null>[] {
  const found: Set<string | null>[] = [];
  for (const { flow, address } of hops[hop - 1].probes) {
    (found[flow] ??= new Set()).add(address);
  }
  return found.filter((addresses) => addresses !== undefined);
}

/**
 * How many flows of a protocol left the prober, of TCP by its SYNs. (Where routers have told all they
 * may in a second, the end of a trace by UDP seems silent, and the handshake then tried is by TCP.)
 */
function flowsIn(packets: readonly CapturedPacket[], wanted: "tcp" | "udp"): number {
  const ports = packets.filter(({ direction }) => direction === 0).flatMap(({ bytes }) => {
    const six = bytes[0] >> 4 === 6;
    const [protocol, at] = six ? [bytes[6], 40] : [bytes[9], 20];
    const meant = wanted === "udp"
      ? protocol === UDP
      : protocol === TCP && (bytes[at + 13] & SYN) !== 0;
    return meant ? [bytes.slice(at, at + 4).join(" ")] : [];
  });
  return new Set(ports).size;
}

wan("flows find both of two equal paths, and each keeps to one", async () => {
  const { network, prober, link, branches, end } = await diamond();
  await using _network = network;
  const responder = await Responder.start(end);
  const ways = WAYS.filter(([, protocol]) => protocol !== "icmp");
  let late = 0;
  for (const family of FAMILIES) {
    const target = end.ports[0][family];
    for (const [user, protocol, options] of ways) {
      const label = `${user} ${protocol} ${family}`;
      const words = options.filter((word) => word !== "--paths" && word !== "1");
      const to = operand(protocol, target);
      await link.capture();
      const { trace: of } = await trace(prober, user, ...words, "--paths", "32", to);
      late += completedByKernel(await link.captured());
      assertEquals(of.flow, "fixed", label);
      const met = of.hops[1].addresses.map(({ address }) => address).toSorted();
      assertEquals(met, branches.map((branch) => branch[family]).toSorted(), label);
      const flows = byFlow(of, 2);
      assertEquals(flows.length, 32, label);
      for (const addresses of flows) assertEquals(addresses.size, 1, label);
      await link.capture();
      await trace(prober, user, ...words, "--paths", "1", "-q", "8", to);
      const packets = await link.captured();
      assertEquals(flowsIn(packets, protocol === "udp" ? "udp" : "tcp"), 1, label);
      late += completedByKernel(packets);
    }
  }
  assertLessOrEqual(await responder.accepted(), late);
});

wan("without the right to hold a flow, TCP says that it does not", async () => {
  await using chain = await Chain.open([500, 500]);
  const to = withPort(chain.target("v4"), PORT);
  const run = await trace(chain.prober, "nobody", to);
  assertEquals(run.trace.flow, "varied");
  assertStringIncludes(run.stderr, "setcap cap_net_raw+ep");
  assertEquals((await trace(chain.prober, "root", to)).stderr, "");
});

wan("ICMP without any right says how to allow it, and works once that is done", async () => {
  await using chain = await Chain.open([500, 500]);
  const words = ["trace", "-n", "-I", chain.target("v4")];
  const refused = await chain.prober.run(BINARY, words, { user: "nobody" });
  assertEquals([refused.code, refused.stdout], [4, ""]);
  const remedy = /sysctl -w (net\.ipv4\.ping_group_range)="([0-9 ]+)"/.exec(refused.stderr);
  assert(remedy !== null, refused.stderr);
  await chain.prober.sysctl({ [remedy[1]]: remedy[2] });
  for (const family of FAMILIES) {
    const run = await trace(chain.prober, "nobody", "-I", chain.target(family));
    assertEquals(addressesOf(run.trace), chain.hops(family).map((hop) => [hop]));
  }
});

wan("the path's MTU is found, with the router that has the narrow link behind it", async () => {
  await using chain = await Chain.open([500, 500, 500, 500]);
  await chain.routers[1].ip("link", "set", chain.links[2].a.device, "mtu", "1400");
  await chain.end.ip("link", "set", chain.links[3].b.device, "mtu", "1300");
  await chain.routers[2].ip("link", "set", chain.links[3].a.device, "mtu", "1300");
  for (const family of FAMILIES) {
    for (const [user, option] of [["nobody", "-U"], ["root", "-I"]] as const) {
      const run = await trace(chain.prober, user, option, "--mtu", chain.target(family));
      assertEquals(run.code, 0, run.stderr);
      assertEquals(run.trace.mtu, {
        bytes: 1300,
        steps: [
          { hop: 3, address: chain.hops(family)[1], bytes: 1400 },
          { hop: 4, address: chain.hops(family)[2], bytes: 1300 },
        ],
      });
      assertEquals(addressesOf(run.trace), chain.hops(family).map((hop) => [hop]));
    }
  }
});

wan("packets have the size asked for", async () => {
  await using chain = await Chain.open([500, 500]);
  for (const family of FAMILIES) {
    for (const option of ["-U", "-I"]) {
      await chain.links[0].capture();
      await trace(chain.prober, "root", option, "--size", "777", chain.target(family));
      const sent = (await chain.links[0].captured()).filter(({ direction }) => direction === 0);
      assertGreaterOrEqual(sent.length, 6);
      assertEquals(new Set(sent.map(({ length }) => length)), new Set([777]));
    }
  }
});

wan("MPLS labels are shown where a router tells of them", async () => {
  await using network = await Network.create();
  const [prober, router] = [await network.host("prober"), await network.host("router")];
  const pair = await network.veth(prober, router);
  await prober.route("198.51.100.0/24", "via", pair.b.v4);
  const script = new URL("../wan/harness/mpls_router.ts", import.meta.url).pathname;
  const words = ["run", "-A", script, pair.b.v4, pair.a.v4];
  const answering = router.exec(Deno.execPath(), words, { stderr: "inherit" });
  const reader = answering.stdout.getReader();
  await reader.read();
  await reader.cancel();
  await Promise.all(WAYS.map(async ([user, protocol, options]) => {
    const to = operand(protocol, "198.51.100.7");
    const limits = ["-m", "1", "-t", "3s"];
    const { trace: of } = await trace(prober, user, ...options, ...limits, to);
    assertEquals(addressesOf(of), [[pair.b.v4]]);
    assertEquals(of.hops[0].addresses[0].mpls, [
      { label: 16_001, traffic_class: 5, ttl: 1 },
      { label: 42, traffic_class: 0, ttl: 254 },
    ], `${user} ${protocol}`);
  }));
});

wan(
  "names and origins come from the server asked for, and are harmless on a terminal",
  async () => {
    await using chain = await Chain.open([500, 500]);
    const zone = {
      "2.1.77.10.in-addr.arpa": { PTR: "gw.\u001b[31mred.test" },
      "2.1.77.10.origin.asn.cymru.com": {
        TXT: "64500 64501 | 10.77.1.0/24 | ZZ | test | 2026-11-21",
      },
    };
    const script = new URL("../wan/harness/name_server.ts", import.meta.url).pathname;
    const words = ["run", "-A", script, chain.target("v4"), "5353"];
    const server = chain.end.exec(Deno.execPath(), [...words, JSON.stringify(zone)]);
    const reader = server.stdout.getReader();
    await reader.read();
    await reader.cancel();
    const to = withPort(chain.target("v4"), PORT);
    const asked = ["--asn", "--resolver", `${chain.target("v4")}:5353`, to];
    const text = await chain.prober.run(BINARY, ["trace", ...asked]);
    assertEquals(text.code, 0, text.stderr);
    assertStringIncludes(text.stdout, "AS64500 AS64501");
    assertStringIncludes(text.stdout, "red.test (10.77.1.2)");
    assert(!text.stdout.includes("\u001b"), "no control character gets through");
    const json = await chain.prober.run(BINARY, ["trace", "--output", "json", ...asked]);
    const [first, last] = (JSON.parse(json.stdout) as Trace).hops;
    assertEquals([first.addresses[0].asn, first.addresses[0].prefix], [
      [64_500, 64_501],
      "10.77.1.0/24",
    ]);
    assertEquals([last.addresses[0].asn, last.addresses[0].name], [null, null]);
  },
);

wan("repeated, the figures of all rounds come together, and silent hops stay cheap", async () => {
  await using chain = await Chain.open([500, 500, 500, 500]);
  await chain.silence(2);
  const to = withPort(chain.target("v4"), PORT);
  const { trace: of } = await trace(chain.prober, "nobody", "-r", "10", "-i", "10ms", to);
  assertEquals(of.hops.map(({ sent }) => sent), [10, 10, 10, 10]);
  assertEquals(of.hops.map(({ answered }) => answered), [10, 0, 10, 10]);
  // The first round waits for the silent hop, the other nine do not.
  assertLess(of.duration_ms, 5 * TIMEOUT_MS);
});
