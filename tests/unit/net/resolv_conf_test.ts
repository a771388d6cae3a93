import { assertEquals } from "@std/assert";
import { hostsNames, namesToAsk, parseResolvConf } from "../../../src/net/resolv_conf.ts";

Deno.test("resolv.conf gives at most three servers, and the last search list", () => {
  const text = "# made by hand\nsearch a.example b.example\nnameserver 192.0.2.1\n" +
    " nameserver\tfe80::1%eth0\nnameserver 192.0.2.3\nnameserver 192.0.2.4\ndomain c.example\n" +
    "options timeout:1\nnameserver\n";
  assertEquals(parseResolvConf(text), {
    servers: ["192.0.2.1", "fe80::1%eth0", "192.0.2.3"],
    search: ["c.example"],
    dots: 1,
  });
  assertEquals(parseResolvConf(""), { servers: ["127.0.0.1"], search: [], dots: 1 });
});

Deno.test("the hosts file has the names of its lines, not addresses or comments", () => {
  const text = "127.0.0.1 localhost\n192.0.2.1\tdb.example DB # old\n#192.0.2.2 gone\n";
  assertEquals([...hostsNames(text)], ["localhost", "db.example", "db"]);
});

Deno.test("a name is completed by the search list as resolv.conf(5) says", () => {
  const conf = parseResolvConf("search a.example .b.example\noptions timeout:1 ndots:2\n");
  assertEquals(namesToAsk("db", conf), ["db.a.example", "db.b.example", "db"]);
  assertEquals(namesToAsk("db.x", conf), ["db.x.a.example", "db.x.b.example", "db.x"]);
  assertEquals(namesToAsk("db.x.y", conf), ["db.x.y", "db.x.y.a.example", "db.x.y.b.example"]);
  assertEquals(namesToAsk("db.", conf), ["db."]);
  assertEquals(namesToAsk("db.x", { ...conf, dots: 1, search: [] }), ["db.x"]);
  const many = Array.from({ length: 9 }, (_, i) => `d${i}.example`).join(" ");
  assertEquals(namesToAsk("db", parseResolvConf(`search ${many}`)).length, 7);
  assertEquals(parseResolvConf("options ndots:99\noptions rotate").dots, 15);
});
