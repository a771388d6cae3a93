/** The import arrows: what is allowed passes, each kind of breach is named with file and line. */
import { assertEquals } from "@std/assert";
import { breaches } from "../../scripts/gate/import_arrows.ts";

function found(path: string, text: string): string[] {
  return breaches(new Map([[path, text]]));
}

const ALLOWED: readonly [path: string, text: string][] = [
  ["main.ts", 'import { a } from "./src/cli/a.ts";\nDeno.exit(0);'],
  ["src/cli/a.ts", 'import type { A } from "../commands/a/b.ts";'],
  ["src/commands/a/b.ts", 'import { a } from "../../net/a.ts";'],
  ["src/commands/a/b.ts", 'import { a } from "../c.ts";'],
  ["src/net/a.ts", 'import { a } from "../kernel/a.ts";\nDeno.listen();'],
  ["src/net/a.ts", 'await import("node:dns/promises");'],
  ["src/net/a.ts", 'import { a } from "../packet/a.ts";'],
  ["src/kernel/a.ts", 'import { a } from "../packet/a.ts";'],
  ["src/stats/a.ts", "/** Deno.open is not\n * used here. */\n// performance.now()"],
  ["src/cli/a.ts", 'const text = "Deno.open";'],
  ["src/format/a.ts", "new Date(seconds * 1000)"],
  ["src/version.ts", 'import config from "../deno.json" with { type: "json" };'],
];

const BREACHES: readonly [path: string, text: string, message: string][] = [
  [
    "src/domain/a.ts",
    'import { a } from "../time/a.ts";',
    "1: domain may not import time (../time/a.ts)",
  ],
  [
    "src/net/a.ts",
    '\nimport {\n  a,\n} from "../commands/a.ts";',
    "4: net may not import commands (../commands/a.ts)",
  ],
  [
    "src/kernel/a.ts",
    'import { a } from "../net/a.ts";',
    "1: kernel may not import net (../net/a.ts)",
  ],
  [
    "src/stats/a.ts",
    'export * from "../format/a.ts";',
    "1: stats may not import format (../format/a.ts)",
  ],
  [
    "src/packet/a.ts",
    'import { a } from "../format/a.ts";',
    "1: packet may not import format (../format/a.ts)",
  ],
  [
    "src/packet/a.ts",
    'import { a } from "../kernel/a.ts";',
    "1: packet may not import kernel (../kernel/a.ts)",
  ],
  [
    "src/commands/a.ts",
    'await import("../cli/a.ts");',
    "1: commands may not import cli (../cli/a.ts)",
  ],
  ["src/commands/a.ts", 'import "node:fs";', "1: commands may not import node:fs"],
  ["src/net/a.ts", 'import { a } from "@std/assert";', "1: net may not import @std/assert"],
  [
    "src/new/a.ts",
    'import { a } from "../domain/a.ts";',
    "1: 'new' has no rank in scripts/gate/import_arrows.ts",
  ],
  [
    "src/cli/a.ts",
    'import config from "../../deno.json";',
    "1: only src/version.ts reads deno.json",
  ],
  [
    "src/commands/a.ts",
    "// no\nDeno.exit(1);",
    "2: mentions Deno. in commands, where only main.ts, time, kernel, net, input, sink, mesh may",
  ],
  ["src/time/schedule.ts", "performance.now();", "1: mentions performance in time, which is pure"],
  ["src/packet/a.ts", "crypto.randomUUID();", "1: mentions crypto in packet, which is pure"],
  ["src/stats/a.ts", "const a = Math.random();", "1: mentions Math.random in stats, which is pure"],
];

Deno.test("imports and mentions that follow the rules pass", () => {
  for (const [path, text] of ALLOWED) assertEquals(found(path, text), [], `${path}: ${text}`);
});

Deno.test("each kind of breach is named with file and line", () => {
  for (const [path, text, message] of BREACHES) {
    assertEquals(found(path, text), [`${path}:${message}`], text);
  }
});

Deno.test("files that import one another in a circle are named", () => {
  const files = new Map([
    ["src/stats/a.ts", 'import { b } from "./b.ts";'],
    ["src/stats/b.ts", 'import { c } from "./c.ts";'],
    ["src/stats/c.ts", 'import type { A } from "./a.ts";'],
    ["src/stats/d.ts", 'import { a } from "./a.ts";'],
  ]);
  assertEquals(breaches(files), [
    "src/stats/a.ts: imports itself by way of src/stats/b.ts, src/stats/c.ts, src/stats/a.ts",
  ]);
});
