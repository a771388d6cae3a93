import { assertEquals, assertGreater, assertLess, assertThrows } from "@std/assert";
import { UsageError } from "../../../src/domain/exit.ts";
import type { Target } from "../../../src/domain/target.ts";
import { JsonFormat } from "../../../src/format/json.ts";
import {
  MAX_TARGETS,
  NO_DEFAULTS,
  parseTargets,
  targetSteps,
} from "../../../src/input/target_text.ts";
import { established } from "../fixtures.ts";
import { written } from "../format/written.ts";

const read = (text: string) => parseTargets(text, "nodes.txt", NO_DEFAULTS);

Deno.test("a file has a target a line, with zone, labels, comments and blank lines", () => {
  const text = `# the databases
db1=10.0.0.1:5432 az=a rack=r1   # the primary

  db2:5432\taz=b
[2001:db8::1]:22
`;
  assertEquals(read(text), [
    { name: "db1", host: "10.0.0.1", port: 5432, az: "a", labels: [["rack", "r1"]] },
    { name: "db2:5432", host: "db2", port: 5432, az: "b", labels: [] },
    { name: "[2001:db8::1]:22", host: "2001:db8::1", port: 22, az: "default", labels: [] },
  ]);
});

Deno.test("a hash within a word is no comment", () => {
  assertEquals(read("db#1=db:5432 rack=r#1")[0].name, "db#1");
  assertEquals(read("db:1 rack=r#1")[0].labels, [["rack", "r#1"]]);
});

Deno.test("files may have the line ends of Windows, after comments too", () => {
  const names = read("# all\r\na=db:1\r\n\r\nb=db:2 # second\r\n").map((target) => target.name);
  assertEquals(names, ["a", "b"]);
});

Deno.test("a file may start with a byte order mark and lack its last newline", () => {
  assertEquals(read("\ufeffdb:1\ndb:2").map((target) => target.port), [1, 2]);
});

Deno.test("labels of a line outweigh those of the command line, and come after", () => {
  const defaults = { az: "a", labels: [["rack", "r0"], ["role", "db"]] as const };
  const [target] = parseTargets("db:1 rack=r9 zone=z", "f", defaults);
  assertEquals(target.labels, [["rack", "r9"], ["role", "db"], ["zone", "z"]]);
  assertEquals(target.az, "a");
});

Deno.test("a line with more in its labels than a record can hold is refused, not cut", () => {
  const name = "ü".repeat(255);
  for (const [size, value] of [[1, "v"], [16, name], [17, name], [1000, "v"], [1000, name]]) {
    const labels = Array.from({ length: Number(size) }, (_, i) => `key${i}=${value}`);
    const line = `${name}=db:1 az=${name} ${labels.join(" ")}`;
    const [target] = orNone(() => read(line));
    if (target === undefined) continue;
    const json = written((out) => new JsonFormat().record(out, established(1, 5, { target })));
    assertEquals(Object.keys(JSON.parse(json).labels).length, size);
  }
  assertEquals(orNone(() => read(`db:1 ${"k".repeat(20_000)}=v`)), []);
});

/** What is read, or nothing where it is refused. */
function orNone(action: () => Target[]): Target[] {
  try {
    return action();
  } catch (error) {
    if (error instanceof UsageError) return [];
    throw error;
  }
}

const BAD: readonly [text: string, message: string][] = [
  ["", "nodes.txt: no target in it"],
  ["\n# nothing\n", "nodes.txt: no target in it"],
  ["db:1\n\ndb:0\n", "nodes.txt:3: target: port is not from 1 to 65535"],
  ["db:1\n::1:80", "nodes.txt:2: target: an IPv6 address goes in brackets: [address]:port"],
  [
    "db:1 rack",
    "nodes.txt:1: word 2: label: wants key=value, the key of letters, digits and _, the value not empty",
  ],
  ["a=db:1\n#\na=db:1", "nodes.txt:3: the same target as line 1"],
  ["a=db:1 k=v\na=db:1 k=v", "nodes.txt:2: the same target as line 1"],
];

Deno.test("a bad line is refused with the file, its number and the reason", () => {
  for (const [text, message] of BAD) {
    assertEquals(assertThrows(() => read(text), UsageError).message, message);
  }
});

Deno.test("one address may be several targets, when something tells them apart", () => {
  assertEquals(read("a=db:1\nb=db:1\na=db:1 k=v").length, 3);
});

Deno.test("the number of targets is bounded", () => {
  const lines = Array.from({ length: MAX_TARGETS + 1 }, (_, i) => `n${i}=db:1`);
  assertEquals(read(lines.slice(1).join("\n")).length, MAX_TARGETS);
  const error = assertThrows(() => read(lines.join("\n")), UsageError);
  assertEquals(error.message, `nodes.txt:${MAX_TARGETS + 1}: more than ${MAX_TARGETS} targets`);
});

/** How long it takes to read so many lines so often, in ms. */
function readingMs(lines: number, times: number): number {
  const text = Array.from(
    { length: lines },
    (_, i) => `n${i}=10.${i >> 16}.${(i >> 8) & 255}.${i & 255}:5432 az=z${i % 3} rack=r${i % 250}`,
  ).join("\n");
  const startMs = performance.now();
  for (let i = 0; i < times; i++) assertEquals(read(text).length, lines);
  return performance.now() - startMs;
}

Deno.test("ten times the lines take about ten times as long, not a hundred times", () => {
  // Both do as much work, right after one another: what a busy machine takes away in one pair, it does not in each.
  const pairs = Array.from({ length: 5 }, () => readingMs(10_000, 1) / readingMs(1000, 10));
  assertLess(Math.min(...pairs), 3);
});

Deno.test("a line of megabytes is refused at once, and its words are in no message", () => {
  const error = assertThrows(() => read(`a:1\n${"x".repeat(50 << 20)}`), UsageError);
  assertEquals(error.message, "nodes.txt:2: longer than 65536 characters");
});

Deno.test("a file is read in steps, comments too: probes go on meanwhile", () => {
  const steps = targetSteps("#\n".repeat(1000) + "a:1", "f", NO_DEFAULTS, []);
  let pauses = 0;
  while (steps.next().done !== true) pauses++;
  assertGreater(pauses, 10);
});
