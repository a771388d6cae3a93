/** `task demo`: builds where that is due, then runs a responder and probes it, all on loopback. */
import { BINARY } from "../release/build.ts";
import { buildWhereDue } from "./fresh_build.ts";

const LOOPBACK = "127.0.0.1";
/** Ended by SIGINT, as the shell says it: 128 and the signal's number. */
const INTERRUPTED = 130;

/** Ctrl-C reaches the shown command and the demo at once. The demo acts on it within this time. */
const SETTLE_MS = 50;

/** What is under way, to be ended with the demo. */
const children = new Set<Deno.ChildProcess>();
let interrupted = false;

/** Shows a command as typed and starts it. */
function start(args: readonly string[], stderr: "inherit" | "piped"): Deno.ChildProcess {
  console.log(`\n$ wire-probe ${args.join(" ")}`);
  const child = new Deno.Command(BINARY, {
    args: [...args],
    stdin: "null",
    stdout: "inherit",
    stderr,
  }).spawn();
  children.add(child);
  child.status.then(() => children.delete(child));
  return child;
}

async function show(...args: string[]): Promise<void> {
  const { success, code } = await start(args, "inherit").status;
  if (!success) throw new Error(`wire-probe ended with exit code ${code}`);
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  if (interrupted) await new Promise(() => {});
}

/** Starts the responder and returns it with the port that its first line names. */
async function serve(): Promise<{ child: Deno.ChildProcess; port: string }> {
  const child = start(["serve", "--bind", LOOPBACK, "--port", "0"], "piped");
  const lines = child.stderr.pipeThrough(new TextDecoderStream());
  let said = "";
  for await (const chunk of lines.values({ preventCancel: true })) {
    said += chunk;
    if (said.includes("\n")) break;
  }
  console.error(said.trimEnd());
  const port = /listening on [^ ]*:([0-9]+)/.exec(said)?.[1];
  if (port === undefined) throw new Error("the responder does not listen");
  return { child, port };
}

function endChildren(): void {
  for (const child of children) {
    try {
      child.kill("SIGTERM");
    } catch {
      // It has ended meanwhile.
    }
  }
}

async function demo(): Promise<void> {
  await buildWhereDue();
  const { child, port } = await serve();
  const target = `${LOOPBACK}:${port}`;
  await show("probe", "--count", "5", "--interval", "200ms", target);
  await show("probe", "--count", "1", "--output", "json", target);
  console.log("\nthe responder, ended by SIGTERM:");
  child.kill("SIGTERM");
  await child.status;
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, async () => {
    interrupted = true;
    endChildren();
    await Promise.all([...children].map((child) => child.status));
    Deno.exit(INTERRUPTED);
  });
}
try {
  await demo();
} catch (error) {
  endChildren();
  console.error(`demo: ${error instanceof Error ? error.message : error}`);
  Deno.exit(1);
}
Deno.exit(0);
