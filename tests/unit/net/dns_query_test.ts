import { assertEquals } from "@std/assert";
import {
  decodeStatus,
  encodeQuery,
  hostsName,
  type NameStatus,
  parseResolvConf,
} from "../../../src/net/dns_query.ts";
import { property } from "../random.ts";

Deno.test("resolv.conf gives at most three servers, and the first domain of the last search list", () => {
  const text = "# made by hand\nsearch a.example b.example\nnameserver 192.0.2.1\n" +
    " nameserver\tfe80::1%eth0\nnameserver 192.0.2.3\nnameserver 192.0.2.4\ndomain c.example\n" +
    "options timeout:1\nnameserver\n";
  assertEquals(parseResolvConf(text), {
    servers: ["192.0.2.1", "fe80::1%eth0", "192.0.2.3"],
    search: "c.example",
  });
  assertEquals(parseResolvConf(""), { servers: ["127.0.0.1"], search: null });
});

Deno.test("the hosts file has a name where a line's names hold it", () => {
  const text = "127.0.0.1 localhost\n192.0.2.1\tdb.example DB # old\n#192.0.2.2 gone\n";
  const found = ["db", "DB.EXAMPLE", "localhost", "gone", "old", "192.0.2.1"]
    .map((name) => hostsName(text, name));
  assertEquals(found, [true, true, true, false, false, false]);
});

Deno.test("a query is the bytes of RFC 1035", () => {
  const query = encodeQuery(0x1234, "a.bc.", 28);
  assertEquals(
    [...query ?? []],
    [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 97, 2, 98, 99, 0, 0, 28, 0, 1],
  );
  for (const bad of ["", "a..b", "x".repeat(64), Array(130).fill("a").join(".")]) {
    assertEquals(encodeQuery(1, bad, 1), null, bad);
  }
});

/** An answer to a query, with this code and so many records. */
function answerTo(query: Uint8Array, code: number, records: number): Uint8Array {
  const answer = new Uint8Array(query.length + 16);
  answer.set(query);
  answer[2] = 0x81;
  answer[3] = 0x80 | code;
  answer[7] = records;
  return answer;
}

Deno.test("an answer's code and count say what becomes of a name", () => {
  const query = encodeQuery(7, "db.example", 1) ?? new Uint8Array();
  const cases: readonly [number, number, NameStatus][] = [
    [0, 1, "exists"],
    [0, 0, "no address"],
    [2, 0, "server failure"],
    [3, 0, "no such name"],
    [5, 0, "server failure"],
  ];
  for (const [code, records, status] of cases) {
    assertEquals(decodeStatus(answerTo(query, code, records), query), status);
  }
  const shouted = answerTo(query, 3, 0);
  shouted[13] = "D".charCodeAt(0);
  assertEquals(decodeStatus(shouted, query), "no such name");
});

property("what is no answer to the query says nothing", 300, (random) => {
  const query = encodeQuery(random.int(0, 65535), "db.example", 1) ?? new Uint8Array();
  const answer = answerTo(query, 3, 0);
  const at = random.int(0, query.length - 1);
  // The counts and the code may be anything.
  if (at >= 2 && at < 12) return;
  answer[at] ^= random.pick([1, 2, 4, 8, 16, 64, 128]);
  assertEquals(decodeStatus(answer, query), null);
  assertEquals(decodeStatus(answer.subarray(0, random.int(0, query.length - 1)), query), null);
});
