/** The library's reports of connections, from this machine's kernel. */
import { assert, assertEquals } from "@std/assert";
import { connections } from "../../src/mod.ts";

const ignore = Deno.build.os !== "linux";

Deno.test({
  name: "each report tells what connections did since the one before, until all are there",
  ignore,
  fn: async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    using client = await Deno.connect({ hostname: "127.0.0.1", port });
    using server = await listener.accept();
    const groups = [];
    for await (const report of connections({ port, intervalMs: 100, count: 3 })) {
      groups.push(report.groups.find(({ direction }) => direction === "out"));
      if (groups.length === 1) {
        await client.write(new Uint8Array(1000));
        await server.read(new Uint8Array(1000));
      }
    }
    assertEquals(groups.map((group) => group?.connections), [1, 1, 1]);
    assertEquals(groups.reduce((sum, group) => sum + (group?.bytesOut ?? 0), 0), 1000);
  },
});

Deno.test({
  name: "an abort ends the reports without an error, also one that came before",
  ignore,
  fn: async () => {
    const abort = new AbortController();
    let reports = 0;
    for await (const _ of connections({ intervalMs: 100, signal: abort.signal })) {
      if (++reports === 2) abort.abort();
    }
    assertEquals(reports, 2);
    for await (const _ of connections({ signal: abort.signal })) assert(false, "a report");
  },
});

Deno.test({
  name: "who breaks off leaves nothing behind",
  ignore,
  fn: async () => {
    for await (const report of connections({ intervalMs: 100 })) {
      assert(report.intervalMs >= 100);
      break;
    }
  },
});
