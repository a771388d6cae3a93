/** Readers of stdout and stderr that have stopped: the compiled program with real pipes that are full. */
import { assert, assertEquals, assertLess } from "@std/assert";
import { BINARY } from "../wan/binary.ts";
import { freePort } from "../../scripts/gate/command.ts";
import { pause, Program, until } from "./harness/program.ts";

/**
 * A signal ends a command within 2 s, whoever has stopped reading: the unit tests hold that by a clock of their
 * own. Here a dozen commands share a busy machine; one that waits for its reader has no end.
 */
const END_MS = 5000;
/** What both pipes are before the program starts: full, with an end for reading that nobody uses. */
const STUCK = `
  for pipe in "$1" "$2"; do mkfifo "$pipe"; done
  exec 3<>"$1" 4<>"$2"
  head -c 65536 /dev/zero >&3
  head -c 65536 /dev/zero >&4
  shift 2
  exec "$@" >&3 2>&4
`;

/** Starts the program with both streams stuck, as a process that says nothing more. */
async function stuck(...args: readonly string[]): Promise<Program> {
  const folder = await Deno.makeTempDir();
  return new Program(
    new Deno.Command("sh", {
      args: ["-c", STUCK, "sh", `${folder}/out`, `${folder}/err`, BINARY, ...args],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn(),
  );
}

const [PORT, HTTP, OTHER] = [freePort(), freePort(), freePort()];
const TARGET = `127.0.0.1:${PORT}`;

async function nodesFile(): Promise<string> {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, `me=127.0.0.1:${OTHER} http=${HTTP}\npeer=${TARGET}\n`);
  return path;
}

async function connects(): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port: PORT })).close();
    return true;
  } catch {
    return false;
  }
}

Deno.test("every command ends soon after SIGTERM or SIGINT while nobody reads, and does its work before", async () => {
  const nodes = await nodesFile();
  await using server = await stuck("serve", "--port", String(PORT), "--stats-every", "100ms");
  await until("it accepts", () => true);
  for (let i = 0; i < 400 && !await connects(); i++) await pause(50);
  const metrics = freePort();
  const runs: readonly (readonly string[])[] = [
    ["probe", TARGET, "-i", "2ms", "-o", "json", "--export", `prometheus://127.0.0.1:${metrics}`],
    ["probe", TARGET, "-i", "2ms", "-o", "text"],
    ["probe", TARGET, "-i", "2ms", "-o", "none", "--export", "collectd-uds:///nowhere"],
    ["ping", "127.0.0.1", "-i", "2ms", "-o", "csv"],
    ["knock", TARGET, "-i", "2ms", "-o", "influx"],
    ["compare", TARGET, "-c", "1000"],
    ["connections", "-i", "100ms", "-o", "json", "--duration", "10m"],
    ["trace", TARGET, "-r", "1000"],
    ["mesh", "--nodes", nodes, "--name", "me", "--stats-every", "100ms", "-i", "1s"],
    ["heatmap", "--nodes", nodes, "--watch", "100ms", "--json"],
    ["heatmap", "--nodes", nodes],
    ["selfcheck"],
  ];
  const programs = await Promise.all(runs.map((args) => stuck(...args)));
  await pause(5000);
  // The server still accepts, the prober still probes.
  assert(await connects());
  const counted = async () => {
    const page = await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text();
    return Number(/^wire_probe_connect_seconds_count\S* (\S+)$/m.exec(page)?.[1]);
  };
  const before = await counted();
  // Of 500 a second.
  let later = before;
  for (let i = 0; i < 40 && later <= before + 20; i++) {
    await pause(250);
    later = await counted();
  }
  assert(later > before + 20, "it stopped probing");
  const ends = await Promise.all(programs.map(async (program, i) => {
    const startMs = performance.now();
    try {
      program.kill(i % 2 === 0 ? "SIGTERM" : "SIGINT");
    } catch {
      // One that has its answer has ended.
    }
    await program.ended();
    return performance.now() - startMs;
  }));
  for (const [i, tookMs] of ends.entries()) assertLess(tookMs, END_MS, runs[i].join(" "));
  assertLess((await server.end()).tookMs, END_MS, "serve");
  await Deno.remove(nodes);
});

Deno.test("a run that ends by itself ends though nobody reads, with its exit code", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const startMs = performance.now();
  const programs = await Promise.all(
    ["json", "text", "csv"].map((format) =>
      stuck("probe", `127.0.0.1:${port}`, "-c", "100", "-i", "10ms", "-o", format)
    ),
  );
  const ends = await Promise.all(programs.map((program) => program.ended()));
  assertEquals(ends.map(({ code }) => code), [0, 0, 0]);
  // A second of probes, and two for outputs that may still be read.
  assertLess(performance.now() - startMs, 20_000);
  listener.close();
});
