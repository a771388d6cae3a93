import { assertEquals } from "@std/assert";
import { namedApart, receiverText } from "../../../src/domain/receiver.ts";

const WELL = { where: "influx-http://db:8086", delivering: true, waiting: 1, drops: [] };

Deno.test("a status says whether a receiver takes lines, how many wait and what was dropped why", () => {
  assertEquals(receiverText(WELL), "influx-http://db:8086: delivers, 1 line waits, none dropped");
  const bad = { ...WELL, delivering: false, waiting: 40 };
  assertEquals(
    receiverText({ ...bad, drops: [["full", 7], ["refused", 5]] }),
    "influx-http://db:8086: does not deliver, 40 lines wait, dropped 12 (7 no room, 5 refused)",
  );
});

Deno.test("receivers of one name have names of their own", () => {
  const names = namedApart([WELL, { ...WELL, where: "other" }, WELL, WELL]);
  assertEquals(names.map(({ where }) => where), [
    "influx-http://db:8086",
    "other",
    "influx-http://db:8086#2",
    "influx-http://db:8086#3",
  ]);
});
