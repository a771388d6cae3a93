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

function pictures(gatheringCpuMs: number): Gatherings {
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
      tidy: () => {},
    }),
  };
  return state;
}

/** Looks, while the clock lets the turns of the event loop pass. */
async function look({ picture, clock }: Gatherings): Promise<string> {
  const looked = picture.gathered().then((gathered) => gathered.matrix());
  for (let turn = 0; turn < 4; turn++) {
    await settle();
    await clock.advance(1);
  }
  return new TextDecoder().decode(await looked);
}

Deno.test("however many look, rows are gathered once in ten seconds", async () => {
  const all = pictures(1);
  const [first, second] = await Promise.all([look(all), look(all)]);
  assertEquals([first, all.asked], [second, 1]);
  assertEquals(JSON.parse(first).coverage.pairs, 2);
  await all.clock.advance(9000);
  await look(all);
  assertEquals(all.asked, 1);
  await all.clock.advance(1000);
  await look(all);
  assertEquals(all.asked, 2);
});

Deno.test("where gathering takes much CPU it is done less often, but for the first one, which compiles", async () => {
  const all = pictures(1000);
  await look(all);
  await all.clock.advance(10_000);
  await look(all);
  assertEquals(all.asked, 2);
  await all.clock.advance(19_900);
  await look(all);
  assertEquals(all.asked, 2);
  await all.clock.advance(200);
  await look(all);
  assertEquals(all.asked, 3);
  const dear = pictures(60_000);
  for (const _ of [1, 2, 3]) {
    await look(dear);
    await dear.clock.advance(30_100);
  }
  assertEquals(dear.asked, 3);
});
