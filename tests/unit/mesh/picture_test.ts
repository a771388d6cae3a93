import { assertEquals } from "@std/assert";
import { parseNodes } from "../../../src/input/nodes_file.ts";
import { MeshPicture } from "../../../src/mesh/picture.ts";
import { FakeClock, settle } from "../fake_clock.ts";
import { peer, row } from "./meshes.ts";

interface Gatherings {
  readonly clock: FakeClock;
  readonly picture: MeshPicture;
  /** Rows asked of the other node. */
  asked: number;
  cpuMs: number;
}

/** `tidyCpuMs` is taken once by a gathering and once by each document. */
function pictures(gatheringCpuMs: number, tidyCpuMs = 0): Gatherings {
  const clock = new FakeClock();
  const entries = parseNodes("a=10.0.0.1 az=x\nb=10.0.0.2 az=y\n", "mesh");
  const of = (node: string, other: string) => row(node, { peers: [peer(other)] });
  const state: Gatherings = {
    clock,
    asked: 0,
    cpuMs: 0,
    picture: new MeshPicture({
      clock,
      told: null,
      nodes: () => ({ entries, own: "a" }),
      ownRow: () => Promise.resolve(of("a", "b")),
      ownHistory: () => ({ startWallMs: 0, windows: [] }),
      fetchRow: () => {
        state.asked++;
        state.cpuMs += gatheringCpuMs;
        return Promise.resolve({ row: of("b", "a"), reason: null });
      },
      cpuMs: () => state.cpuMs,
      tidy: () => {
        state.cpuMs += tidyCpuMs;
      },
    }),
  };
  return state;
}

/** Looks, while the clock lets the turns of the event loop pass. */
async function look({ picture, clock }: Gatherings): Promise<string> {
  const looked = picture.gathered().then((gathered) => gathered.document("matrix", false));
  for (let turn = 0; turn < 4; turn++) {
    await settle();
    await clock.advance(1);
  }
  return new TextDecoder().decode(await looked);
}

/** How often rows have been asked for when somebody looks after a while. */
async function askedAfter(all: Gatherings, ms: number): Promise<number> {
  await all.clock.advance(ms);
  await look(all);
  return all.asked;
}

Deno.test("however many look, rows are gathered once in ten seconds", async () => {
  const all = pictures(1);
  const [first, second] = await Promise.all([look(all), look(all)]);
  assertEquals([first, all.asked], [second, 1]);
  assertEquals(JSON.parse(first).coverage.pairs, 2);
  assertEquals(await askedAfter(all, 9000), 1);
  assertEquals(await askedAfter(all, 1000), 2);
});

Deno.test("where gathering takes much CPU it is done less often, but for the first one, which compiles", async () => {
  // 17.5 s: in whole rounds of ten seconds.
  const all = pictures(700);
  await look(all);
  assertEquals(await askedAfter(all, 10_000), 2);
  assertEquals(await askedAfter(all, 19_900), 2);
  assertEquals(await askedAfter(all, 200), 3);
  const dear = pictures(60_000);
  for (const _ of [1, 2, 3]) {
    await look(dear);
    await dear.clock.advance(30_100);
  }
  assertEquals(dear.asked, 3);
});

Deno.test("what its documents take counts too, and whoever asks can know how long there is nothing newer", async () => {
  const all = pictures(0, 300);
  assertEquals(all.picture.freshMs, 0);
  await look(all);
  await all.clock.advance(10_000);
  await look(all);
  // The gathering's 300 ms and the document's are 4 % of 15 s, in whole rounds 20 s.
  assertEquals([all.asked, Math.ceil(all.picture.freshMs / 1000)], [2, 20]);
  await all.clock.advance(19_500);
  await look(all);
  assertEquals([all.asked, Math.ceil(all.picture.freshMs / 1000)], [2, 1]);
  assertEquals(await askedAfter(all, 1000), 3);
});
