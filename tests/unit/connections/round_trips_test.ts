/** Which readings of a socket are samples of the network, which of a reply, and when there is a queue. */
import { assertEquals } from "@std/assert";
import type { ConnectionReport } from "../../../src/domain/connection.ts";
import { TCP_INFO_AT as AT } from "../../../src/kernel/tcp_info_layout.ts";
import { Bench, out, segments } from "./bench.ts";
import type { SocketFields } from "./sockets.ts";

Deno.test("a round trip counts once something was delivered, as the network's or as a reply's", async () => {
  const bench = new Bench();
  const still = segments(5, 3, 0, 99_000);
  const before = [1, 2, 3].map((cookie) => out(cookie, segments(0, 0, 0, 10_000)));
  await bench.report([...before, out(4, still)]);
  const report = await bench.report([
    out(1, segments(100, 50, 0, 20_000)),
    out(2, segments(100, 50, 1, 22_000)),
    // One acknowledgement and one reply a request: what a server does that thinks for 100 ms.
    out(3, segments(10, 10, 10, 60_000)),
    out(4, still),
  ]);
  const group = report.groups[0];
  assertEquals(group.rtt, {
    count: 2,
    minUs: 20_000,
    p50Us: 20_000,
    p99Us: 22_000,
    maxUs: 22_000,
    sumUs: 42_000,
  });
  assertEquals([group.replyRtt?.count, group.replyRtt?.p50Us], [1, 60_000]);
  assertEquals(group.minRttUs, 10_000);
  assertEquals(group.verdicts.map(({ verdict }) => verdict), ["queueing"]);
});

Deno.test("a connection that waits for its reply when it is read is still no sample of the network", async () => {
  const bench = new Bench();
  await bench.report([out(1, segments(50, 50, 50, 60_000))]);
  // In this interval a request and its delayed acknowledgement, but not yet the reply.
  const report = await bench.report([out(1, segments(51, 51, 50, 60_000))]);
  assertEquals(report.groups[0].rtt, null);
  assertEquals(report.groups[0].replyRtt?.count, 1);
});

Deno.test("a message now and then, each acknowledged by itself, is no sample of the network", async () => {
  const bench = new Bench();
  await bench.report([out(1, segments(100, 100, 0, 55_000))]);
  // The peer delays each acknowledgement in the hope of something to send.
  const report = await bench.report([out(1, segments(110, 110, 0, 60_000))]);
  assertEquals([report.groups[0].rtt, report.groups[0].replyRtt?.p50Us], [null, 60_000]);
  assertEquals(report.groups[0].verdicts, []);
});

Deno.test("a kernel that counts no data segments gives no network's round trip", async () => {
  const bench = new Bench();
  const old = (acked: bigint) =>
    out(1, { [AT.rtt]: 9000, [AT.bytesAcked]: acked }, { infoBytes: 144 });
  await bench.report([old(0n)]);
  const report = await bench.report([old(10n)]);
  assertEquals([report.groups[0].rtt, report.groups[0].replyRtt?.p50Us], [null, 9000]);
});

/** A bulk sender's round trip of 60 ms over a minimum of 10, in an interval of a second. */
async function bulk(more: NonNullable<SocketFields["info"]>): Promise<ConnectionReport> {
  const bench = new Bench();
  await bench.report([out(1, segments(100, 50, 0, 60_000))]);
  return await bench.report([out(1, { ...segments(300, 150, 0, 60_000), ...more })]);
}

Deno.test("a queue is a round trip far above its minimum, also where it is short of its deviation", async () => {
  const verdicts = ({ groups }: ConnectionReport) => groups[0].verdicts.map((of) => of.verdict);
  assertEquals(verdicts(await bulk({ [AT.rttVariance]: 20_000 })), ["queueing"]);
  // Some acknowledgements were delayed, others came at once: after losses, few segments are under way.
  const varied = await bulk({ [AT.rttVariance]: 50_000 });
  assertEquals([verdicts(varied), varied.groups[0].rtt?.p50Us], [[], 60_000]);
});

Deno.test("a peer that reads too slowly is no queue: its acknowledgements wait until it reads", async () => {
  const [group] = (await bulk({ [AT.receiverLimited]: 600_000n })).groups;
  assertEquals(group.verdicts.map(({ verdict }) => verdict), ["receiver"]);
  assertEquals([group.rtt, group.replyRtt?.p50Us], [null, 60_000]);
  // Over a link of 6 ms the window is full for a third of the time only: too little for a verdict.
  const busy = { [AT.busyTime]: 900_000n };
  const [short] = (await bulk({ ...busy, [AT.receiverLimited]: 300_000n })).groups;
  assertEquals([short.verdicts, short.rtt, short.replyRtt?.p50Us], [[], null, 60_000]);
  const [queue] = (await bulk({ ...busy, [AT.receiverLimited]: 50_000n })).groups;
  assertEquals(queue.verdicts.map(({ verdict }) => verdict), ["queueing"]);
});

Deno.test("a round trip of acknowledgements that come once or twice in it is their delay, not a queue", async () => {
  const busy = { [AT.busyTime]: 1_000_000n };
  const of = async (pure: number, rttUs: number) => {
    const bench = new Bench();
    await bench.report([out(1, segments(1000, 500, 0, rttUs))]);
    const fields = { ...segments(1700, 500 + pure, 0, rttUs), ...busy };
    const [group] = (await bench.report([out(1, fields)])).groups;
    return [group.rtt?.p50Us, group.verdicts.map(({ verdict }) => verdict)];
  };
  // 700 segments a second to a peer that reads 64 KiB every 60 ms: seen over a link of 6 ms.
  assertEquals(await of(33, 34_000), [undefined, []]);
  // As many segments through a queue, two of them acknowledged at a time.
  assertEquals(await of(350, 34_000), [34_000, ["queueing"]]);
  // No acknowledgement is delayed by so much.
  assertEquals(await of(15, 118_000), [118_000, ["queueing"]]);
});
