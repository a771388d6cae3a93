import { property } from "../random.ts";
import { quote } from "../../../src/text/quote.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../src/domain/exit.ts";
import { servicePort } from "../../../src/input/services.ts";
import {
  checkedName,
  NO_DEFAULTS,
  parseLabel,
  parseTarget,
  parseTargetText,
  type TargetDefaults,
} from "../../../src/input/target_text.ts";

// Read once, by a library that stays open: before the tests, which look for what they leave open.
servicePort("ssh");

const LONG_NAME = "n".repeat(255);
const LONG_LABEL = "a".repeat(63);
const LONG_HOST = [LONG_LABEL, LONG_LABEL, LONG_LABEL, "b".repeat(61)].join(".");

const GOOD: readonly [text: string, name: string, host: string, port: number][] = [
  ["db:5432", "db:5432", "db", 5432],
  ["db.example.com:1", "db.example.com:1", "db.example.com", 1],
  ["db.example.com.:65535", "db.example.com.:65535", "db.example.com.", 65_535],
  ["my_db-1:5432", "my_db-1:5432", "my_db-1", 5432],
  ["1.2.3.4:5432", "1.2.3.4:5432", "1.2.3.4", 5432],
  ["[2001:db8::1]:5432", "[2001:db8::1]:5432", "2001:db8::1", 5432],
  ["[::]:80", "[::]:80", "::", 80],
  ["[::ffff:1.2.3.4]:80", "1.2.3.4:80", "1.2.3.4", 80],
  ["db:http", "db:80", "db", 80],
  ["db:PostgreSQL", "db:5432", "db", 5432],
  ["https://shop.example/x", "shop.example:443", "shop.example", 443],
  ["p=postgres://u:p@s/w:x@db:5433/app?a=b", "p", "db", 5433],
  ["redis://:pw@r", "r:6379", "r", 6379],
  ["host=db user=x password=y", "db:5432", "db", 5432],
  ["jdbc:sqlserver://db;user=a;password=b", "db:1433", "db", 1433],
  ["[fe80::1%eth0]:22", "[fe80::1%eth0]:22", "fe80::1%eth0", 22],
  ["primary=db:5432", "primary", "db", 5432],
  ["the primary=[::1]:22", "the primary", "::1", 22],
  ['a,"b"=db:1', 'a,"b"', "db", 1],
  ["Größe→🚀=db:1", "Größe→🚀", "db", 1],
  [`${LONG_NAME}=db:1`, LONG_NAME, "db", 1],
  [`n=${LONG_HOST}:1`, "n", LONG_HOST, 1],
  ["3com:80", "3com:80", "3com", 80],
  ["__proto__=db:1", "__proto__", "db", 1],
];

const SHAPE = "wants host:port, 1.2.3.4:port, [v6]:port, a URL or name=host:port";
const NAME = "a name wants 1 to 255 characters, none of them control characters";

const BAD: readonly [text: string, message: string][] = [
  ["", `target "": ${SHAPE}`],
  ["db", 'target "db": wants a port too: db:PORT, or a service\'s name'],
  ["127.0.0.1", 'target "127.0.0.1": wants a port too: 127.0.0.1:PORT, or a service\'s name'],
  [":80", `target ":80": ${SHAPE}`],
  ["http://", 'target "http://": its URL names no host'],
  ["foo://db", `target "foo://db": wants a port too: db:PORT, or a service's name`],
  ["u:secret@h:x", `target "…@h:x": ${SHAPE}`],
  ["u:secret@h/x", `target "…@h/x": ${SHAPE}`],
  ["pg://u:secret@h:x/y", 'target "pg://…@h:x/y": wants host or host:port behind the @'],
  [
    "host=/run/pg user=x password=secret",
    "a libpq connection string wants host=NAME: a socket has no network",
  ],
  ["db:80:90", `target "db:80:90": ${SHAPE}`],
  ["[::1]", `target "[::1]": ${SHAPE}`],
  ["db:", 'target "db:": port "" is not from 1 to 65535'],
  ["db:0", 'target "db:0": port "0" is not from 1 to 65535'],
  ["db:65536", 'target "db:65536": port "65536" is not from 1 to 65535'],
  ["db:-1", 'target "db:-1": port "-1" is not from 1 to 65535'],
  ["db:1.5", 'target "db:1.5": port "1.5" is not from 1 to 65535'],
  ["db:nope", 'target "db:nope": port "nope" is no service of /etc/services, nor from 1 to 65535'],
  ["db: 80", 'target "db: 80": port " 80" is not from 1 to 65535'],
  ["[::1]:", 'target "[::1]:": port "" is not from 1 to 65535'],
  ["[::1]:x", 'target "[::1]:x": port "x" is no service of /etc/services, nor from 1 to 65535'],
  ["[db]:80", 'target "[db]:80": "db" is no IPv6 address'],
  ["[1.2.3.4]:80", 'target "[1.2.3.4]:80": "1.2.3.4" is no IPv6 address'],
  ["[]:80", 'target "[]:80": "" is no IPv6 address'],
  ["::1:80", 'target "::1:80": an IPv6 address goes in brackets: [::1]:80'],
  [
    "2001:db8::1:5432",
    'target "2001:db8::1:5432": an IPv6 address goes in brackets: [2001:db8::1]:5432',
  ],
  [
    "fe80::1%eth0:22",
    'target "fe80::1%eth0:22": an IPv6 address goes in brackets: [fe80::1%eth0]:22',
  ],
  ["::1", 'target "::1": an IPv6 address goes in brackets, with a port: [::1]:PORT'],
  [
    "1:2:3:4:5:6:7:8",
    'target "1:2:3:4:5:6:7:8": an IPv6 address goes in brackets, with a port: [1:2:3:4:5:6:7:8]:PORT',
  ],
  ["1.2.3:80", 'target "1.2.3:80": "1.2.3" is no host name or address'],
  ["1.2.3.256:80", 'target "1.2.3.256:80": "1.2.3.256" is no host name or address'],
  ["-db:80", 'target "-db:80": "-db" is no host name or address'],
  ["d b:80", 'target "d b:80": "d b" is no host name or address'],
  ["a..b:80", 'target "a..b:80": "a..b" is no host name or address'],
  ["dß:80", 'target "dß:80": "dß" is no host name or address'],
  ["n=a=db:80", 'target "a=db:80": "a=db" is no host name or address'],
  ["=db:80", `"=db:80": ${NAME}`],
  ["a\tb=db:80", `"a\\tb=db:80": ${NAME}`],
  ["a\u001b[2Jb=db:80", `"a\\u001b[2Jb=db:80": ${NAME}`],
  ["a\u0085b=db:80", `"a\\u0085b=db:80": ${NAME}`],
  [
    "\u001b]0;x\u0007:80",
    'target "\\u001b]0;x\\u0007:80": "\\u001b]0;x\\u0007" is no host name or address',
  ],
  [`${LONG_NAME}n=db:80`, `"${"n".repeat(77)}...": ${NAME}`],
];

Deno.test("targets are read with their name, host and port", () => {
  for (const [text, name, host, port] of GOOD) {
    const target = parseTarget(text, NO_DEFAULTS);
    assertEquals(target, { name, host, port, az: "default", labels: [] }, text);
  }
});

Deno.test("a bad target is refused with its text and what is accepted", () => {
  for (const [text, message] of BAD) {
    const error = assertThrows(() => parseTarget(text, NO_DEFAULTS), UsageError);
    assertEquals(error.message, message);
  }
});

Deno.test("host names longer than the DNS has are refused", () => {
  for (const host of [`${LONG_LABEL}a`, `${LONG_HOST}c`]) {
    const error = assertThrows(() => parseTarget(`${host}:1`, NO_DEFAULTS), UsageError);
    assertEquals(error.message.endsWith("is no host name or address"), true);
    assertEquals(error.message.includes("\n"), false);
  }
});

Deno.test("targets get the zone and labels they do not say themselves", () => {
  const defaults: TargetDefaults = { az: "eu-1a", labels: [["role", "db"]] };
  const { az, labels } = parseTarget("db:1", defaults);
  assertEquals([az, labels], ["eu-1a", [["role", "db"]]]);
});

Deno.test("labels are a key of word characters and a value that is not empty", () => {
  assertEquals(parseLabel("rack=r1"), ["rack", "r1"]);
  assertEquals(parseLabel('_k9=a=b, "c"'), ["_k9", 'a=b, "c"']);
  assertEquals(parseLabel("__proto__=x"), ["__proto__", "x"]);
  const wants = "wants key=value, the key of letters, digits and _, the value not empty";
  for (const text of ["", "rack", "=r1", "rack=", "9k=v", "a-b=v", "a b=v", "ä=v"]) {
    const error = assertThrows(() => parseLabel(text), UsageError);
    assertEquals(error.message, `label ${JSON.stringify(text)}: ${wants}`);
  }
  assertThrows(() => parseLabel("k=\u0000"), UsageError, NAME);
});

Deno.test("a checked name comes back as it was", () => {
  assertEquals(checkedName("zone a", "--az"), "zone a");
  assertThrows(() => checkedName("", "--az"), UsageError, `"--az": ${NAME}`);
});

Deno.test("a quoted text cannot move a terminal and is bounded", () => {
  assertEquals(quote("\u001b[2J\u007f\u009b\u2028"), '"\\u001b[2J\\u007f\\u009b\\u2028"');
  assertEquals(quote("\ud800"), '"\\ud800"');
  assertEquals(quote("x".repeat(80)), `"${"x".repeat(80)}"`);
  assertEquals(quote("x".repeat(81)), `"${"x".repeat(77)}..."`);
});

Deno.test("a connection string of several hosts is several targets, each with its own port", () => {
  const places = (text: string) =>
    parseTargetText(text, NO_DEFAULTS).map(({ name, host, port }) => `${name} ${host} ${port}`);
  assertEquals(places("mongodb://u:s@a,b:27018,c/"), [
    "a:27017 a 27017",
    "b:27018 b 27018",
    "c:27017 c 27017",
  ]);
  assertEquals(places("db=jdbc:postgresql://a,b/app"), ["db@a:5432 a 5432", "db@b:5432 b 5432"]);
  assertEquals(places("host=a,b port=5432,5433 password='s e'"), [
    "a:5432 a 5432",
    "b:5433 b 5433",
  ]);
  // PostgreSQL's manual has the host among a URL's parameters, where it wins.
  assertEquals(places("postgresql:///db?host=a,b&port=5433&password=s"), [
    "a:5433 a 5433",
    "b:5433 b 5433",
  ]);
  assertEquals(places("postgres://u:s@c:1/db?hostaddr=::1&host=x"), ["[::1]:5432 ::1 5432"]);
  assertThrows(
    () => places("postgresql://u:s@/db?host=%2Fvar%2Frun"),
    UsageError,
    "a socket has no network",
  );
  assertThrows(() => parseTarget("mongodb://a,b/", NO_DEFAULTS), UsageError, "names 2 hosts");
});

Deno.test("an echo's URL with a port is refused for its port, and quotes no part of the secret", () => {
  const defaults = { ...NO_DEFAULTS, portless: true };
  assertThrows(
    () => parseTargetText("postgres://u:s3cr3t@h:5432/db", defaults),
    UsageError,
    'target "postgres://…@h:5432/db": wants a host without a port behind the @: an echo has none',
  );
});

Deno.test("an SRV name stands for its members", () => {
  const texts = [
    "srv:_mongodb._tcp.c.example",
    "mongodb+srv://u:secret@c.example/db",
    "SRV:_mongodb._tcp.c.example.",
    "MongoDB+SRV://u:secret@c.example/db",
  ];
  for (const text of texts) {
    const [{ name, host, standsFor }] = parseTargetText(text, NO_DEFAULTS);
    assertEquals([name, host, standsFor], [
      "srv:_mongodb._tcp.c.example",
      "_mongodb._tcp.c.example",
      "srv",
    ]);
  }
});

Deno.test("a host called srv is a host, in capitals too", () => {
  for (
    const [text, host, port] of [["srv:5432", "srv", 5432], ["SRV:https", "SRV", 443]] as const
  ) {
    const [target] = parseTargetText(text, NO_DEFAULTS);
    assertEquals([target.host, target.port, target.standsFor], [host, port, undefined]);
  }
});

property("no secret of a connection string is in a target or a message", 3000, (random) => {
  const secret = "S3CR3T";
  const odd = () => random.pick(["", "/", "@", "?", ":", "#", ";", "=", ",", "%40", " ", "[", "]"]);
  const password = `${odd()}${secret}${odd()}${secret}`;
  const scheme = random.pick([
    "postgres://",
    "mongodb://",
    "jdbc:mysql://",
    "https://",
    "",
    "x://",
    "mongodb+srv://",
  ]);
  const host = random.pick(["h", "h:1", "a,b:2", "h:x", "[::1]:5", "1.2.3.4", ""]);
  const text = `${random.pick(["", "n="])}${scheme}u:${password}@${host}${
    random.pick(["", "/db", "/db?a=b"])
  }`;
  let shown: string;
  try {
    shown = JSON.stringify(parseTargetText(text, NO_DEFAULTS));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    shown = error.message;
  }
  assertEquals(shown.includes(secret), false, `${text}: ${shown}`);
});
