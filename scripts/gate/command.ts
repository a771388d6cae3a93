/** What the gate and its tests need of the system: commands run to their end, folders for a while. */
import { existsSync } from "node:fs";

export interface Ended {
  readonly success: boolean;
  /** Standard output and error, in the order they came. */
  readonly output: string;
}

export interface Surroundings {
  readonly limitMs?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** Ports are taken from below the ephemeral range, so that no connection in passing holds one. */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;
/** No suite may take longer; one that does hangs. */
const LIMIT_MS = 20 * 60_000;

/** The command's words, the program first. It reads nothing. */
export async function run(
  words: readonly string[],
  { limitMs = LIMIT_MS, env = {} }: Surroundings = {},
): Promise<Ended> {
  const child = new Deno.Command(words[0], {
    args: words.slice(1),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1", RUST_BACKTRACE: "0", ...env },
  }).spawn();
  const chunks: string[] = [];
  let inTime = true;
  const limit = setTimeout(() => {
    inTime = false;
    child.kill("SIGKILL");
  }, limitMs);
  const [status] = await Promise.all([
    child.status,
    gather(child.stdout, chunks),
    gather(child.stderr, chunks),
  ]);
  clearTimeout(limit);
  if (!inTime) chunks.push(`\nended after ${limitMs / 1000} s: it was not done\n`);
  return { success: status.success && inTime, output: chunks.join("") };
}

async function gather(stream: ReadableStream<Uint8Array>, chunks: string[]): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of stream) chunks.push(decoder.decode(chunk, { stream: true }));
}

/** Whether a command can be run by its name, or a file is there by its whole path. */
export function isOnPath(command: string): boolean {
  if (command.startsWith("/")) return existsSync(command);
  const folders = (Deno.env.get("PATH") ?? "").split(":");
  // Debian keeps some in folders that an ordinary user's PATH lacks.
  return [...folders, "/usr/sbin", "/sbin"].some((folder) => existsSync(`${folder}/${command}`));
}

let nextPort = FIRST_PORT + Deno.pid * 37 % (LAST_PORT - FIRST_PORT);

/** A TCP port that nothing listens on, handed out once. */
export function freePort(): number {
  for (;;) {
    const port = nextPort;
    nextPort = port === LAST_PORT ? FIRST_PORT : port + 1;
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}

/**
 * A file's text for others that read it meanwhile: in one write over what is there, so that nobody reads a
 * part, and the file stays the one that is mounted elsewhere. Empty lines at its end take the place of
 * what was longer.
 */
export function overwrite(path: string, text: string): void {
  using file = Deno.openSync(path, { write: true, create: true });
  const { size } = file.statSync();
  const bytes = new TextEncoder().encode(text);
  const whole = new Uint8Array(Math.max(size, bytes.length)).fill(0x0a);
  whole.set(bytes);
  if (file.writeSync(whole) < whole.length) throw new Error(`${path} was written in part`);
}

/** A folder that everybody may enter, for as long as `body` runs. */
export async function withFolder(
  purpose: string,
  body: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: `wire-probe-${purpose}-` });
  try {
    await Deno.chmod(folder, 0o755);
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
