/** The compiled program's HTTP server while thousands of peers hold connections. */
import { assert, assertEquals, assertLess } from "@std/assert";
import { get } from "../receivers/http_client.ts";
import { Stalls } from "../wan/harness/stalls.ts";
import { freePort } from "../../scripts/gate/command.ts";
import { pause, Program, until } from "./harness/program.ts";

/** An answer may take this long, whoever dawdles. */
const PROMPT_MS = 1000;
const DAWDLERS = 2000;

const DAWDLE = new URL("harness/dawdle.ts", import.meta.url).pathname;

/** Peers that hold connections, until they are disposed of. */
async function dawdlers(port: number): Promise<AsyncDisposable> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-net", DAWDLE, String(port), String(DAWDLERS)],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const program = child.stdout.getReader();
  await program.read();
  return {
    async [Symbol.asyncDispose](): Promise<void> {
      child.kill("SIGKILL");
      await program.cancel();
      await child.status;
    },
  };
}

/** Asks again and again for this long; the longest that an answer took, in ms. */
async function slowest(port: number, path: string, forMs: number): Promise<number> {
  let slowestMs = 0;
  for (const endMs = performance.now() + forMs; performance.now() < endMs;) {
    const startMs = performance.now();
    const answer = await get(port, path);
    assertEquals(answer?.status, 200, path);
    slowestMs = Math.max(slowestMs, performance.now() - startMs);
    await pause(100);
  }
  return slowestMs;
}

for (
  const [command, start, pages] of [
    ["probe", probe, ["/healthz", "/metrics"]],
    ["mesh", mesh, ["/healthz", "/metrics", "/row"]],
  ] as const
) {
  Deno.test(`${command}: pages are answered within a second while ${DAWDLERS} connections dawdle`, async () => {
    const port = freePort();
    await using program = await start(port);
    await until("it listens", () => /every/.test(program.stderr));
    await pause(300);
    await using _ = await dawdlers(port);
    using stalls = new Stalls();
    const took = await Promise.all(pages.map((path) => slowest(port, path, 3000)));
    for (const [i, path] of pages.entries()) {
      assertLess(took[i], PROMPT_MS + stalls.ms, `${path}: ${took[i]} ms`);
    }
    const { code, tookMs } = await program.end();
    assertEquals(code, 0);
    assert(tookMs < 2000 + stalls.ms, `${tookMs} ms to end`);
  });
}

function probe(port: number): Promise<Program> {
  // The server itself is the target: it accepts handshakes.
  const url = `prometheus://127.0.0.1:${port}`;
  return Promise.resolve(Program.start(["probe", `127.0.0.1:${port}`, "--export", url]));
}

async function mesh(port: number): Promise<Program> {
  const nodes = await Deno.makeTempFile();
  const other = freePort();
  await Deno.writeTextFile(nodes, `me=127.0.0.1:${other} http=${port}\n`);
  const args = ["--name", "me", "--http-port", String(port), "--bind", "127.0.0.1"];
  return Program.start(["mesh", "--nodes", nodes, ...args]);
}
