import { assertEquals } from "@std/assert";
import { MAX_PEERS_SHOWN, meshTable } from "../../../src/format/mesh_table.ts";
import { LOST, peer, quantiles, row } from "../mesh/meshes.ts";

Deno.test("the table shows the worst peers first, and what was not measured as such", () => {
  const slow = peer("slow", { rtt: quantiles(5000, 9000) });
  const idle = peer("idle", { sent: 0, answered: 0, rtt: null, cold: null, connect: null });
  const peers = [peer("fine"), idle, slow, peer("dead", LOST)];
  assertEquals(
    meshTable(row("me", { peers, ageMs: 40, windowMs: 299_600 })),
    `me: 4 peers over the last 5m, newest probe 40ms ago
peer  sent  lost  refused  SYN again  p50 ms  p99 ms  cold ms  connect ms
dead   300   300        0          0       -       -        -           -
slow   300     0        0          0   5.000   9.000    5.200       5.300
fine   300     0        0          0   0.400   0.800    0.600       0.700
idle     0     0        0          0       -       -        -           -
`,
  );
});

Deno.test("a node alone has no table, and a large mesh a short one", () => {
  assertEquals(meshTable(row("me")), "me: 0 peers over the last 5m, newest probe 0ms ago\n");
  const many = Array.from({ length: 30 }, (_, i) => peer(`n${i}`));
  const lines = meshTable(row("me", { peers: many })).trimEnd().split("\n");
  assertEquals(lines.length, 1 + 1 + MAX_PEERS_SHOWN + 1);
  assertEquals(lines[lines.length - 1], "and 10 more that lost no more and were no slower");
});
