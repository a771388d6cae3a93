import { assertEquals } from "@std/assert";
import { answered, mostTelling, type NameStatus, reasonText } from "../../../src/net/dns_query.ts";
import { decodeStatus, encodeQuery } from "../../../src/packet/dns.ts";
import { property } from "../random.ts";

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
  const answer = new Uint8Array(query.length + 16 * records);
  answer.set(query);
  for (let i = 0; i < records; i++) {
    // The name is a pointer to the question's; then type, class, time to live and four bytes of data.
    const question = query.subarray(query.length - 4);
    answer.set([0xc0, 12, ...question, 0, 0, 0, 5, 0, 4, 192, 0, 2, 1], query.length + 16 * i);
  }
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
    [4, 0, "server failure"],
    [5, 0, "refused"],
    [0, 3, "exists"],
  ];
  for (const [code, records, status] of cases) {
    assertEquals(decodeStatus(answerTo(query, code, records), query), status);
  }
  const shouted = answerTo(query, 3, 0);
  shouted[13] = "D".charCodeAt(0);
  assertEquals(decodeStatus(shouted, query), "no such name");
});

Deno.test("an alias alone is no address, and an answer that does not fit is not one without an address", () => {
  const query = encodeQuery(7, "db.example", 1) ?? new Uint8Array();
  const alias = answerTo(query, 0, 2);
  alias[query.length + 3] = 5;
  assertEquals(decodeStatus(alias, query), "exists");
  alias[query.length + 16 + 3] = 5;
  assertEquals(decodeStatus(alias, query), "no address");
  alias[2] |= 2;
  assertEquals(decodeStatus(alias, query), "truncated");
});

property("an answer's records may be anything", 300, (random) => {
  const query = encodeQuery(7, "db.example", 1) ?? new Uint8Array();
  const answer = answerTo(query, 0, 4);
  for (let i = query.length; i < answer.length; i++) answer[i] = random.int(0, 255);
  answer[7] = random.int(0, 255);
  const cut = answer.subarray(0, random.int(query.length, answer.length));
  const status = decodeStatus(cut, query);
  assertEquals(status === "exists" || status === "no address", true);
});

Deno.test("of several servers' answers the most telling one counts, and names who gave it", () => {
  const [one, other] = ["192.0.2.1", "192.0.2.2"];
  const told = (...statuses: (NameStatus | null)[]) => statuses.map((status) => [status]);
  const cases: readonly [NameStatus | null, NameStatus | null, NameStatus, readonly string[]][] = [
    ["refused", "exists", "exists", [other]],
    ["no such name", "server failure", "no such name", [one]],
    ["refused", null, "refused", [one]],
    ["server failure", "server failure", "server failure", [one, other]],
    [null, null, "silent", [one, other]],
  ];
  for (const [first, second, status, servers] of cases) {
    assertEquals(mostTelling([one, other], told(first, second)), { status, servers });
  }
});

Deno.test("of the names that a short one stands for, that counts which keeps its address away", () => {
  const of = (...statuses: (NameStatus | null)[]) => mostTelling(["192.0.2.1"], [statuses]).status;
  assertEquals(of("no such name", "exists"), "exists");
  assertEquals(of("no such name", "server failure", "no such name"), "server failure");
  assertEquals(of("no such name", null), "silent");
  assertEquals(of("no such name", "no address"), "no address");
  assertEquals(of("no such name", "no such name"), "no such name");
});

Deno.test("each reason has words of its own", () => {
  const statuses: readonly NameStatus[] = [
    "exists",
    "no such name",
    "no address",
    "server failure",
    "refused",
    "truncated",
    "silent",
    "no server",
  ];
  const texts = statuses.map((status) => reasonText({ status, servers: ["192.0.2.1"] }, 0));
  assertEquals(new Set(texts).size, statuses.length);
  const silent = statuses.filter((status) => !answered({ status, servers: [] }));
  assertEquals(silent, ["silent", "no server"]);
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
