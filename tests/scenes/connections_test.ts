/** `connections` over links and with peers of known behaviour: the compiled binary, real sockets. */
import {
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertStringIncludes,
} from "@std/assert";
import {
  type Group,
  groupOf,
  type Task,
  traffic,
  verdictsIn,
  watch,
} from "../wan/connections_lab.ts";
import { Network } from "../wan/harness/network.ts";
import { wan } from "../wan/harness/wan.ts";
import { quantile } from "../wan/lab.ts";

const ROUND_TRIP_MS = 20;
const SINK = 2000;
const SILENT = 2001;
/** Ports of servers by how long they think. */
const THINKERS = [[2100, 0], [2105, 5], [2130, 30], [2200, 100]] as const;
const CONNECTIONS = 50;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** The smoothed round trips that `ss` shows of the connections to a port. */
function roundTripsOfSs(text: string): number[] {
  return [...text.matchAll(/\brtt:([0-9.]+)\//g)].map(([, ms]) => Number(ms));
}

wan(
  "bulk senders show the network, request and reply the peer's thinking, silence nothing",
  async () => {
    await using network = await Network.create();
    const near = await network.host("near");
    const far = await network.host("far");
    const link = await network.link(near, far, { delayUs: ROUND_TRIP_MS * 500 });
    const to = (port: number) => `${link.b.v4}:${port}`;
    await traffic(
      far,
      ["sink", SINK],
      ["sink", SILENT],
      ...THINKERS.map(([port, thinkMs]): Task => ["reply", port, thinkMs]),
    );
    const senders = await traffic(
      near,
      // So much that BBR paces it fast: the receiver acknowledges two segments together.
      ["bulk", to(SINK), CONNECTIONS, 48 * 1024, 500],
      ["silent", to(SILENT), CONNECTIONS],
      ...THINKERS.map(([port]): Task => ["ask", to(port), 10, 20]),
    );
    const stopped = Promise.withResolvers<void>();
    const [client, server, ss] = await Promise.all([
      // The first report is past the first requests, which the peers' kernels acknowledge at once.
      watch(near, ["-i", "2s", "-c", 2, "--top", 20], { user: "nobody" }, async (reports) => {
        if (reports > 1) return;
        await sleep(1000);
        senders.kill("SIGSTOP");
        stopped.resolve();
      }),
      watch(far, ["-i", "2s", "--top", 20]),
      (async () => {
        // From here to the second reading nothing changes.
        await stopped.promise;
        await sleep(200);
        return await near.run("ss", ["-tinH", "dport", "=", `:${SINK}`]);
      })(),
    ]);
    senders.kill("SIGCONT");
    assertEquals([client.code, server.code], [0, 0], client.stderr + server.stderr);
    assertEquals(client.reports.length, 2);
    assertClient(client.reports[1], roundTripsOfSs(ss.stdout));
    for (const report of server.reports) {
      for (const [port] of THINKERS) {
        const group = groupOf(report, port, "in");
        assertEquals([group.connections, group.peer], [10, link.a.v4]);
        assertEquals(group.rtt_ms, null);
        assertAlmostEquals(group.min_rtt_ms ?? NaN, ROUND_TRIP_MS, 1);
      }
      assertEquals(groupOf(report, SINK, "in").connections, CONNECTIONS);
    }
    assertEquals(verdictsIn([...client.reports, ...server.reports]), []);
  },
);

function assertClient(report: readonly Group[], ofSs: readonly number[]): void {
  const bulk = groupOf(report, SINK);
  assertEquals(bulk.connections, CONNECTIONS);
  assertEquals(bulk.rtt_ms?.count, CONNECTIONS);
  assertEquals(bulk.reply_rtt_ms, null);
  // No shorter than the link; a busy machine makes it longer, for the kernel's own figures too.
  assertGreaterOrEqual(bulk.rtt_ms?.p50 ?? NaN, ROUND_TRIP_MS - 1);
  assertEquals(ofSs.length, CONNECTIONS);
  assertAlmostEquals(bulk.rtt_ms?.p50 ?? NaN, quantile(ofSs, 0.5), 0.5);
  assertAlmostEquals(bulk.min_rtt_ms ?? NaN, ROUND_TRIP_MS, 1);
  assertEquals(bulk.segments_retransmitted, 0);
  for (const [port, thinkMs] of THINKERS) {
    const group = groupOf(report, port);
    assertEquals(group.rtt_ms, null, `a server that thinks for ${thinkMs} ms`);
    assertGreater(group.reply_rtt_ms?.count ?? 0, 5);
    assertAlmostEquals(group.min_rtt_ms ?? NaN, ROUND_TRIP_MS, 1);
  }
  const silent = groupOf(report, SILENT);
  assertEquals([silent.connections, silent.rtt_ms, silent.reply_rtt_ms], [CONNECTIONS, null, null]);
}

/** How long a link that loses segments is watched. */
const LOSS_SECONDS = Number(Deno.env.get("WIRE_PROBE_LOSS_SECONDS") ?? 8);

wan(
  "what the link saw sent again is what is reported, and a clean link has none of it",
  async () => {
    await using network = await Network.create();
    const near = await network.host("near");
    const far = await network.host("far");
    const link = await network.link(near, far, { delayUs: 5000 });
    await traffic(far, ["sink", SINK]);
    await traffic(near, ["bulk", `${link.b.v4}:${SINK}`, 10, 32 * 1024, 100]);
    await link.capture(200_000);
    await link.set({ dropEvery: 50 }, "ab");
    const run = await watch(near, ["-c", LOSS_SECONDS]);
    await link.set({ dropEvery: 0 }, "ab");
    const seen = resent(await link.captured());
    const groups = run.reports.map((report) => groupOf(report, SINK));
    const reported = groups.reduce((sum, group) => sum + group.segments_retransmitted, 0);
    assertGreater(seen, 20);
    assertAlmostEquals(reported, seen, 0.2 * seen);
    const verdicts = groups.flatMap((group) => group.verdicts.map(({ verdict }) => verdict));
    assertGreaterOrEqual(verdicts.filter((verdict) => verdict === "loss").length, LOSS_SECONDS / 2);
    assertStringIncludes(JSON.stringify(groups), "the path lost");
  },
);

/** Data segments that the link met a second time. */
function resent(packets: Awaited<ReturnType<NetworkLink["captured"]>>): number {
  const newest = new Map<number, number>();
  let again = 0;
  for (const { direction, bytes, length } of packets) {
    if (direction !== 0 || bytes[0] >> 4 !== 4 || bytes[9] !== 6) continue;
    const at = (bytes[0] & 15) * 4;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const data = length - at - (bytes[at + 12] >> 4) * 4;
    if (data <= 0) continue;
    const [port, sequence] = [view.getUint16(at), view.getUint32(at + 4)];
    const before = newest.get(port);
    // In the circle of sequence numbers (RFC 9293, section 3.4).
    if (before !== undefined && (sequence - before | 0) < 0) again++;
    else newest.set(port, sequence + data >>> 0);
  }
  return again;
}

type NetworkLink = Awaited<ReturnType<Network["link"]>>;

wan(
  "a growing queue, a deaf peer, a sleeping accept loop and a black hole are told apart",
  async () => {
    await using network = await Network.create();
    const near = await network.host("near");
    const far = await network.host("far");
    const queue = await network.link(near, far, { delayUs: 5000 });
    const plain = await network.link(near, far, { delayUs: 2000 });
    const hole = await network.link(near, far, { delayUs: 2000 });
    const [DEAF, ASLEEP, NOWHERE, BACKLOG] = [2300, 2301, 2302, 4];
    await traffic(far, ["sink", SINK], ["deaf", DEAF], ["asleep", ASLEEP, BACKLOG]);
    await hole.set({ drop: "tcp" });
    await traffic(
      near,
      ["bulk", `${queue.b.v4}:${SINK}`, 4, 64 * 1024, 20],
      ["bulk", `${plain.b.v4}:${DEAF}`, 2, 1024 * 1024, 10],
      ["attempt", `${plain.b.v4}:${ASLEEP}`, BACKLOG + 1],
      ["attempt", `${hole.b.v4}:${NOWHERE}`, 3],
      ["insist", `${plain.b.v4}:${ASLEEP}`, 300],
    );
    await sleep(500);
    const growing = (async () => {
      // From 10 to 60 ms, as a buffer that fills.
      for (let delayUs = 10_000; delayUs <= 30_000; delayUs += 2500) {
        await queue.set({ delayUs });
        await sleep(250);
      }
    })();
    const [client, server] = await Promise.all([
      watch(near, ["-c", 4]),
      watch(far, ["-c", 4, "--listening"]),
      growing,
    ]);
    const last = client.reports[3];
    const named = (group: Group) => group.verdicts.map(({ verdict }) => verdict);
    assertEquals(named(groupOf(last, SINK)), ["queueing"]);
    assertEquals(named(groupOf(last, DEAF)), ["receiver"]);
    assertGreater(groupOf(last, DEAF).receiver_limited_ratio ?? 0, 0.9);
    assertEquals(named(groupOf(last, NOWHERE)), ["connect"]);
    assertEquals(groupOf(last, NOWHERE).connecting, 3);
    const asleep = server.reports.map((report) => groupOf(report, ASLEEP, "in"));
    for (const group of asleep) {
      assertEquals(group.accept_queue_limit, BACKLOG);
      assertEquals(group.accept_queue, BACKLOG + 1);
      assertEquals(named(group), ["accept_queue"]);
    }
    assertGreater(asleep.reduce((sum, group) => sum + (group.listen_drops ?? 0), 0), 0);
    const [evidence] = asleep[0].verdicts;
    assertStringIncludes(evidence.evidence, `port ${ASLEEP}`);
    assertStringIncludes(evidence.evidence, `of ${BACKLOG}`);
    // Nothing is wrong with the others.
    assertEquals(
      verdictsIn(server.reports).filter((text) => !text.startsWith("accept_queue")),
      [],
    );
  },
);

/** How long a healthy machine is watched. */
const HEALTHY_SECONDS = Number(Deno.env.get("WIRE_PROBE_HEALTHY_SECONDS") ?? 4);

wan("handshakes beside and one trace to the slow peer; a healthy time has no verdict", async () => {
  await using network = await Network.create();
  const near = await network.host("near");
  const far = await network.host("far");
  const [quick, slow] = [
    await network.link(near, far, { delayUs: 2000 }),
    await network.link(near, far, { delayUs: 30_000 }),
  ];
  await traffic(far, ["reply", 2400, 1]);
  await traffic(
    near,
    ["ask", `${quick.b.v4}:2400`, 5, 10],
    ["ask", `${slow.b.v4}:2400`, 5, 10],
  );
  const args = ["-c", HEALTHY_SECONDS, "--probe", "--trace-above", 40];
  const exports = ["--export", "prometheus://127.0.0.1:9273"];
  let page = "";
  const [run, single] = await Promise.all([
    watch(near, [...args, ...exports], {}, async (reports) => {
      if (reports !== HEALTHY_SECONDS - 1) return;
      page = (await near.run("curl", ["-s", "http://127.0.0.1:9273/metrics"])).stdout;
    }),
    // The trace begins with the only report, and is waited for.
    watch(near, ["-i", "3s", "--trace-above", 40]),
  ]);
  assertEquals([single.reports.length, single.others.length], [1, 1], single.stderr);
  assertEquals(single.others[0].address, slow.b.v4);
  assertEquals(run.code, 0, run.stderr);
  assertEquals(verdictsIn(run.reports), []);
  for (const [peer, ms] of [[quick.b.v4, 4], [slow.b.v4, 60]] as const) {
    const groups = run.reports.map((report) => report.find((group) => group.peer === peer));
    const medians = groups.map((group) => group?.handshake_ms?.p50 ?? NaN);
    // No shorter than the link; how late a busy machine makes it differs from report to report.
    for (const median of medians) assertGreaterOrEqual(median, ms - 0.1);
    assertAlmostEquals(Math.min(...medians), ms, 1);
    if (peer === slow.b.v4) {
      assertEquals(groups.map((group) => group?.rtt_ms), groups.map(() => null));
    }
  }
  assertEquals(run.others.length, 1);
  const [path] = run.others;
  assertEquals([path.schema, path.address, path.port, path.reached], [
    "wire-probe.trace.v1",
    slow.b.v4,
    2400,
    true,
  ]);
  const labels = `target="${slow.b.v4}:2400",protocol="tcp"`;
  assertStringIncludes(page, `wire_probe_path_rounds_total{${labels}} 1\n`);
  const end = `${labels},hop="1",address="${slow.b.v4}"`;
  assertStringIncludes(page, `wire_probe_path_hop_rtt_seconds_count{${end}} 3\n`);
}, ["curl"]);

/** The figures of a group as `ss -tinmH` shows them, over all its sockets. */
interface SsFigures {
  connections: number;
  segs_out: number;
  bytes_sent: number;
  bytes_received: number;
  retrans: number;
}

/** By direction, address family and service port, from the lines of `ss -tinmH`. */
function figuresOfSs(text: string, ports: readonly number[]): Map<string, SsFigures> {
  const groups = new Map<string, SsFigures>();
  const lines = text.split("\n");
  for (const [i, line] of lines.entries()) {
    const match = /^ESTAB\s+\d+\s+\d+\s+(\S+):(\d+)\s+(\S+):(\d+)/.exec(line);
    if (match === null) continue;
    const [, , localPort, remote, remotePort] = match;
    const out = ports.includes(Number(remotePort));
    const address = remote.replaceAll(/[[\]]/g, "").replace("::ffff:", "");
    const key = out ? `${address} ${remotePort} out` : `${address} ${localPort} in`;
    const info = lines[i + 1];
    const value = (name: string) => Number(new RegExp(`\\b${name}:(\\d+)`).exec(info)?.[1] ?? 0);
    const retrans = Number(/\bretrans:\d+\/(\d+)/.exec(info)?.[1] ?? 0);
    const group = groups.get(key) ??
      { connections: 0, segs_out: 0, bytes_sent: 0, bytes_received: 0, retrans: 0 };
    group.connections++;
    group.segs_out += value("segs_out");
    group.bytes_sent += value("bytes_sent");
    group.bytes_received += value("bytes_received");
    group.retrans += retrans;
    groups.set(key, group);
  }
  return groups;
}

wan(
  "counts and counters are those of ss: IPv4, IPv6, mapped, both ends on one machine",
  async () => {
    await using network = await Network.create();
    const host = await network.host("alone");
    const other = await network.host("other");
    const link = await network.link(host, other, { delayUs: 500 });
    const PORTS = [2500, 2501];
    // Listening on `::`, so that IPv4 peers come as mapped addresses.
    await traffic(host, ["reply", PORTS[0], 1]);
    await traffic(other, ["reply", PORTS[1], 1]);
    const children = await Promise.all([
      traffic(
        host,
        ["ask", "127.0.0.1:2500", 3, 30],
        ["ask", "[::1]:2500", 4, 30],
        ["ask", `${link.b.v4}:2501`, 5, 30],
        ["ask", `[${link.b.v6}]:2501`, 6, 30],
      ),
      traffic(other, ["ask", `${link.a.v4}:2500`, 2, 30]),
    ]);
    const signal = (name: Deno.Signal) => children.forEach((child) => child.kill(name));
    const standStill = async () => {
      signal("SIGSTOP");
      await sleep(300);
      return figuresOfSs((await host.run("ss", ["-tinmH"])).stdout, PORTS);
    };
    const before = await standStill();
    const after = Promise.withResolvers<Map<string, SsFigures>>();
    // It stands still at the first report and at the second; in between it runs for a while.
    const run = await watch(host, ["-i", "3s", "-c", 2, "--top", 30], {}, async (reports) => {
      if (reports > 1) return;
      signal("SIGCONT");
      await sleep(800);
      after.resolve(await standStill());
    });
    signal("SIGCONT");
    assertEquals(run.code, 0, run.stderr);
    const now = await after.promise;
    assertEquals(now.size, 7);
    for (const [key, figures] of now) {
      const [address, port, direction] = key.split(" ");
      const group = run.reports[1].find((group) =>
        group.peer === address && group.direction === direction &&
        (group.peer_port ?? group.local_port) === Number(port)
      );
      const was = before.get(key);
      assertEquals({
        connections: group?.connections,
        segs_out: group?.segments_out,
        bytes_sent: group?.bytes_out,
        bytes_received: group?.bytes_in,
        retrans: group?.segments_retransmitted,
      }, {
        connections: figures.connections,
        segs_out: figures.segs_out - (was?.segs_out ?? 0),
        bytes_sent: figures.bytes_sent - (was?.bytes_sent ?? 0),
        bytes_received: figures.bytes_received - (was?.bytes_received ?? 0),
        retrans: figures.retrans - (was?.retrans ?? 0),
      }, key);
      assertGreater(group?.segments_out ?? 0, 0);
    }
  },
);
