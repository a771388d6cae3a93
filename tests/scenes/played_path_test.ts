/** What the compiled binary's traces say of a played path: sizes, labels, flows, addresses and changes. */
import { assert, assertEquals, assertGreaterOrEqual, assertLessOrEqual } from "@std/assert";
import { BINARY } from "../wan/binary.ts";
import { wan } from "../wan/harness/wan.ts";
import {
  allowPing,
  answering,
  beside,
  traceBy,
  type Way,
  wayName,
  WAYS,
  wholePath,
  wordsOf,
} from "../wan/played/lab.ts";
import { hopAddress, PlayedNetwork, TARGET } from "../wan/played/network.ts";
import {
  addressBytes,
  extensions,
  interfaceObject,
  mplsObject,
  type Packet,
  RST,
  TCP,
  UDP,
} from "../wan/played/packets.ts";
import type { RouterScene, Scene } from "../wan/played/scene.ts";
import {
  inEveryWay,
  IPV4,
  mostAtTarget,
  NOBODY_UDP,
  probesAtTarget,
  ROOT_TCP,
  routers,
} from "../wan/played/ways.ts";

/** The port of a receiver of Influx lines in a played network. */
const RECEIVER_PORT = 8094;

wan("a packet that the first link does not take is refused by name", async () => {
  await using network = await PlayedNetwork.open({ hops: routers(2), target: {} });
  for (const option of ["-U", "-I"]) {
    const words = ["trace", "-n", option, "--size", "1501", TARGET.v4];
    const { code, stderr, stdout } = await network.run(BINARY, words);
    const link = `the first link to ${TARGET.v4} takes 1500 bytes at most`;
    assertEquals([code, stderr, stdout], [3, `wire-probe: --size 1501: ${link}\n`, ""]);
  }
});

wan("a size is the size that is sent, down to the least there is", async () => {
  await inEveryWay({ hops: routers(2), target: {} }, async (network, way) => {
    const least = way.family === "v4" ? 28 : 48;
    for (const size of [least, least + 1, least + 2, 777, 1500]) {
      network.captured = [];
      const { trace } = await traceBy(network, way, "--size", `${size}`, "-q", "1");
      assertEquals([trace.reached, trace.size_bytes], [true, size], `${wayName(way)} ${size}`);
      const sizes = new Set(network.captured.map(({ packet }) => packet.bytes.length));
      assertEquals(sizes, new Set([size]), wayName(way));
    }
  }, WAYS.filter(({ protocol, user }) => protocol !== "tcp" && user === "root"));
});

wan("a trace that begins behind the end says that the end is at most so far", async () => {
  await inEveryWay({ hops: routers(4), target: {} }, async (network, way) => {
    const { trace } = await traceBy(network, way, "-f", "8");
    assertEquals([trace.reached, trace.end?.hop, trace.end?.at_most], [true, 8, true]);
    const words = ["trace", "-n", "-f", "8", ...wordsOf(way)];
    const { stdout } = await network.run(BINARY, words, { user: way.user });
    assert(stdout.includes("in at most 8 hops"), stdout);
  }, NOBODY_UDP);
});

wan("the path's MTU is what was shown, behind black holes and nameless refusals too", async () => {
  const cases: readonly [RouterScene, number | null, number | null, (number | null)[]][] = [
    [{ mtu: 1400, says: "mtu" }, 1400, 1401, [1400]],
    [{ mtu: 1400, says: "no mtu" }, 1400, 1401, [null]],
    [{ mtu: 1333, says: "nothing" }, 1333, 1334, []],
    [{}, 1500, null, []],
  ];
  await beside(cases, async ([narrow, arrived, lost, named]) => {
    const hops = routers(4, {}, 2, narrow);
    await using network = await PlayedNetwork.open({ hops, target: { rttMs: 10 } });
    await allowPing(network);
    const ways = WAYS.filter(({ protocol, user }) => protocol !== "tcp" && user === "root");
    const runs = await Promise.all(ways.map((way) => traceBy(network, way, "--mtu", "-q", "1")));
    for (const [i, { trace }] of runs.entries()) {
      const label = `${wayName(ways[i])} ${narrow.says}`;
      assertEquals(trace.mtu?.bytes, arrived, label);
      assertEquals(trace.mtu_search?.not_arrived_bytes, lost, label);
      assertEquals(trace.mtu?.steps.map(({ bytes }) => bytes), named, label);
    }
  });
  const scene: Scene = { hops: routers(2, { silent: true }), target: { udp: "silent" } };
  await using network = await PlayedNetwork.open(scene);
  const unknown = await traceBy(network, NOBODY_UDP[0], "--mtu", "-q", "1", "-t", "200ms");
  assertEquals([unknown.trace.mtu?.bytes, unknown.trace.mtu_search?.first_link_bytes], [
    null,
    1500,
  ]);
});

wan("MPLS labels and interfaces are read in every form that is met", async () => {
  const labels = [{ label: 16_001, trafficClass: 5, ttl: 1 }, {
    label: 42,
    trafficClass: 0,
    ttl: 9,
  }];
  const address = addressBytes("192.0.2.7");
  const objects = [mplsObject(labels), interfaceObject(7, address, "ge-0/0/1", 9000)];
  const forms = [true, false].flatMap((checksummed) =>
    (["words", "bytes", "nothing"] as const).map((lengthIn) => ({ checksummed, lengthIn }))
  );
  const ways = WAYS.filter(({ user, protocol }) => user === "root" || protocol === "udp");
  await beside(forms, async ({ checksummed, lengthIn }) => {
    const told = { extensions: extensions(objects, checksummed), lengthIn };
    await using network = await PlayedNetwork.open({
      hops: routers(3, {}, 2, told),
      target: { rttMs: 8 },
    });
    await allowPing(network);
    for (const way of ways) {
      const { trace } = await traceBy(network, way, "-q", "1");
      const [of] = trace.hops[1].addresses;
      const label = `${wayName(way)} ${checksummed} ${lengthIn}`;
      assertEquals(
        of.mpls,
        labels.map(({ label, trafficClass, ttl }) => ({
          label,
          traffic_class: trafficClass,
          ttl,
        })),
        label,
      );
      assertEquals(of.interfaces, [
        { role: "incoming", index: 7, address: "192.0.2.7", name: "ge-0/0/1", mtu: 9000 },
      ], label);
    }
  });
});

wan("a quote of 8 bytes that zeros fill up to the labels behind it is known", async () => {
  const label = { label: 100, trafficClass: 0, ttl: 1 };
  const told = { quote: 8, extensions: extensions([mplsObject([label])]) };
  const scene: Scene = { hops: routers(3, told), target: { rttMs: 8 } };
  await inEveryWay(scene, async (network, way) => {
    // Probes of held flows are marked in what such a quote leaves out.
    const options = way.protocol === "udp" ? ["--paths", "2"] : [];
    const { trace } = await traceBy(network, way, "-q", "1", ...options);
    const found = trace.hops.map(({ addresses }) => addresses[0]?.mpls[0]?.label ?? null);
    assertEquals(found, [100, 100, 100, null], wayName(way));
    assertEquals(answering(trace), wholePath(3, way.family), wayName(way));
  });
});

wan("a target that limits its ICMP is reached by one trace right behind another", async () => {
  // A hop is overdue after three times what nearer ones took: no pause of this process's is as long.
  const slow = routers(3, { rttMs: 500 });
  const ways = [NOBODY_UDP[0], { ...NOBODY_UDP[0], protocol: "icmp" as const }];
  await beside(ways, async (way) => {
    await using network = await PlayedNetwork.open({ hops: slow, target: { rttMs: 8 } });
    await allowPing(network);
    // Linux: six at once, then one a second (icmp_ratelimit).
    const tokens = 6;
    network.burst = { tokens, everyMs: 1000 };
    const first = await traceBy(network, way);
    const met = probesAtTarget(network.captured, way.protocol);
    assertLessOrEqual(met, network.wasLate ? mostAtTarget(network) : tokens, wayName(way));
    // It answers all, but what is sent to it while this process stands still.
    assertEquals(first.trace.reached, true, wayName(way));
    assertLessOrEqual(first.trace.hops[3].lost, Math.max(0, met - tokens), wayName(way));
    // All hops are tried within half a second, and the target is silent for a whole one.
    network.scene = { hops: routers(3), target: { rttMs: 8 } };
    network.captured = [];
    network.onPacket = () => {
      network.spendBurst();
      network.onPacket = null;
    };
    const { trace } = await traceBy(network, way);
    assertEquals([trace.reached, answering(trace).at(-1)], [true, TARGET.v4], wayName(way));
    assertLessOrEqual(probesAtTarget(network.captured, way.protocol), mostAtTarget(network));
  });
});

wan("equal paths by port: one flow keeps to one of them, several find both", async () => {
  const two = [{ rttMs: 4 }, { rttMs: 4 }];
  const scene: Scene = { hops: [{ rttMs: 2 }, two, { rttMs: 6 }], target: { rttMs: 8 } };
  await inEveryWay(scene, async (network, way) => {
    const one = await traceBy(network, way, "--paths", "1", "-q", "4");
    assertEquals(one.trace.hops[1].addresses.length, 1, wayName(way));
    const many = await traceBy(network, way, "--paths", "16", "-q", "1");
    const met = many.trace.hops[1].addresses.map(({ address }) => address).toSorted();
    const both = [hopAddress(2, 0)[way.family], hopAddress(2, 1)[way.family]].toSorted();
    assertEquals(met, both, wayName(way));
  }, WAYS.filter(({ user, protocol }) => protocol !== "icmp" || user === "root"));
});

wan("equal paths by flow label: a trace bears one, each of its flows another", async () => {
  const two = [{ rttMs: 4 }, { rttMs: 4 }];
  const hops = [{ rttMs: 2 }, two, { rttMs: 6 }];
  const scene: Scene = { hops, hash: "label", target: { rttMs: 8 } };
  await inEveryWay(scene, async (network, way) => {
    const one = await traceBy(network, way, "-q", "5");
    assertEquals(one.trace.hops[1].addresses.length, 1, wayName(way));
    const labels = new Set(
      network.captured
        .filter(({ packet }) => packet.protocol !== TCP || packet.transport[13] !== RST)
        .map(({ packet }) => packet.flowLabel),
    );
    if (way.protocol !== "tcp") assertEquals(labels.size, 1, wayName(way));
    const many = await traceBy(network, way, "--paths", "16", "-q", "1");
    assertEquals(many.trace.hops[1].addresses.length, 2, wayName(way));
  }, WAYS.filter(({ family }) => family === "v6"));
});

wan(
  "where somebody holds a flow label for himself, ours are leased and a flow keeps its own",
  async () => {
    const two = [{ rttMs: 4 }, { rttMs: 4 }];
    const hops = [{ rttMs: 2 }, two, { rttMs: 6 }];
    const scene: Scene = { hops, hash: "label", target: { rttMs: 8 } };
    await inEveryWay(scene, async (network, way) => {
      // <linux/in6.h>: label 0x12345, get, exclusive, create; lingering for a minute.
      const request =
        `pack("a16NCCSSSL", inet_pton(AF_INET6, "${TARGET.v6}"), 0x12345, 0, 1, 1, 60, 60, 0)`;
      const hold = `use Socket qw(:all); socket(S, AF_INET6, SOCK_DGRAM, 0) or die $!;` +
        `setsockopt(S, 41, 32, ${request}) or die $!;`;
      assertEquals((await network.run("perl", ["-e", hold])).code, 0);
      const one = await traceBy(network, way, "-q", "3");
      assertEquals([one.code, one.trace.hops[1].addresses.length], [0, 1], wayName(way));
      const many = await traceBy(network, way, "--paths", "16", "-q", "1");
      assertEquals([many.code, many.trace.hops[1].addresses.length], [0, 2], wayName(way));
    }, WAYS.filter(({ family }) => family === "v6"));
  },
  ["perl"],
);

wan("a SYN-ACK tells its segment size, window and the way that it took back", async () => {
  const options = [2, 4, 5, 0xb4, 1, 3, 3, 7];
  const target = { rttMs: 8, options, ttl: 61 };
  await inEveryWay({ hops: routers(3, { ttl: 253 }), target }, async (network, way) => {
    const { trace } = await traceBy(network, way, "-q", "1");
    assertEquals(trace.end?.syn_ack, { mss: 1460, window: 28_960, window_scale: 7 });
    assertEquals(trace.end?.return_hops, 4);
    assertEquals(trace.hops[1].addresses[0].return_hops, 3);
  }, ROOT_TCP.slice(0, 1));
});

wan("a NAT on the way is seen where quotes have another source", async () => {
  const rewrites = { v4: "203.0.113.9", v6: "2001:db8::9" };
  const hops = routers(4, {}, 2, { rewrites });
  await inEveryWay({ hops, target: { rttMs: 10 } }, async (network, way) => {
    const { trace } = await traceBy(network, way, "-q", "1");
    const nat = trace.hops.slice(0, 4).map(({ addresses }) => addresses[0]?.nat?.source ?? null);
    assertEquals(nat, [null, null, rewrites.v4, rewrites.v4], wayName(way));
  }, [ROOT_TCP[0]]);
});

wan("source port, TOS and interface are the ones asked for", async () => {
  await inEveryWay({ hops: routers(2), target: {} }, async (network, way) => {
    const port = way.protocol === "icmp" ? [] : ["--sport", "45678"];
    const options = [...port, "--tos", "184", "--interface", "play0", "-q", "1"];
    const { trace } = await traceBy(network, way, ...options);
    assertEquals(trace.reached, true, wayName(way));
    const probes = network.captured.filter(({ packet }) =>
      packet.protocol !== TCP || (packet.transport[13] & RST) === 0
    );
    const classes = new Set(probes.map(({ packet }) => packet.trafficClass));
    assertEquals(classes, new Set([184]), wayName(way));
    const ports = new Set(probes.map(({ packet }) => packet.sourcePort));
    assertEquals(ports, new Set([way.protocol === "icmp" ? 0 : 45_678]), wayName(way));
  });
});

wan("few free ports: what cannot be had is said in words", async () => {
  await using network = await PlayedNetwork.open({ hops: routers(2), target: {} });
  await network.host.sysctl({ "net.ipv4.ip_local_port_range": "50000 50015" });
  for (const way of [NOBODY_UDP[0], ROOT_TCP[0]]) {
    const words = ["trace", "-n", "--paths", "64", ...wordsOf(way)];
    const { code, stderr } = await network.run(BINARY, words, { user: way.user });
    const said = "wire-probe: cannot trace by 64 flows: this machine has no 64 free ports\n";
    assertEquals([code, stderr], [4, said], wayName(way));
  }
});

wan("a packet that an error quotes as another host's is not taken for ours", async () => {
  const ways: Way[] = (["icmp", "udp"] as const).map((protocol) => (
    { user: "nobody", protocol, family: "v4" }
  ));
  for (const way of ways) {
    const hops = routers(2, { silent: true });
    await using network = await PlayedNetwork.open({ hops, target: { rttMs: 300 } });
    await allowPing(network);
    network.onPacket = ({ bytes }) => network.quoteAsFor(bytes, "203.0.113.5");
    const { trace } = await traceBy(network, way, "-q", "1", "-t", "1500ms");
    assertEquals(answering(trace), [null, null, TARGET.v4], wayName(way));
  }
});

wan("hundreds of targets are traced in one process, each as by itself", async () => {
  const scene: Scene = { hops: routers(4), target: { rttMs: 10 } };
  const targets = Array.from({ length: 300 }, (_, i) => `10.92.${100 + (i >> 8)}.${i & 255}`);
  for (const way of IPV4) {
    await using network = await PlayedNetwork.open(scene);
    await allowPing(network);
    const option = { tcp: [], udp: ["-U"], icmp: ["-I"] }[way.protocol];
    const words = ["trace", "-n", "-o", "json", "-q", "1", "-t", "3s", ...option, ...targets];
    const { code, stdout } = await network.run(BINARY, words, { user: way.user });
    const lines = stdout.trim().split("\n").map((line) => JSON.parse(line));
    assertEquals([code, lines.length], [0, targets.length], wayName(way));
    for (const [i, trace] of lines.entries()) {
      const all = `${wayName(way)}: ${JSON.stringify(trace)}`;
      assertEquals([trace.target, trace.reached], [targets[i], true], all);
      assertEquals(answering(trace), [...wholePath(4, "v4").slice(0, 4), targets[i]]);
    }
  }
});

wan("as an agent a trace exports each hop, and a change of the path is an event", async () => {
  const target = { rttMs: 8, listens: RECEIVER_PORT };
  const before: Scene = { hops: routers(3, {}, 2, { silent: true }), target };
  const other = { v4: "10.92.7.7", v6: "fd92::7:7" };
  const after: Scene = { hops: routers(3, {}, 3, other), target };
  // Influx lines go through the played network, too.
  const receiver = { v4: "10.92.200.1", v6: "fd92::c8:1" };
  await inEveryWay(before, async (network, way) => {
    let rounds = 0;
    network.onPacket = ({ ttl }) => {
      if (ttl === 1 && ++rounds === 4) network.scene = after;
    };
    const to = way.family === "v4" ? receiver.v4 : `[${receiver.v6}]`;
    const agent = ["--export", `telegraf-udp://${to}:${RECEIVER_PORT}`, "-o", "none"];
    const options = ["-r", "8", "-i", "200ms", "-t", "1500ms", ...agent];
    const words = [
      "trace",
      "-n",
      ...options,
      ...wordsOf(way).map((of) => of.replace(/^[^-]/, "db=$&")),
    ];
    const { code, stdout, stderr } = await network.run(BINARY, words, { user: way.user });
    assertEquals([code, stdout], [0, ""], stderr);
    const [was, now] = [hopAddress(3)[way.family], other[way.family]];
    assert(stderr.includes(`db: the path changed at hop 3: ${was} before, ${now} now`), stderr);
    const lines = network.captured.map(({ packet }) => lineIn(packet));
    const paths = lines.filter((line) => line.startsWith("trace_path,"));
    assertEquals(paths.length, 8, wayName(way));
    assertEquals(paths.filter((line) => line.includes("changed=true")).length, 1, wayName(way));
    assert(paths[7].includes("changes=1i,reached=true,hops=4i"), paths[7]);
    assertEquals(new Set(paths.map((line) => /path="(\w{8})"/.exec(line)?.[1])).size, 2);
    const lost = lines.filter((line) => /^trace_hop,.*,hop=2 .*lost=1i/.test(line)).length;
    const met = lines.filter((line) => line.startsWith("trace_hop_rtt,") && line.includes(now));
    assertGreaterOrEqual(lost, 1, wayName(way));
    assertGreaterOrEqual(met.length, 1, wayName(way));
  });
});

/** The line that a packet to the receiver of Influx lines has; else empty. */
function lineIn({ protocol, destinationPort, transport }: Packet): string {
  const isLine = protocol === UDP && destinationPort === RECEIVER_PORT;
  return isLine ? new TextDecoder().decode(transport.slice(8)).trim() : "";
}
