/** Lines about receivers: while one is in trouble and once after, and never of a run that is well. */
import { assertEquals } from "@std/assert";
import type { ReceiverState } from "../../../src/domain/receiver.ts";
import { ByteWriter } from "../../../src/format/byte_writer.ts";
import { REPORT_EVERY_MS, reportReceivers } from "../../../src/run/receiver_reports.ts";
import { FakeClock } from "../fake_clock.ts";

const WELL: ReceiverState = {
  where: "influx-http://db:8086",
  delivering: true,
  waiting: 0,
  drops: [],
};

Deno.test("a receiver's trouble is told each ten seconds, and its end once", async () => {
  const clock = new FakeClock();
  const out = new ByteWriter(4096);
  let states = [WELL];
  const cancel = reportReceivers({
    clock,
    states: () => states,
    write: (steps) => {
      for (const step of steps) step(out);
    },
    host: "app1",
  });
  const told = async (...now: ReceiverState[]) => {
    states = now;
    out.length = 0;
    await clock.advance(REPORT_EVERY_MS);
    const lines = new TextDecoder().decode(out.bytes.subarray(0, out.length));
    return lines.split("\n").slice(0, -1).map((line) => line.replace(/ \d{19}$/, ""));
  };
  const head = "wire_probe_receiver,host=app1,receiver=influx-http://db:8086";
  assertEquals(await told(WELL), []);
  const down = { ...WELL, delivering: false, waiting: 40 };
  for (let i = 0; i < 2; i++) {
    assertEquals(await told(down), [`${head} up=0i,waiting=40i,dropped=0i`]);
  }
  assertEquals(await told(WELL), [`${head} up=1i,waiting=0i,dropped=0i`]);
  assertEquals(await told(WELL), []);
  const refuses: ReceiverState = { ...WELL, drops: [["refused", 2], ["full", 3]] };
  for (let i = 0; i < 2; i++) {
    assertEquals(await told(refuses), [`${head} up=1i,waiting=0i,dropped=5i`]);
  }
  assertEquals(await told(refuses), []);
  cancel();
});
