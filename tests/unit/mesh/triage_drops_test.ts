/** What triage makes of drops: which are an event, of whom, and how sure that is. */
import { assert, assertEquals } from "@std/assert";
import type { PeerFigures } from "../../../src/domain/mesh_row.ts";
import { upperTail } from "../../../src/stats/significance.ts";
import { Random } from "../random.ts";
import { type Change, mesh, nodes, quantiles, said } from "./meshes.ts";

Deno.test("one probe lost of thirty does not alarm, nor a few over a mesh", () => {
  const few = {
    sent: 30,
    answered: 29,
    lost: 1,
    cold: null,
    connect: null,
    rtt: quantiles(300, 400, 29),
  };
  const one: Change = (from, to) => from === "a1" && to === "a2" ? few : {};
  assertEquals(said(mesh(nodes(6), one)), []);
  const scattered: Change = (from, to) => from === "a1" || to === "a3" ? { synRetransmits: 1 } : {};
  assertEquals(said(mesh(nodes(6), scattered)), []);
});

Deno.test("no single row outweighs the others, whatever it claims to have sent", () => {
  const half: Partial<PeerFigures> = { answered: 150, lost: 150, rtt: quantiles(400, 800, 130) };
  const claim: Partial<PeerFigures> = { sent: 2_147_483_647, answered: 2_147_483_647 };
  const matrix = mesh(nodes(12), (from, to) => {
    if (from === "a1" && to === "a7") return claim;
    return to === "a7" ? half : {};
  });
  assertEquals(said(matrix), ["loss to a7"]);
});

Deno.test("two faults of a zone are two findings, not the zone's", () => {
  const half: Partial<PeerFigures> = { answered: 150, lost: 150, rtt: quantiles(400, 800, 130) };
  const claim = { sent: 2_147_483_647, answered: 147_483_647, lost: 2_000_000_000 };
  const of = (change: Change) => said(mesh(nodes(4, 4, 4), change)).sort();
  assertEquals(of((_, to) => to === "b1" || to === "b2" ? half : {}), ["loss to b1", "loss to b2"]);
  // A row that claims loss without bound, beside a node that loses indeed.
  assertEquals(
    of((from, to) => from === "a1" && to === "b3" ? claim : to === "b1" ? half : {}),
    ["loss from a1 b3", "loss to b1"],
  );
});

Deno.test("handshakes that repeat their SYN together give no alarm, in rows old or new", () => {
  const random = new Random(20_261_127);
  for (const rows of ["old", "new"] as const) {
    for (const share of [0.001, 0.003, 0.01]) {
      for (let window = 0; window < 60; window++) {
        const matrix = mesh(nodes(4, 4, 4), () => repeating(random, share, rows === "old"));
        assertEquals(said(matrix), [], `${rows} rows, ${share} repeated, window ${window}`);
      }
    }
  }
});

Deno.test("a node that loses a few in a hundred is named in rows of old nodes too, and one full accept queue is not", () => {
  const random = new Random(20_261_128);
  const dropping = (share: number): Partial<PeerFigures> => {
    let synRetransmits = 0;
    for (let i = 0; i < 300; i++) if (random.unit() < share) synRetransmits++;
    return { synRetransmits };
  };
  for (let window = 0; window < 20; window++) {
    const lossy = mesh(nodes(4, 4, 4), (_, to) => dropping(to === "b2" ? 0.02 : 0.0001));
    assertEquals(said(lossy), ["loss to b2"], `window ${window}`);
  }
  // One handshake of each pair to it, whose SYN was sent again three times.
  const once = mesh(nodes(4, 4, 4), (_, to) => to === "b2" ? { synRetransmits: 3 } : {});
  assertEquals(said(once), []);
  // The five handshakes of one burst, each SYN sent again three times.
  const full = mesh(
    nodes(4, 4, 4),
    (from, to) => from === "a1" && to === "b2" ? { synRetransmits: 15 } : {},
  );
  assertEquals(said(full), []);
});

/** Repeated handshakes in runs of one to five, each SYN sent again once to three times. */
function repeating(random: Random, share: number, old: boolean): Partial<PeerFigures> {
  let [repeated, synRetransmits, burstsWithDrops] = [0, 0, 0];
  for (let burst = 0; burst < 30; burst++) {
    // Three in a run, ten in a burst.
    if (random.unit() >= 10 * share / 3) continue;
    const run = random.int(1, 5);
    burstsWithDrops++;
    repeated += run;
    synRetransmits += run * random.int(1, 3);
  }
  return old ? { synRetransmits } : { synRetransmits, repeated, bursts: 30, burstsWithDrops };
}

Deno.test("the chance of so many losses or more is that of the binomial distribution", () => {
  const cases: readonly [k: number, n: number, p: number, tail: number][] = [
    [1, 30, 0.001, 1 - 0.999 ** 30],
    [30, 30, 0.5, 0.5 ** 30],
    [3, 10, 0.1, 0.0701908264],
    [31, 30, 0.5, 0],
    [0, 30, 0.5, 1],
  ];
  for (const [k, n, p, tail] of cases) {
    assert(Math.abs(upperTail(k, n, p) - tail) < 1e-9, `${k} of ${n} at ${p}`);
  }
  assert(upperTail(60, 3000, 0.002) < 1e-30);
});
