/** Child processes of the test network: none outlives it, and none is ended but by its own process id. */

const GRACE_MS = 1000;

/** What a finished command left behind. */
export interface RunResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** Before a command: the kernel kills it when the thread that started it is gone, so that a killed test leaves nothing. */
export const WITH_PARENT = ["setpriv", "--pdeathsig", "KILL"];

/** Runs a system command to its end; throws with its stderr when it fails. */
export async function system(command: string, args: string[], stdin = ""): Promise<string> {
  const child = new Deno.Command(command, {
    args,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const [output] = await Promise.all([child.output(), feed(child, stdin)]);
  const decoder = new TextDecoder();
  if (!output.success) {
    throw new Error(
      `cannot ${command} ${args.join(" ")}${stdin && ` <<< ${stdin}`}: ${
        decoder.decode(output.stderr)
      }`,
    );
  }
  return decoder.decode(output.stdout);
}

async function feed(child: Deno.ChildProcess, text: string): Promise<void> {
  const writer = child.stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
  } catch {
    // It ended without reading: its exit code tells.
  }
}

/** Ends a child by SIGTERM, then SIGKILL, and sets free what it still holds in this process. */
export async function end(child: Deno.ChildProcess): Promise<void> {
  let ended = false;
  const status = child.status.then(() => ended = true);
  signal(child, "SIGTERM");
  const timer = setTimeout(() => ended || signal(child, "SIGKILL"), GRACE_MS);
  await status;
  clearTimeout(timer);
  for (const stream of [() => child.stdout, () => child.stderr]) await discard(stream);
  await closeInput(child);
}

function signal(child: Deno.ChildProcess, name: Deno.Signal): void {
  try {
    child.kill(name);
  } catch {
    // It has ended by itself.
  }
}

/** A stream that was not piped throws when asked for, and one in a reader's hands is the reader's to close. */
async function discard(stream: () => ReadableStream<Uint8Array>): Promise<void> {
  try {
    await stream().cancel();
  } catch {
    // As said above.
  }
}

async function closeInput(child: Deno.ChildProcess): Promise<void> {
  try {
    await child.stdin.close();
  } catch {
    // Not piped, closed already, or a writer's to close.
  }
}
