/** The compiled binary's traces through played networks: what real routers and services do every day. */
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
import { type Captured, hopAddress, PlayedNetwork, PROBER, TARGET } from "../wan/played/network.ts";
import {
  addressBytes,
  extensions,
  ICMP,
  ICMP6,
  interfaceObject,
  mplsObject,
  type Packet,
  RST,
  TCP,
  UDP,
} from "../wan/played/packets.ts";
import type { RouterScene, Scene } from "../wan/played/scene.ts";

/** Of a receiver of Influx lines in a played network. */
const RECEIVER_PORT = 8094;
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** SPEC's bound on the probes of one flow that meet the target. */
const MAX_AT_TARGET = 16;
const NOBODY_UDP: readonly Way[] = (["v4", "v6"] as const).map((family) => ({
  user: "nobody",
  protocol: "udp",
  family,
}));
const IPV4: readonly Way[] = WAYS.filter(({ family }) => family === "v4");
const ROOT_TCP: readonly Way[] = (["v4", "v6"] as const).map((family) => ({
  user: "root",
  protocol: "tcp",
  family,
}));

/** Routers at 2, 4, 6 … ms, each with what is said of all or of one of them. */
function routers(
  count: number,
  each: RouterScene = {},
  at = 0,
  one: RouterScene = {},
): RouterScene[] {
  return Array.from({ length: count }, (_, i): RouterScene => ({
    rttMs: 2 * (i + 1),
    ...each,
    ...(i + 1 === at ? one : {}),
  }));
}

/** Probes among what the network saw: no resets, and nothing of the handshake with a silent end. */
function probesAtTarget(captured: readonly Captured[], protocol: Way["protocol"]): number {
  const numbers = { tcp: [TCP], udp: [UDP], icmp: [ICMP, ICMP6] }[protocol];
  return captured.filter(({ packet, reached }) => {
    if (reached !== "target" || !numbers.includes(packet.protocol)) return false;
    return packet.protocol !== TCP || (packet.transport[13] & RST) === 0 && packet.ttl < 64 - 1;
  }).length;
}

async function inEveryWay(
  scene: Scene,
  check: (network: PlayedNetwork, way: Way) => Promise<void>,
  ways: readonly Way[] = WAYS,
): Promise<void> {
  await beside(ways, async (way) => {
    await using network = await PlayedNetwork.open(scene);
    await allowPing(network);
    await check(network, way);
  });
}

wan("routers that quote the IP header and 8 bytes are seen, and so is the target", async () => {
  const scene = { hops: routers(4, { quote: 8 }), target: { rttMs: 10 } };
  await inEveryWay(scene, async (network, way) => {
    const { trace, code } = await traceBy(network, way);
    assertEquals(answering(trace), wholePath(4, way.family), wayName(way));
    assertEquals([code, trace.reached, trace.end?.hop], [0, true, 5], wayName(way));
    assertEquals(trace.hops.map(({ lost }) => lost), [0, 0, 0, 0, 0], wayName(way));
    assertLessOrEqual(probesAtTarget(network.captured, way.protocol), MAX_AT_TARGET, wayName(way));
  });
});

wan("one router among others that quotes 8 bytes is no silent one", async () => {
  const scene = { hops: routers(4, {}, 2, { quote: 8 }), target: { rttMs: 10 } };
  await inEveryWay(scene, async (network, way) => {
    const { trace } = await traceBy(network, way);
    assertEquals(answering(trace), wholePath(4, way.family), wayName(way));
  }, NOBODY_UDP);
});

wan("held flows find their hops where routers quote 8 bytes, and services answer", async () => {
  const scene: Scene = { hops: routers(3, { quote: 8 }), target: { rttMs: 8, udp: "data" } };
  await inEveryWay(scene, async (network, way) => {
    const { trace } = await traceBy(network, way, "--paths", "3");
    assertEquals([trace.flow, trace.reached], ["fixed", true], wayName(way));
    assertEquals(answering(trace), wholePath(3, way.family), wayName(way));
    assertEquals(trace.hops.map(({ sent, lost }) => [sent, lost]), new Array(4).fill([9, 0]));
  }, NOBODY_UDP);
});

wan("a service that answers a datagram is reached", async () => {
  const scene: Scene = { hops: routers(3), target: { rttMs: 8, udp: "data" } };
  await inEveryWay(scene, async (network, way) => {
    const { trace, code } = await traceBy(network, way);
    assertEquals([code, trace.reached, trace.end?.detail], [0, true, "datagram"]);
    assertEquals(answering(trace), wholePath(3, way.family));
    assertEquals(trace.hops[3].answered, 3);
    assertLessOrEqual(probesAtTarget(network.captured, "udp"), MAX_AT_TARGET);
    const sent = network.captured.filter(({ packet }) => packet.protocol === UDP);
    const ports = new Set(sent.map(({ packet }) => packet.sourcePort));
    assertEquals(ports.size, sent.length, "each probe has its own source port");
  }, NOBODY_UDP);
});

wan("behind a satellite's link every hop is found, and the target met by few", async () => {
  // Slower than a second, after which the kernel sends its SYNs again.
  const hops = [{ rttMs: 1 }, { rttMs: 750 }, { rttMs: 1200 }];
  await using network = await PlayedNetwork.open({ hops, target: { rttMs: 1250 } });
  await allowPing(network);
  const runs = await Promise.all(WAYS.map((way) => traceBy(network, way, "-t", "4s")));
  for (const [i, { trace }] of runs.entries()) {
    const way = WAYS[i];
    assertEquals(answering(trace), wholePath(3, way.family), wayName(way));
    assertEquals(trace.hops.map(({ lost }) => lost), [0, 0, 0, 0], wayName(way));
  }
  // Two users of each family and protocol have run beside each other.
  for (const protocol of ["tcp", "udp", "icmp"] as const) {
    assertLessOrEqual(probesAtTarget(network.captured, protocol), 4 * MAX_AT_TARGET, protocol);
  }
});

wan("a slow router before a quick target loses nothing within the timeout", async () => {
  const scene = { hops: routers(3, {}, 2, { rttMs: 400 }), target: { rttMs: 20 } };
  await using network = await PlayedNetwork.open(scene);
  await allowPing(network);
  const options = ["-r", "4", "-i", "300ms", "-t", "3s"];
  const runs = await Promise.all(IPV4.map((way) => traceBy(network, way, ...options)));
  for (const [i, { trace }] of runs.entries()) {
    const counts = trace.hops.map(({ sent, answered }) => [sent, answered]);
    assertEquals(counts, [[4, 4], [4, 4], [4, 4], [4, 4]], wayName(IPV4[i]));
  }
});

wan("a process that does not run while its SYNs are sent again takes the answers", async () => {
  const scene = { hops: routers(3, {}, 2, { rttMs: 1300 }), target: { rttMs: 20 } };
  const ways = WAYS.filter(({ user, protocol }) => user === "nobody" && protocol === "tcp");
  await inEveryWay(scene, async (network, way) => {
    const words = ["trace", "-n", "-o", "json", "-q", "1", "-t", "2900ms", ...wordsOf(way)];
    const child = network.host.exec(BINARY, words, { user: way.user });
    let isStopped = false;
    network.onPacket = ({ ttl }) => {
      if (ttl !== 2 || isStopped) return;
      isStopped = true;
      child.kill("SIGSTOP");
      setTimeout(() => child.kill("SIGCONT"), 1600);
    };
    const { hops } = JSON.parse(new TextDecoder().decode((await child.output()).stdout));
    assertEquals([hops[1].answered, hops[1].lost], [1, 0], wayName(way));
    // Of two SYNs it is not known which was answered; a machine that stands still may send one alone.
    const syns = network.captured.filter(({ packet }) => packet.ttl === 2).length;
    assertEquals(hops[1].probes[0].rtt_ms === null, syns > 1, wayName(way));
  }, ways);
});

wan("twelve silent hops hide no thirteenth; a silent target is met by few", async () => {
  const silent = routers(14).map((of, i) => i > 0 && i < 13 ? { ...of, silent: true } : of);
  await inEveryWay({ hops: silent, target: { rttMs: 30 } }, async (network, way) => {
    const { trace } = await traceBy(network, way, "-q", "1", "-t", "2s");
    const whole = wholePath(14, way.family).map((of, at) => at > 0 && at < 13 ? null : of);
    assertEquals(answering(trace), whole, wayName(way));
  });
  const deaf: Scene = {
    hops: routers(3),
    target: { tcp: "silent", udp: "silent", icmp: "silent" },
  };
  await inEveryWay(deaf, async (network, way) => {
    const { trace } = await traceBy(network, way, "-m", "20", "-t", "1500ms");
    assertEquals([trace.reached, trace.silent_tail], [false, 17], wayName(way));
    assertLessOrEqual(probesAtTarget(network.captured, way.protocol), MAX_AT_TARGET, wayName(way));
    const farthest = Math.max(...network.captured.map(({ packet }) => packet.ttl % 64));
    assertGreaterOrEqual(farthest, 20, "the last hop is always tried");
  }, IPV4);
});

wan("a path that grows is followed, and the target is not called lost for it", async () => {
  const short: Scene = { hops: routers(2), target: { rttMs: 6 } };
  const long: Scene = { hops: routers(4, {}, 3, { silent: true }), target: { rttMs: 10 } };
  await inEveryWay(short, async (network, way) => {
    let rounds = 0;
    network.onPacket = ({ ttl }) => {
      if (ttl === 1 && ++rounds === 4) network.scene = long;
    };
    const { trace } = await traceBy(network, way, "-r", "10", "-i", "100ms", "-t", "1500ms");
    assertEquals([trace.end?.hop, trace.reached], [5, true], wayName(way));
    const end = trace.hops[4];
    assertEquals([end.addresses[0].address, end.lost], [TARGET.v4, 0], wayName(way));
    assertGreaterOrEqual(end.answered, 3, wayName(way));
  }, IPV4);
});

wan("a change of this machine's address in mid-run is followed", async () => {
  const scene: Scene = { hops: routers(2), target: { rttMs: 6 } };
  await inEveryWay(scene, async (network, way) => {
    const isMet = Promise.withResolvers<void>();
    let fromOther = 0;
    network.onPacket = ({ source, ttl }) => {
      if (ttl === 3) isMet.resolve();
      if (ttl === 3 && source[3] === 77) fromOther++;
    };
    const changed = (async () => {
      await isMet.promise;
      network.prober = { ...PROBER, v4: "10.92.0.77" };
      const steps = [
        `addr del ${PROBER.v4}/24 dev play0`,
        "addr add 10.92.0.77/24 dev play0",
        "route add default dev play0",
      ];
      const all = steps.map((step) => `ip ${step}`).join(" && ");
      assertEquals((await network.run("sh", ["-c", all])).code, 0);
    })();
    const { trace } = await traceBy(network, way, "-r", "25", "-i", "100ms", "-t", "1500ms");
    await changed;
    assertEquals(answering(trace), wholePath(2, "v4"), wayName(way));
    const last = trace.hops[2];
    assertGreaterOrEqual(fromOther, 8, wayName(way));
    assertGreaterOrEqual(last.answered, 8, wayName(way));
    assertLessOrEqual(last.lost, 2, wayName(way));
  }, IPV4);
});

wan("host unreachable from a router is loss of the target, and hides no hop", async () => {
  const states = [[2, 3, 6, 7], [0, 3, 5, 9]];
  await beside(states, async (refused) => {
    const way: Way = { user: "root", protocol: "icmp", family: "v4" };
    let round = -1;
    const when = () => refused.includes(round);
    const hops = routers(4, {}, 2, { refuses: { says: "host", when } });
    await using network = await PlayedNetwork.open({ hops, target: { rttMs: 10 } });
    // A round begins with the nearest hop.
    network.onPacket = ({ ttl }) => {
      if (ttl === 1) round++;
    };
    const { trace } = await traceBy(network, way, "-r", "10", "-i", "200ms", "-t", "1500ms");
    assertEquals(answering(trace), wholePath(4, "v4"));
    const target = trace.hops[4];
    // In a first round that is refused nobody knows of a fifth hop.
    const sent = refused.includes(0) ? 9 : 10;
    const lost = refused.filter((round) => round > 0).length;
    assertEquals([target.sent, target.lost], [sent, lost]);
    assertEquals(trace.reached, true);
  });
});

wan("what the system refuses to send for a second is not sent, and the trace goes on", async () => {
  const scene: Scene = { hops: routers(3), target: { rttMs: 8 } };
  await inEveryWay(scene, async (network, way) => {
    const nft = (...words: string[]) => network.run("nft", words);
    await nft("add", "table", "ip", "wp");
    await nft("add", "chain", "ip", "wp", "out", "{ type filter hook output priority 0 ; }");
    await nft("add", "rule", "ip", "wp", "out", "ip", "daddr", TARGET.v4, "counter", "drop");
    const lifted = (async () => {
      const isMet = async () =>
        /counter packets [1-9]/.test((await nft("list", "table", "ip", "wp")).stdout);
      for (let i = 0; i < 200 && !await isMet(); i++) await sleep(20);
      await sleep(800);
      await nft("delete", "table", "ip", "wp");
    })();
    const { trace, code } = await traceBy(network, way, "-r", "4", "-i", "1s", "-t", "1500ms");
    await lifted;
    // A SYN of the kernel's own that is dropped here is lost without a word.
    const isTold = way.user === "root" || way.protocol !== "tcp";
    if (isTold) assertGreaterOrEqual(trace.hops[0].not_sent, 1, wayName(way));
    assertEquals(answering(trace), wholePath(3, "v4"), wayName(way));
    assertEquals([code, trace.reached], [0, true], wayName(way));
    if (isTold) assertEquals(trace.hops[3].lost, 0, wayName(way));
  }, IPV4);
}, ["nft"]);

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

wan("a target that limits its ICMP is reached by one trace right behind another", async () => {
  // A hop is overdue after three times what nearer ones took: no pause of this process's is as long.
  const slow = routers(3, { rttMs: 500 });
  const ways = [NOBODY_UDP[0], { ...NOBODY_UDP[0], protocol: "icmp" as const }];
  await beside(ways, async (way) => {
    await using network = await PlayedNetwork.open({ hops: slow, target: { rttMs: 8 } });
    await allowPing(network);
    // Linux: six at once, then one a second (icmp_ratelimit).
    network.burst = { tokens: 6, everyMs: 1000 };
    const first = await traceBy(network, way);
    assertEquals([first.trace.reached, first.trace.hops[3].lost], [true, 0], wayName(way));
    assertLessOrEqual(probesAtTarget(network.captured, way.protocol), 6, wayName(way));
    // All hops are tried within half a second, and the target is silent for a whole one.
    network.scene = { hops: routers(3), target: { rttMs: 8 } };
    network.captured = [];
    network.onPacket = () => {
      network.spendBurst();
      network.onPacket = null;
    };
    const { trace } = await traceBy(network, way);
    assertEquals([trace.reached, answering(trace).at(-1)], [true, TARGET.v4], wayName(way));
    assertLessOrEqual(probesAtTarget(network.captured, way.protocol), MAX_AT_TARGET);
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
