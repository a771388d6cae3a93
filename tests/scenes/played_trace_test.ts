/** The compiled binary's traces through played networks: what real routers and services do every day. */
import { assertEquals, assertGreaterOrEqual, assertLessOrEqual } from "@std/assert";
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
import { PlayedNetwork, PROBER, TARGET } from "../wan/played/network.ts";
import { UDP } from "../wan/played/packets.ts";
import type { Scene } from "../wan/played/scene.ts";
import {
  inEveryWay,
  IPV4,
  metTarget,
  mostAtTarget,
  NOBODY_UDP,
  probesAtTarget,
  routers,
} from "../wan/played/ways.ts";

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

wan("routers that quote the IP header and 8 bytes are seen, and so is the target", async () => {
  const scene = { hops: routers(4, { quote: 8 }), target: { rttMs: 10 } };
  await inEveryWay(scene, async (network, way) => {
    const { trace, code } = await traceBy(network, way);
    assertEquals(answering(trace), wholePath(4, way.family), wayName(way));
    assertEquals([code, trace.reached, trace.end?.hop], [0, true, 5], wayName(way));
    assertEquals(trace.hops.map(({ lost }) => lost), [0, 0, 0, 0, 0], wayName(way));
    assertLessOrEqual(
      probesAtTarget(network.captured, way.protocol),
      mostAtTarget(network),
      wayName(way),
    );
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
    assertLessOrEqual(probesAtTarget(network.captured, "udp"), mostAtTarget(network));
    const sent = network.captured.filter(({ packet }) => packet.protocol === UDP);
    const ports = new Set(sent.map(({ packet }) => packet.sourcePort));
    assertEquals(ports.size, sent.length, "each probe has its own source port");
  }, NOBODY_UDP);
});

wan("a held flow takes a service's answers that come twice, or from another address", async () => {
  const target = { rttMs: 8, udp: "data" } as const;
  const answersFrom = { v4: "10.92.98.1", v6: "fd92::98:1" };
  for (const end of [{ ...target, againMs: 4 }, { ...target, answersFrom }]) {
    await inEveryWay({ hops: routers(3), target: end }, async (network, way) => {
      const { trace } = await traceBy(network, way, "--paths", "1");
      assertEquals(answering(trace), wholePath(3, way.family), wayName(way));
      assertEquals([trace.end?.hop, trace.end?.detail], [4, "datagram"], wayName(way));
    }, NOBODY_UDP);
  }
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
    assertLessOrEqual(
      probesAtTarget(network.captured, protocol),
      4 * mostAtTarget(network),
      protocol,
    );
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
  // It runs again before the answer, and after it.
  const spans = [1150, 1600].flatMap((stoppedMs) => ways.map((way) => ({ stoppedMs, way })));
  await beside(spans, async ({ stoppedMs, way }) => {
    await using network = await PlayedNetwork.open(scene);
    const words = ["trace", "-n", "-o", "json", "-q", "1", "-t", "2900ms", ...wordsOf(way)];
    const child = network.host.exec(BINARY, words, { user: way.user });
    let isStopped = false;
    network.onPacket = ({ ttl }) => {
      if (ttl !== 2 || isStopped) return;
      isStopped = true;
      child.kill("SIGSTOP");
      setTimeout(() => child.kill("SIGCONT"), stoppedMs);
    };
    const { hops } = JSON.parse(new TextDecoder().decode((await child.output()).stdout));
    const label = `${wayName(way)}, ${stoppedMs} ms`;
    assertEquals([hops[1].answered, hops[1].lost], [1, 0], label);
    // Of two SYNs it is not known which was answered; a machine that stands still may send one alone.
    const syns = network.captured.filter(({ packet }) => packet.ttl === 2).length;
    assertEquals(hops[1].probes[0].rtt_ms === null, syns > 1, label);
  });
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
    const probes = probesAtTarget(network.captured, way.protocol);
    assertLessOrEqual(probes, mostAtTarget(network), wayName(way));
    // Repetitions of SYNs are kept back, but of those that fall into a moment in which the process did not run.
    const packets = metTarget(network.captured, way.protocol).length;
    assertLessOrEqual(packets, 1.5 * probes, wayName(way));
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
      if (source[3] !== 77) return;
      // Each packet is answered to where it came from, however long the change takes.
      network.prober = { ...PROBER, v4: "10.92.0.77" };
      if (ttl === 3) fromOther++;
    };
    const changed = (async () => {
      await isMet.promise;
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
