/**
 * Programs that use the library: those of its documentation and of the README run, and end by themselves;
 * those that misuse it are refused by the compiler.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";

import { freePort } from "../../scripts/gate/command.ts";
import * as library from "../../src/mod.ts";

const MISUSE = "tests/library/misuse";
/** The README's programs, in their order. */
const [STREAM, TRACES, EXPORTER] = ["readme_1", "readme_2", "readme_3"];
/** A program that has not ended by then, on a busy machine too, never will. */
const END_MS = 120_000;

interface Outcome {
  readonly code: number;
  readonly output: string;
}

async function deno(...args: string[]): Promise<Outcome> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    env: { NO_COLOR: "1" },
    signal: AbortSignal.timeout(END_MS),
  }).output();
  const text = new TextDecoder();
  return { code, output: text.decode(stdout) + text.decode(stderr) };
}

/** Programs by their names: those of all examples, and the README's. */
function documented(): Map<string, string> {
  const files = [
    "src/mod.ts",
    ...[...Deno.readDirSync("src/library")].map(({ name }) => `src/library/${name}`),
  ];
  const programs = new Map<string, string>();
  for (const file of files.sort()) {
    const text = Deno.readTextFileSync(file);
    for (const [, block] of text.matchAll(/^ \* ```ts\n([\s\S]*?)^ \* ```$/gm)) {
      const name = `${file.replaceAll(/\W/g, "_")}_${programs.size}`;
      programs.set(name, block.replaceAll(/^ \* ?/gm, ""));
    }
  }
  const section =
    /^## As a library\n([\s\S]*?)^## /m.exec(Deno.readTextFileSync("README.md"))?.[1] ?? "";
  const blocks = [...section.matchAll(/^```ts\n([\s\S]*?)^```$/gm)];
  for (const [i, [, block]] of blocks.entries()) programs.set(`readme_${i + 1}`, block);
  return programs;
}

/** Programs that the compiler is to refuse; no `.ts`, since all of those must pass. */
function misuses(): Map<string, string> {
  const names = [...Deno.readDirSync(MISUSE)].map(({ name }) => name).sort();
  return new Map(
    names.map((name) => [name.replace(".txt", ""), Deno.readTextFileSync(`${MISUSE}/${name}`)]),
  );
}

const folder = await Deno.makeTempDir();
const programs = documented();
const examples = [...programs.keys()].filter((name) => !name.startsWith("readme"));
const pathOf = (name: string) => `${folder}/${name}.ts`;
const pathsOf = (names: Iterable<string>) => [...names].map(pathOf);
/** The examples one after the other, in one process: a start of the runtime costs more than most of them. */
programs.set("examples", examples.map((name) => `import "./${name}.ts";\n`).join(""));
for (const [name, text] of [...programs, ...misuses()]) {
  await Deno.writeTextFile(pathOf(name), text);
}
function run(path: string, ...args: string[]): Promise<Outcome> {
  return deno(
    "run",
    "--no-check",
    "--config",
    "deno.json",
    "--allow-net",
    "--allow-ffi",
    path,
    ...args,
  );
}

Deno.test("the compiler refuses each program that misuses the library, and no other", async () => {
  // All at once, since the compiler takes seconds to start.
  const paths = [...pathsOf(programs.keys()), ...pathsOf(misuses().keys())];
  const { code, output } = await deno("check", "--config", "deno.json", ...paths);
  const refused = new Set(
    [...output.matchAll(/^ +at file:\/\/(\S+?):\d+:\d+$/gm)].map(([, at]) => at),
  );
  const wanted = pathsOf(misuses().keys());
  assertEquals([...refused].filter((path) => path.startsWith(folder)).sort(), wanted, output);
  assertEquals([code, wanted.length >= 10], [1, true]);
});

Deno.test("the examples of the documentation run, and leave nothing that keeps the program", async () => {
  assert(examples.length >= 10);
  const { code, output } = await run(pathOf("examples"));
  assertEquals(code, 0, output);
});

Deno.test("each function that is exported is called in an example", () => {
  const functions = Object.entries(library).filter(([, value]) =>
    typeof value === "function" && !(value.prototype instanceof Error)
  );
  assert(functions.length >= 10);
  const called = (name: string) =>
    examples.some((example) => programs.get(example)?.includes(`${name}(`));
  assertEquals(functions.map(([name]) => name).filter((name) => !called(name)), []);
});

Deno.test("the README's stream of pings prints ten lines", async () => {
  const { code, output } = await run(pathOf(STREAM), "127.0.0.1");
  assertEquals([code, output.trim().split("\n").length], [0, 10], output);
  assertMatch(output, /^1 established \d+ µs$/m);
});

Deno.test("the README's traces are one line a target", async () => {
  const hosts = Array.from({ length: 60 }, (_, i) => `127.0.0.${i + 1}`);
  const { code, output } = await run(pathOf(TRACES), ...hosts);
  const lines = output.trim().split("\n").sort();
  assertEquals([code, lines], [0, hosts.map((host) => `${host} 1 hops, echo reply`).sort()]);
});

Deno.test("the README's exporter answers with a line a target", async () => {
  const port = freePort();
  const program = programs.get(EXPORTER) ?? "";
  assertMatch(program, /port: 9600/);
  const path = `${folder}/exporter.ts`;
  await Deno.writeTextFile(path, program.replace("9600", String(port)));
  const args = ["run", "--no-check", "--config", "deno.json", "--allow-net", "--allow-ffi", path];
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args, `db1=127.0.0.1:${port}`],
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    assertMatch(await pageOf(port), /^rtt_seconds\{target="db1"\} 0\.\d+$/m);
  } finally {
    child.kill();
    await child.status;
  }
});

/** A page that has something on it, within END_MS. */
async function pageOf(port: number): Promise<string> {
  const endMs = performance.now() + END_MS;
  for (;;) {
    const page = await fetch(`http://127.0.0.1:${port}/`).then((of) => of.text()).catch(() => "");
    if (page !== "" || performance.now() > endMs) return page;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Every part of the library at work, and what is still permitted meanwhile. */
const BUSY = `
import { connections, knock, openPinger, probe, serve, trace } from "@wire-probe/wire-probe";
const server = serve({ addresses: ["127.0.0.1"] });
const target = \`127.0.0.1:\${server.port}\`;
const pinger = openPinger();
const streams = [probe(target), knock(target), pinger.ping("localhost"), trace(target), connections()];
await Promise.all(streams.map((stream) => stream.next()));
const states = ["net", "ffi"].map((name) => Deno.permissions.querySync({ name }).state);
console.log(states.join());
for await (const _ of pinger.ping("127.0.0.1"));
`;

Deno.test("the library prints nothing, gives up no permission and handles no signal", async () => {
  const path = `${folder}/busy.ts`;
  await Deno.writeTextFile(path, BUSY);
  const args = ["run", "--no-check", "--config", "deno.json", "--allow-net", "--allow-ffi", path];
  const child = new Deno.Command(Deno.execPath(), { args, stdout: "piped", stderr: "piped" })
    .spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value } = await reader.read();
  child.kill("SIGINT");
  const [complaints, { signal }] = await Promise.all([
    new Response(child.stderr).text(),
    child.status,
  ]);
  assertEquals([value, complaints, signal], ["granted,granted\n", "", "SIGINT"]);
  assertEquals((await reader.read()).done, true);
});

Deno.test("a program of 20 lines prints what netdiag's example of ping prints", async () => {
  const path = "tests/library/ping.ts";
  assert(Deno.readTextFileSync(path).trim().split("\n").length <= 20);
  const { code, output } = await run(path, "127.0.0.1", "2");
  assertEquals(code, 0, output);
  assertMatch(
    output,
    /^pinging 127\.0\.0\.1 \(127\.0\.0\.1\)\nseq 0 RTT \d+\.\d\d[µm]s \nseq 1 RTT \d+\.\d\d[µm]s \n$/,
  );
});

Deno.test({
  name: "the documentation has no gap, and the package could be published, without a network",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const [docs, published] = await Promise.all([
      deno("doc", "--lint", "src/mod.ts"),
      deno("publish", "--dry-run", "--allow-dirty"),
    ]);
    assertEquals(docs.code, 0, docs.output);
    assertEquals(published.code, 0, published.output);
    const names = [...published.output.matchAll(/^ +file:\/\/(\S+) \(/gm)].map(([, path]) => path);
    const own = names.map((path) => path.replace(`${Deno.cwd()}/`, ""));
    const top = new Set(own.map((path) => path.split("/")[0]));
    assertEquals([...top].sort(), ["LICENSE", "README.md", "deno.json", "main.ts", "src"]);
  },
});
