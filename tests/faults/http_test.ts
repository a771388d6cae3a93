/** The compiled program's HTTP server while thousands of peers hold connections. */
import { assertEquals, assertLess } from "@std/assert";
import { get } from "../receivers/http_client.ts";
import { quantile } from "../wan/lab.ts";
import { freePort } from "../../scripts/gate/command.ts";
import { pause, Program, until } from "./harness/program.ts";

/**
 * Half of the answers take no longer, whoever dawdles. For the others a busy machine may have no time, and
 * a SYN that it drops comes again after 1, 2 and 4 s; `get` gives each 10 s.
 */
const PROMPT_MS = 1000;
const ANSWERS = 12;
/** By the unit tests' own clock the end takes 2 s at most; one that waits for 2,000 peers takes longer than this. */
const END_MS = 5000;
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

/** Asks again and again; how long the answers took, in ms. */
async function answersOf(port: number, path: string): Promise<number[]> {
  const took: number[] = [];
  while (took.length < ANSWERS) {
    const startMs = performance.now();
    const answer = await get(port, path);
    assertEquals(answer?.status, 200, path);
    took.push(performance.now() - startMs);
    await pause(100);
  }
  return took;
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
    const took = await Promise.all(pages.map((path) => answersOf(port, path)));
    for (const [i, path] of pages.entries()) {
      assertLess(quantile(took[i], 0.5), PROMPT_MS, `${path}: ${took[i]} ms`);
    }
    const { code, tookMs } = await program.end();
    assertEquals(code, 0);
    assertLess(tookMs, END_MS);
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
