/** A mesh's row as Prometheus's own tool reads it. */
import { assertEquals } from "@std/assert";
import { Pages } from "../../src/mesh/pages.ts";
import { FakeClock } from "../unit/fake_clock.ts";
import { LOST, peer, row } from "../unit/mesh/meshes.ts";
import { promtoolComplaints } from "./real/prometheus.ts";
import { realTest } from "./real/receiver.ts";

const ROW = row('a "node"', {
  peers: [peer("b"), peer("back\\slash"), peer("dead", LOST), peer("é")],
});

realTest("promtool has nothing against a row's metrics", ["promtool"], async () => {
  const pages = new Pages({
    clock: new FakeClock(),
    row: () => Promise.resolve(ROW),
    pause: () => Promise.resolve(),
    token: null,
  });
  const { body } = await pages.answer({
    method: "GET",
    path: "/metrics",
    query: new URLSearchParams(),
    host: null,
    headers: new Map(),
    chunks: true,
  });
  const page = await new Response(body as Uint8Array<ArrayBuffer>).text();
  assertEquals(page.split("\n").filter((line) => line.includes("loss_ratio{")).length, 4);
  assertEquals(await promtoolComplaints(page), "");
});
