import { assert, assertEquals } from "@std/assert";
import {
  headEnd,
  type HttpRefusal,
  type HttpRequest,
  parseHead,
} from "../../../src/net/http_request.ts";
import { property, type Random } from "../random.ts";

function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (c) => c.charCodeAt(0) & 255);
}

function parsed(text: string): HttpRequest | HttpRefusal {
  return parseHead(bytes(text));
}

/** A request for a target, which must be accepted. */
function request(target: string, fields = ""): HttpRequest {
  const head = parsed(`GET ${target} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`);
  assert(!("status" in head), JSON.stringify(head));
  return head;
}

function status(text: string): number {
  const head = parsed(text);
  return "status" in head ? head.status : 200;
}

Deno.test("the head ends behind its first empty line, whichever line ends it uses", () => {
  const heads: readonly [string, number][] = [
    ["GET / HTTP/1.1\r\n\r\n", 18],
    ["GET / HTTP/1.1\n\n", 16],
    ["GET / HTTP/1.1\r\n\n", 17],
    ["GET / HTTP/1.1\n\r\n", 17],
    ["GET / HTTP/1.1\r\nA: b\r\n\r\nrest\r\n\r\n", 24],
    ["GET / HTTP/1.1\r\n\r", -1],
    ["GET / HTTP/1.1\r\nA: b\r\n", -1],
    ["", -1],
    ["\n", -1],
    ["\r\n", -1],
  ];
  for (const [text, end] of heads) {
    assertEquals(headEnd(bytes(text), 0, text.length), end, JSON.stringify(text));
  }
});

property("the head's end is the same wherever the bytes were cut", 100, (random) => {
  const text = Array.from({ length: random.int(0, 40) }, () => random.pick(["a", "\r", "\n"]));
  const all = bytes(text.join(""));
  let found = -1;
  for (let length = 0; length < all.length && found < 0;) {
    const next = Math.min(all.length, length + random.int(1, 5));
    found = headEnd(all, length, next);
    length = next;
  }
  const whole = headEnd(all, 0, all.length);
  assertEquals(found, whole);
});

Deno.test("a request has its method, path, query and fields", () => {
  const head = request("/probe?target=db%3A5432&timeout=2s", "X-A: 1\r\nx-a:  2 \r\nEmpty:\r\n");
  assertEquals([head.method, head.path, head.chunks], ["GET", "/probe", true]);
  assertEquals(head.query.get("target"), "db:5432");
  assertEquals(head.query.get("timeout"), "2s");
  assertEquals([...head.headers], [["host", "a"], ["x-a", "1, 2"], ["empty", ""]]);
});

Deno.test("whom a request is for is its Host, or what an absolute target names", () => {
  const cases: readonly [target: string, host: string, wanted: string][] = [
    ["/", "DB1.Example:9998", "db1.example"],
    ["/", "10.0.0.1", "10.0.0.1"],
    ["/", "[2001:DB8::1]:9998", "2001:db8::1"],
    ["http://other:80/", "db1", "other"],
    ["http://[::1]/", "db1", "::1"],
  ];
  for (const [target, host, wanted] of cases) {
    const head = parsed(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    assert(!("status" in head), JSON.stringify(head));
    assertEquals(head.host, wanted);
  }
});

Deno.test("HEAD and HTTP/1.0 without a host are taken", () => {
  const head = parsed("HEAD /metrics HTTP/1.0\r\n\r\n");
  assert(!("status" in head));
  assertEquals([head.method, head.path, head.chunks], ["HEAD", "/metrics", false]);
});

Deno.test("targets in absolute form lose their authority, paths are decoded", () => {
  const cases: readonly [string, string][] = [
    ["/", "/"],
    ["/a%20b", "/a b"],
    ["/%C3%A9", "/é"],
    ["http://host:9090/metrics?x=1", "/metrics"],
    ["HTTP://[::1]:1/a", "/a"],
    ["http://host", "/"],
    ["http://host?x=1", "/"],
    ["/../etc", "/../etc"],
    ["//a", "//a"],
  ];
  for (const [target, path] of cases) assertEquals(request(target).path, path, target);
});

Deno.test("what is no request is refused with the right status", () => {
  const cases: readonly [string, number][] = [
    ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", 200],
    ["GET / HTTP/1.7\r\nHost: a\r\n\r\n", 200],
    ["GET / HTTP/1.1\r\n\r\n", 400],
    ["\r\n\r\n", 400],
    ["\n\n", 400],
    ["GET\r\n\r\n", 400],
    ["GET /\r\n\r\n", 400],
    ["GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["GET / HTTP/1.1 x\r\nHost: a\r\n\r\n", 400],
    ["GET metrics HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["GET /%ff HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["GET /é HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["G\x01T / HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nHost: a\r\nno field\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400],
    ["GET / HTTP/11\r\nHost: a\r\n\r\n", 400],
    ["POST / HTTP/1.1\r\nHost: a\r\n\r\n", 405],
    ["get / HTTP/1.1\r\nHost: a\r\n\r\n", 405],
    ["CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 405],
    ["PRI * HTTP/2.0\r\n\r\n", 505],
    // RFC 9112, 3.2: exactly one Host, and a good one.
    ["GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", 400],
    ["GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nHost:\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nHost: a:65535\r\n\r\n", 200],
    ["GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", 400],
    ["GET http://a:99999/ HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nHost: user@a\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nHost: a:123456\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nHost: ::1\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400],
    ["GET http://user@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nHost: a.example:80\r\n\r\n", 200],
    ["GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 200],
    ["GET / HTTP/3.0\r\n\r\n", 505],
  ];
  for (const [text, wanted] of cases) assertEquals(status(text), wanted, JSON.stringify(text));
});

/** Mostly plausible requests, with some bytes changed. */
function nearRequest(random: Random): Uint8Array {
  const all = bytes(
    `${random.pick(["GET", "HEAD", "POST", "G T"])} ${random.pick(["/", "/a?b=%", "*", "x"])} ` +
      `HTTP/${random.pick(["1.1", "1.0", "2.0", "1"])}\r\nHost: a\r\nX-Y: z\r\n\r\n`,
  );
  for (let i = random.int(0, 3); i > 0; i--) {
    all[random.int(0, all.length - 1)] = random.int(0, 255);
  }
  return all;
}

property("no bytes make the parser throw, and what it takes is whole", 500, (random) => {
  const noise = () => Uint8Array.from({ length: random.int(0, 200) }, () => random.int(0, 255));
  const head = parseHead(random.int(0, 1) === 0 ? noise() : nearRequest(random));
  if ("status" in head) assert([400, 405, 505].includes(head.status));
  else assert(head.path.startsWith("/") && (head.method === "GET" || head.method === "HEAD"));
});
