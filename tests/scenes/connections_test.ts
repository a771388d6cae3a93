/** `connections` over links and with peers of known behaviour: the compiled binary, real sockets. */
import {
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertLessOrEqual,
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
import { haveBeenLate } from "../wan/harness/disturbance.ts";
import { type Link, Network } from "../wan/harness/network.ts";
import { stolenMs } from "../wan/harness/stalls.ts";
import { until } from "../wan/harness/wait.ts";
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

/** Segments sent again in the lives of the connections that `ss` shows. */
function resentOfSs(text: string): number {
  return [...text.matchAll(/\bretrans:\d+\/(\d+)/g)].reduce(
    (sum, [, count]) => sum + Number(count),
    0,
  );
}

/**
 * Verdicts that nothing is behind. Where this machine held the packets of these links, segments are sent again
 * and round trips grow.
 */
async function unfounded(
  verdicts: readonly string[],
  links: readonly Link[],
  stolenBeforeMs: number,
): Promise<readonly string[]> {
  const founded = await haveBeenLate(links, stolenBeforeMs) ? /^(loss|queueing) on / : /^$/;
  return verdicts.filter((verdict) => !founded.test(verdict));
}

wan(
  "bulk senders show the network, request and reply the peer's thinking, silence nothing",
  async () => {
    await using network = await Network.create();
    const stolenBefore = stolenMs();
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
      watch(near, ["-i", "3s", "-c", 2, "--top", 20], { user: "nobody" }, async (reports) => {
        if (reports > 1) return;
        await sleep(1200);
        senders.kill("SIGSTOP");
        stopped.resolve();
      }),
      watch(far, ["-i", "3s", "--top", 20]),
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
    assertClient(client.reports[1], ss.stdout);
    for (const report of server.reports) {
      for (const [port] of THINKERS) {
        const group = groupOf(report, port, "in");
        assertEquals([group.connections, group.peer], [10, link.a.v4]);
        assertEquals(group.rtt_ms, null);
        assertAlmostEquals(group.min_rtt_ms ?? NaN, ROUND_TRIP_MS, 1);
      }
      assertEquals(groupOf(report, SINK, "in").connections, CONNECTIONS);
    }
    const verdicts = verdictsIn([...client.reports, ...server.reports]);
    assertEquals(await unfounded(verdicts, [link], stolenBefore), []);
  },
);

function assertClient(report: readonly Group[], ss: string): void {
  const ofSs = roundTripsOfSs(ss);
  const bulk = groupOf(report, SINK);
  assertEquals(bulk.connections, CONNECTIONS);
  assertEquals(bulk.rtt_ms?.count, CONNECTIONS);
  assertEquals(bulk.reply_rtt_ms, null);
  // No shorter than the link; a busy machine makes it longer, for the kernel's own figures too.
  assertGreaterOrEqual(bulk.rtt_ms?.p50 ?? NaN, ROUND_TRIP_MS - 1);
  assertEquals(ofSs.length, CONNECTIONS);
  assertAlmostEquals(bulk.rtt_ms?.p50 ?? NaN, quantile(ofSs, 0.5), 0.5);
  assertAlmostEquals(bulk.min_rtt_ms ?? NaN, ROUND_TRIP_MS, 1);
  // None, but where a machine that stood still held the acknowledgements.
  assertLessOrEqual(bulk.segments_retransmitted, resentOfSs(ss));
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
    // All that is lost, and its repetition, lies between two reports, however late those begin.
    const run = await watch(near, ["-c", LOSS_SECONDS], {}, async (reports) => {
      if (reports === 1) {
        await link.capture(200_000);
        await link.set({ dropEvery: 50 }, "ab");
      } else if (reports === LOSS_SECONDS - 1) await link.set({ dropEvery: 0 }, "ab");
    });
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
    const stolenBefore = stolenMs();
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
    const isFull = async () => {
      const { stdout } = await far.run("ss", ["-Hltn", "sport", "=", `:${ASLEEP}`]);
      return stdout.startsWith("LISTEN") && Number(stdout.split(/\s+/)[1]) > BACKLOG;
    };
    await until("the accept queue is full", isFull);
    const syns = () => near.run("ss", ["-Htn", "state", "syn-sent", "dport", "=", `:${NOWHERE}`]);
    await until(
      "three connects are under way",
      async () => (await syns()).stdout.trim().split("\n").length === 3,
    );
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
    const ofSink = verdictsIn([[groupOf(last, SINK)]]);
    assertEquals(ofSink.filter((text) => text.startsWith("queueing")).length, 1);
    const others = ofSink.filter((text) => !text.startsWith("queueing"));
    assertEquals(await unfounded(others, [queue, plain, hole], stolenBefore), []);
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
  const stolenBefore = stolenMs();
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
    watch(near, [...args, ...exports], {}, async () => {
      const { stdout } = await near.run("curl", ["-s", "http://127.0.0.1:9273/metrics"]);
      // The last one with the path: past the last report there is none.
      if (stdout.includes("wire_probe_path_rounds_total")) page = stdout;
    }),
    // The trace begins with the only report, and is waited for.
    watch(near, ["-i", "3s", "--trace-above", 40]),
  ]);
  assertEquals([single.reports.length, single.others.length], [1, 1], single.stderr);
  assertEquals(single.others[0].address, slow.b.v4);
  assertEquals(run.code, 0, run.stderr);
  assertEquals(await unfounded(verdictsIn(run.reports), [quick, slow], stolenBefore), []);
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
