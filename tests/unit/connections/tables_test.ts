/** The tables of sockets and groups against plain maps, over many random steps. */
import { assert, assertEquals } from "@std/assert";
import { GroupTable, KEY, SUM, SUMS } from "../../../src/connections/group_table.ts";
import { COLUMN, COLUMNS, SocketTable } from "../../../src/connections/socket_table.ts";
import { Random } from "../random.ts";

const SEED = 16;

Deno.test("the table of sockets holds what a map would hold, through growth and many sweeps", () => {
  const next = new Random(SEED);
  const table = new SocketTable();
  const rows = new Map<number, number>();
  let cookie = 0;
  for (let reading = 1; reading <= 40; reading++) {
    // Some are closed, more are opened.
    for (const known of [...rows.keys()]) if (next.unit() < 0.2) rows.delete(known);
    for (let i = 0; i < 200; i++) {
      cookie += 1 + next.int(0, 4);
      const row = table.add(cookie, cookie % 3);
      table.words[row * COLUMNS + COLUMN.segmentsOut] = cookie;
      rows.set(cookie, row);
    }
    for (const [known, row] of rows) {
      assertEquals(table.find(known, known % 3), row);
      assertEquals(table.words[row * COLUMNS + COLUMN.segmentsOut], known);
      table.words[row * COLUMNS + COLUMN.seen] = reading;
    }
    table.sweep(reading, (row) => {
      const gone = table.words[row * COLUMNS];
      assert(!rows.has(gone), `${gone} is there`);
    });
    assertEquals(table.size, rows.size);
  }
});

Deno.test("sockets beyond the bound find no row, and a freed row is used again", () => {
  const table = new SocketTable(2048);
  for (let cookie = 1; cookie <= 2048; cookie++) assert(table.add(cookie, 0) >= 0);
  assertEquals(table.add(5000, 0), -1);
  const row = table.find(7, 0);
  for (let cookie = 1; cookie <= 2048; cookie++) {
    if (cookie !== 7) table.words[table.find(cookie, 0) * COLUMNS + COLUMN.seen] = 1;
  }
  table.sweep(1, () => {});
  assertEquals(table.find(7, 0), -1);
  assertEquals(table.add(5000, 0), row);
});

Deno.test("groups are found by their keys, released, and bounded", () => {
  const table = new GroupTable(1000);
  const place = (port: number) => {
    table.key.fill(0);
    table.key[KEY.peerPort] = port;
    return table.place();
  };
  const groups = Array.from({ length: 1000 }, (_, port) => place(port));
  assertEquals(new Set(groups).size, 1000);
  assert(groups.every((group) => group > 0));
  assertEquals(place(7), groups[7]);
  assertEquals(place(2000), 0);
  table.sums[groups[7] * SUMS + SUM.connections] = 5;
  table.release(groups[7]);
  assertEquals(place(2000), groups[7]);
  assertEquals(table.sums[groups[7] * SUMS + SUM.connections], 0);
  assertEquals(place(7), 0);
  assertEquals(place(8), groups[8]);
});

Deno.test("a group remembers a peer of each family", () => {
  const table = new GroupTable();
  table.key.fill(1);
  const group = table.place();
  assertEquals(table.peer(group, 0), null);
  const v4 = Uint8Array.of(10, 0, 0, 7);
  table.notePeer(group, 0, { bytes: v4, at: 0, v4: true, port: 5432 });
  assertEquals(table.peer(group, 0), { address: "10.0.0.7", family: 4, bytes: v4, port: 5432 });
  const v6 = Uint8Array.from([0x20, 1, 0xd, 0xb8, ...new Array(11).fill(0), 1]);
  table.notePeer(group, 1, { bytes: v6, at: 0, v4: false, port: 443 });
  assertEquals(table.peer(group, 1)?.address, "2001:db8::1");
  table.clear();
  assertEquals([table.peer(group, 0), table.peer(group, 1)], [null, null]);
});
