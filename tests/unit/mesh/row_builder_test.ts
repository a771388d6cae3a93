import { assert, assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import { RowBuilder } from "../../../src/mesh/row_builder.ts";
import { NONE } from "../../../src/domain/probe_record.ts";
import type { PeerFigures } from "../../../src/domain/mesh_row.ts";
import { decodeRow, encodeRow } from "../../../src/mesh/row_json.ts";
import { FakeClock } from "../fake_clock.ts";
import { established, record, target } from "../fixtures.ts";

const WINDOW_MS = 300_000;
const ME = target("me", { az: "a", labels: [["rack", "r1"]] });
const [B, C] = ["b", "c"].map((name, i) => target(name, { host: `192.0.2.${i + 2}` }));

function built(burst = 5): { clock: FakeClock; builder: RowBuilder } {
  const clock = new FakeClock();
  const options = { windowMs: WINDOW_MS, burst };
  const builder = new RowBuilder(ME, options, { clock, pause: () => Promise.resolve() });
  builder.watch(ME, [B, C]);
  return { clock, builder };
}

async function figures(builder: RowBuilder, name: string): Promise<PeerFigures | undefined> {
  return (await builder.row()).peers.find(({ peer }) => peer === name);
}

Deno.test("a row names the node and all its peers, also before any probe", async () => {
  const { builder } = built();
  const row = await builder.row();
  assertEquals([row.node, row.az, row.labels], ["me", "a", [["rack", "r1"]]]);
  assertEquals([row.lagP99Us, row.connectExcess, row.windowMs, row.ageMs], [null, null, 0, 0]);
  assertEquals(row.peers.map(({ peer, sent, rtt }) => [peer, sent, rtt]), [["b", 0, null], [
    "c",
    0,
    null,
  ]]);
});

Deno.test("outcomes, times and retransmits are counted where they belong", async () => {
  const { builder } = built();
  builder.record(established(1, 900, { target: B, cold: true, connectUs: 1500, lagUs: 70 }));
  for (const us of [400, 410, 420]) builder.record(established(2, us, { target: B, lagUs: 0 }));
  const again = { target: B, rttSource: "clock", synRetransmits: 1, connectUs: 1_000_400 } as const;
  builder.record(established(5, 1_000_400, again));
  builder.record(record({ target: B, outcome: "refused", connectUs: 300, rttUs: 300 }));
  builder.record(record({ target: B, outcome: "timeout" }));
  builder.record(record({ target: B, outcome: "unreachable" }));
  for (const outcome of ["unresolved", "error"] as const) {
    builder.record(record({ target: B, outcome }));
  }
  const { rtt, cold, connect, ...counts } = await figures(builder, "b") ?? {};
  assertEquals(counts, {
    peer: "b",
    sent: 8,
    answered: 6,
    lost: 2,
    refused: 1,
    synRetransmits: 1,
    repeated: 1,
    bursts: 1,
    burstsWithDrops: 1,
    // All of one slot.
    recent: { bursts: 1, sent: 8, answered: 6, refused: 1, p50Us: 410 },
    answeredAgeMs: 0,
    establishedAgeMs: 0,
    usualUs: null,
    left: false,
    day: { windows: 1, met: null, sent: 8, established: 5 },
    icmp: null,
  });
  // What is above 256 µs is kept to 0.4 %.
  assertEquals([rtt?.count, cold?.count, connect?.count], [3, 1, 6]);
  assertAlmostEquals(rtt?.p50Us ?? 0, 410, 2);
  assertAlmostEquals(rtt?.p99Us ?? 0, 420, 2);
  assertAlmostEquals(cold?.p50Us ?? 0, 900, 4);
  assertAlmostEquals(connect?.p99Us ?? 0, 1_000_400, 4000);
});

Deno.test("the prober's own share is of handshakes that the kernel timed, and only of those", async () => {
  const { builder } = built();
  builder.record(established(1, 400, { target: B, connectUs: 600 }));
  builder.record(established(2, 9000, { target: B, connectUs: 9000, rttSource: "clock" }));
  builder.record(record({ target: C, outcome: "refused", connectUs: 700, rttSource: "clock" }));
  const { connectExcess } = await builder.row();
  assertEquals(connectExcess, { count: 1, p50Us: 200, p99Us: 200 });
});

Deno.test("in bursts only the first probe tells how late the node is", async () => {
  const { builder } = built();
  builder.record(established(1, 400, { target: B, cold: true, lagUs: 250 }));
  for (let i = 0; i < 4; i++) builder.record(established(2, 400, { target: B, lagUs: 0 }));
  assertEquals((await builder.row()).lagP99Us, 250);
  const single = built(1).builder;
  for (const lagUs of [3, 3, 3]) single.record(established(1, 400, { target: B, lagUs }));
  assertEquals((await single.row()).lagP99Us, 3);
});

Deno.test("what is older than the window is forgotten, and the age grows meanwhile", async () => {
  const { clock, builder } = built();
  builder.record(established(1, 400, { target: B }));
  clock.stall(WINDOW_MS / 2);
  builder.record(established(2, 200, { target: B }));
  assertEquals((await figures(builder, "b"))?.sent, 2);
  clock.stall(WINDOW_MS / 2);
  const row = await builder.row();
  assertEquals([row.ageMs, row.peers[0].sent, row.peers[0].rtt?.p50Us], [WINDOW_MS / 2, 1, 200]);
  // A tenth of the window is the turn under way: the rest is whole ones.
  assert(row.windowMs >= 0.9 * WINDOW_MS && row.windowMs <= WINDOW_MS, String(row.windowMs));
  clock.stall(WINDOW_MS);
  assertEquals((await figures(builder, "b"))?.sent, 0);
});

Deno.test("a node that has nobody to probe is not behind with it", async () => {
  const { clock, builder } = built();
  clock.stall(2 * WINDOW_MS);
  assertEquals((await builder.row()).ageMs, 2 * WINDOW_MS);
  builder.watch(ME, []);
  assertEquals((await builder.row()).ageMs, 0);
});

Deno.test("a wall clock that is set changes nothing but the row's time", async () => {
  const { clock, builder } = built();
  builder.record(established(1, 400, { target: B }));
  clock.stall(1000);
  const before = await builder.row();
  clock.stepWall(-86_400_000);
  const after = await builder.row();
  assertEquals({ ...after, wallMs: 0 }, { ...before, wallMs: 0 });
  assertEquals(after.wallMs, before.wallMs - 86_400_000);
});

Deno.test("peers come and go; those that stay keep what was measured, those that move do not", async () => {
  const { builder } = built();
  builder.record(established(1, 400, { target: B }));
  builder.record(established(1, 400, { target: C }));
  const relabelled = { ...B, az: "z", labels: [["rack", "r9"]] as const };
  const moved = { ...C, host: "192.0.2.99" };
  const fresh = target("d", { host: "192.0.2.4" });
  builder.watch(ME, [relabelled, moved, fresh]);
  assertEquals((await builder.row()).peers.map(({ peer, sent }) => [peer, sent]), [
    ["b", 1],
    ["c", 0],
    ["d", 0],
  ]);
  // Answers from the old address count for no peer.
  builder.record(established(2, 400, { target: C }));
  builder.record(established(2, 400, { target: moved }));
  builder.watch(ME, [moved]);
  builder.record(established(3, 400, { target: B }));
  assertEquals((await builder.row()).peers.map(({ peer, sent }) => [peer, sent]), [["c", 1]]);
});

Deno.test("echoes are counted beside the handshakes", async () => {
  const { builder } = built();
  builder.recordIcmp(record({ target: B, outcome: "established", rttUs: 90, rttSource: "kernel" }));
  builder.recordIcmp(record({ target: B, outcome: "timeout" }));
  builder.recordIcmp(record({ target: C, outcome: "timeout" }));
  const [b, c] = [await figures(builder, "b"), await figures(builder, "c")];
  assertEquals(b?.icmp, { sent: 2, lost: 1, p50Us: 90 });
  assertEquals(c?.icmp, { sent: 1, lost: 1, p50Us: null });
  assertEquals([b?.sent, c?.sent], [0, 0]);
});

Deno.test("where the kernel counts no SYNs there is no count of them", async () => {
  const { builder } = built();
  builder.record(established(1, 400, { target: B, synRetransmits: NONE }));
  assertEquals((await figures(builder, "b"))?.synRetransmits, null);
});

Deno.test("every row is one that a heatmap reads", async () => {
  const { clock, builder } = built();
  for (let i = 1; i <= 500; i++) {
    clock.stall(700);
    const outcome = i % 9 === 0 ? "timeout" : "established";
    const more = { target: i % 2 === 0 ? B : C, outcome, cold: i % 5 === 0 } as const;
    builder.record(outcome === "timeout" ? record(more) : established(i, 100 + i * 37, more));
    if (i % 50 === 0) decodeRow(encodeRow(await builder.row()));
  }
});

Deno.test("memory of a peer stays bounded, however long it is probed", () => {
  const { clock, builder } = built();
  let most = 0;
  for (let i = 0; i < 200_000; i++) {
    clock.stall(20);
    builder.record(established(i, 1000 + (i * 7919) % 1000, { target: B }));
    most = Math.max(most, builder.bytes);
  }
  // Ten turns of some 130 + 130 buckets that those times fall into, in words of four bytes.
  assertLess(most, 40_000);
});
