import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../src/domain/exit.ts";
import { flag, many, once, type OptionTable } from "../../../src/cli/option.ts";
import { parseOptions } from "../../../src/cli/parse_options.ts";
import {
  choice,
  duration,
  file,
  integer,
  label,
  milliseconds,
  onOff,
  percentage,
  text,
} from "../../../src/cli/value.ts";
import { property } from "../random.ts";

const TABLE = {
  count: once(integer(1, 100), null, "how often", { short: "c" }),
  port: once(integer(0, 65_535), 9999, "where", { short: "p" }),
  wait: once(duration(1, 60_000, { guarded: true }), 1000, "how long", { short: "w" }),
  share: once(percentage, null, "how much"),
  limit: once(milliseconds, null, "how slow"),
  mode: once(choice("fast", "slow"), "fast", "how"),
  name: once(text("NAME", "a name"), null, "what"),
  file: once(file, null, "which"),
  lines: once(onOff, true, "whether"),
  label: many(label, "more"),
  quiet: flag("no noise", "q"),
  ipv4: flag("IPv4", "4"),
  "no-color": flag("no colours"),
} satisfies OptionTable;

const parse = (argv: readonly string[]) => parseOptions("test", TABLE, argv, () => null);

/** What was given, by name, and the operands: the rest is the table's fallbacks. */
function given(argv: readonly string[]): [Record<string, unknown>, readonly string[]] {
  const { values, operands, given } = parse(argv);
  const all: Readonly<Record<string, unknown>> = values;
  return [Object.fromEntries([...given].map((name) => [name, all[name]])), operands];
}

const GOOD: readonly [argv: string, values: Record<string, unknown>, operands: string[]][] = [
  ["", {}, []],
  ["--count 5", { count: 5 }, []],
  ["--count=5", { count: 5 }, []],
  ["-c 5", { count: 5 }, []],
  ["-c5", { count: 5 }, []],
  ["-c=5", { count: 5 }, []],
  ["-qc5", { quiet: true, count: 5 }, []],
  ["-qc 5", { quiet: true, count: 5 }, []],
  ["-q4c5", { quiet: true, ipv4: true, count: 5 }, []],
  ["-q -q --quiet", { quiet: true }, []],
  ["-4", { ipv4: true }, []],
  ["--no-color", { "no-color": true }, []],
  ["--lines=false", { lines: false }, []],
  ["--lines true", { lines: true }, []],
  ["a --count 5 b", { count: 5 }, ["a", "b"]],
  ["-q a", { quiet: true }, ["a"]],
  ["--quiet false", { quiet: true }, ["false"]],
  ["-- -c 5 --nope", {}, ["-c", "5", "--nope"]],
  ["-c 5 -- --", { count: 5 }, ["--"]],
  ["-", {}, ["-"]],
  ["007 0x10 1e3 true", {}, ["007", "0x10", "1e3", "true"]],
  ["--port 0", { port: 0 }, []],
  ["--port 65535", { port: 65_535 }, []],
  ["--name 007", { name: "007" }, []],
  ["--name=true", { name: "true" }, []],
  ["--name=a=b", { name: "a=b" }, []],
  ["--name -5", { name: "-5" }, []],
  ["--name=--count", { name: "--count" }, []],
  ["--name=-q", { name: "-q" }, []],
  ["--name -", { name: "-" }, []],
  ["--name __proto__", { name: "__proto__" }, []],
  ["--file=/tmp/a=b", { file: "/tmp/a=b" }, []],
  ["--share 0", { share: 0 }, []],
  ["--share 99.95", { share: 99.95 }, []],
  ["--wait 250ms", { wait: 250 }, []],
  ["--wait 0.2", { wait: 200 }, []],
  ["--wait .2", { wait: 200 }, []],
  ["--wait 5", { wait: 5000 }, []],
  ["--wait 60", { wait: 60_000 }, []],
  ["--wait 1S", { wait: 1000 }, []],
  ["--wait 250MS", { wait: 250 }, []],
  ["--wait 30s250ms", { wait: 30_250 }, []],
  ["--wait 0.5M20s", { wait: 50_000 }, []],
  ["--wait 1s5ms", { wait: 1005 }, []],
  ["--wait 1.5s", { wait: 1500 }, []],
  ["--wait 1m", { wait: 60_000 }, []],
  ["--wait 1ms", { wait: 1 }, []],
  ["--wait 0.001s", { wait: 1 }, []],
  ["-w1.5", { wait: 1500 }, []],
  ["--share 5%", { share: 5 }, []],
  ["--count 1 --count 2", { count: 2 }, []],
  ["-c1 --count=3 -c 4", { count: 4 }, []],
  ["--limit 20", { limit: 20 }, []],
  ["--limit 20ms", { limit: 20 }, []],
  ["--limit 0.5s", { limit: 500 }, []],
  ["--limit .5", { limit: 0.5 }, []],
  ["--limit 500us", { limit: 0.5 }, []],
  ["--limit 1M", { limit: 60_000 }, []],
  ["--share .5%", { share: 0.5 }, []],
  ["--mode slow", { mode: "slow" }, []],
  ["--label a=1 --label=b=2=3", { label: [["a", "1"], ["b", "2=3"]] }, []],
  ["--label __proto__=x", { label: [["__proto__", "x"]] }, []],
];

const COUNT = "a whole number from 1 to 100";
const PORT = "a whole number from 0 to 65535";
const WAIT = "a duration from 1ms to 1m, such as 250ms, 1.5s or 1m30s; a bare number is seconds";
const LABEL = "key=value, the key of letters, digits and _, the value not empty";
const HELP = "see 'wire-probe help test'";

const BAD: readonly [argv: string, message: string][] = [
  ["--count", `--count wants a value: ${COUNT}`],
  ["--count=", `--count "": wants ${COUNT}`],
  ["-c", `--count wants a value: ${COUNT}`],
  ["-c=", `--count "": wants ${COUNT}`],
  ["-c -q", `--count wants a value: ${COUNT}`],
  ["-c --quiet", `--count wants a value: ${COUNT}`],
  ["--count --port=1", `--count wants a value: ${COUNT}`],
  ["-cq", `--count "q": wants ${COUNT}`],
  ["--count 0", `--count "0": wants ${COUNT}`],
  ["--count 101", `--count "101": wants ${COUNT}`],
  ["--count -5", `--count "-5": wants ${COUNT}`],
  ["--port -5", `--port "-5": wants ${PORT}`],
  ["--port=-5", `--port "-5": wants ${PORT}`],
  ["--port 007", `--port "007": wants ${PORT}`],
  ["--port 00", `--port "00": wants ${PORT}`],
  ["--port +1", `--port "+1": wants ${PORT}`],
  ["--port 1.0", `--port "1.0": wants ${PORT}`],
  ["--port 1e3", `--port "1e3": wants ${PORT}`],
  ["--port 0x10", `--port "0x10": wants ${PORT}`],
  ["--port ٣", `--port "٣": wants ${PORT}`],
  ["--port 65536", `--port "65536": wants ${PORT}`],
  ["--port true", `--port "true": wants ${PORT}`],
  ["--port 99999999999999999999", `--port "99999999999999999999": wants ${PORT}`],
  ["--share 100.1", '--share "100.1": wants a number from 0 to 100, in percent'],
  ["--share -1", '--share "-1": wants a number from 0 to 100, in percent'],
  [
    "--limit 1e3",
    '--limit "1e3": wants a number from 0 to 1000000, in milliseconds unless it has a unit',
  ],
  [
    "--limit .ms",
    '--limit ".ms": wants a number from 0 to 1000000, in milliseconds unless it has a unit',
  ],
  ["--share 5.", '--share "5.": wants a number from 0 to 100, in percent'],
  ["--share 5ms", '--share "5ms": wants a number from 0 to 100, in percent'],
  ["--share NaN", '--share "NaN": wants a number from 0 to 100, in percent'],
  ["--share Infinity", '--share "Infinity": wants a number from 0 to 100, in percent'],
  ["--wait 0", `--wait "0": wants ${WAIT}`],
  ["--wait 0.5ms", `--wait "0.5ms": wants ${WAIT}`],
  ["--wait 200", '--wait "200": say 200ms'],
  ["--wait 60001", `--wait "60001": wants ${WAIT}`],
  ["--wait 1.1m", `--wait "1.1m": wants ${WAIT}`],
  ["--wait -1s", `--wait "-1s": wants ${WAIT}`],
  ["--wait 1d", `--wait "1d": wants ${WAIT}`],
  ["--wait 1m1s", `--wait "1m1s": wants ${WAIT}`],
  ["--wait 1s5", `--wait "1s5": wants ${WAIT}`],
  ["--wait s", `--wait "s": wants ${WAIT}`],
  ["--wait 1e1s", `--wait "1e1s": wants ${WAIT}`],
  ["--mode medium", '--mode "medium": wants one of fast, slow'],
  ["--mode FAST", '--mode "FAST": wants one of fast, slow'],
  ["--mode=", '--mode "": wants one of fast, slow'],
  ["--mode constructor", '--mode "constructor": wants one of fast, slow'],
  ["--name=", '--name "": wants a name'],
  ["--lines yes", '--lines "yes": wants true or false'],
  ["--label a", `--label "a": wants ${LABEL}`],
  ["--label a=1 --label =2", `--label "=2": wants ${LABEL}`],
  ["--name a --name=", '--name "": wants a name'],
  ["--count x --count 2", `--count "x": wants ${COUNT}`],
  ["--quiet=yes", '--quiet takes no value, but got "yes"'],
  ["--quiet=", '--quiet takes no value, but got ""'],
  ["--no-color=false", '--no-color takes no value, but got "false"'],
  ["-q=5", `'test' has no option "-="; ${HELP}`],
  ["-x", `'test' has no option "-x"; ${HELP}`],
  ["-qx", `'test' has no option "-x"; ${HELP}`],
  ["-5", `'test' has no option "-5"; ${HELP}`],
  ["-é", `'test' has no option "-é"; ${HELP}`],
  ["---", `'test' has no option "---"; ${HELP}`],
  ["--=5", `'test' has no option "--"; ${HELP}`],
  ["--coutn 5", `'test' has no option "--coutn"; did you mean --count?`],
  ["--cuont=5", `'test' has no option "--cuont"; did you mean --count?`],
  ["--Count 5", `'test' has no option "--Count"; did you mean --count?`],
  ["--labels a=1", `'test' has no option "--labels"; did you mean --label?`],
  ["--no-colour", `'test' has no option "--no-colour"; did you mean --no-color?`],
  ["--no-quiet", `'test' has no option "--no-quiet"; ${HELP}`],
  ["--frobnicate", `'test' has no option "--frobnicate"; ${HELP}`],
  ["--__proto__=1", `'test' has no option "--__proto__"; ${HELP}`],
  ["--constructor 1", `'test' has no option "--constructor"; ${HELP}`],
  ["--toString", `'test' has no option "--toString"; ${HELP}`],
  ["--a.b=1", `'test' has no option "--a.b"; ${HELP}`],
];

const words = (argv: string) => argv === "" ? [] : argv.split(" ");

Deno.test("arguments become typed values and operands as they were typed", () => {
  for (const [argv, values, operands] of GOOD) {
    assertEquals(given(words(argv)), [values, operands], argv);
  }
});

Deno.test("what is not given has its fallback", () => {
  assertEquals(parse([]).values, {
    count: null,
    port: 9999,
    wait: 1000,
    share: null,
    limit: null,
    mode: "fast",
    name: null,
    file: null,
    lines: true,
    label: [],
    quiet: false,
    ipv4: false,
    "no-color": false,
  });
});

Deno.test("bad arguments are refused with the option, the value and what is accepted", () => {
  for (const [argv, message] of BAD) {
    const error = assertThrows(() => parse(words(argv)), UsageError);
    assertEquals(error.message, message, argv);
  }
});

Deno.test("values and operands may hold spaces, newlines and nothing", () => {
  assertEquals(given(["--name", "a b", "--file=c\nd", "", "e f"]), [
    { name: "a b", file: "c\nd" },
    ["", "e f"],
  ]);
});

Deno.test("an option with an empty word for its value is refused", () => {
  assertThrows(() => parse(["--name", ""]), UsageError, '--name "": wants a name');
});

Deno.test("very long and unprintable texts are shown bounded and escaped", () => {
  const messageOf = (...argv: string[]) => assertThrows(() => parse(argv), UsageError).message;
  const long = "9".repeat(100_000);
  const shown = `"${"9".repeat(77)}..."`;
  assertEquals(messageOf("--port", long), `--port ${shown}: wants ${PORT}`);
  assertEquals(messageOf(`--${long}`), `'test' has no option "--${"9".repeat(75)}..."; ${HELP}`);
  assertEquals(messageOf("--port", "\u001b[2J\n"), `--port "\\u001b[2J\\n": wants ${PORT}`);
  assertEquals(messageOf("--\u001b[2J"), `'test' has no option "--\\u001b[2J"; ${HELP}`);
  assertEquals(messageOf("-\u0007"), `'test' has no option "-\\u0007"; ${HELP}`);
});

Deno.test("an option of another command is named with its owner", () => {
  const ownerOf = (option: string) => option === "bind" ? "serve" : null;
  const error = assertThrows(
    () => parseOptions("test", TABLE, ["--bind", "x"], ownerOf),
    UsageError,
  );
  assertEquals(error.message, "'test' has no option --bind, which belongs to 'serve'");
});

Deno.test("an option behind one that lacks its value is not swallowed", () => {
  const error = assertThrows(() => parse(["--name", "--quite"]), UsageError);
  assertEquals(error.message, "--name wants a value: a name");
});

property("any arguments give values or one line, never another error", 3000, (random) => {
  const pieces = [
    "-",
    "--",
    "=",
    "c",
    "count",
    "name",
    "q",
    "4",
    "5",
    "x",
    " ",
    "é",
    "\n",
    "__proto__",
  ];
  const word = () => Array.from({ length: random.int(0, 5) }, () => random.pick(pieces)).join("");
  const argv = Array.from({ length: random.int(0, 5) }, word);
  try {
    parse(argv);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    assertEquals(error.message.includes("\n"), false, JSON.stringify(argv));
  }
});
