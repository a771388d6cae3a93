/**
 * A case is a folder: `cmd`, a bash script in which `wire-probe` is the compiled binary; `stdout` and
 * `stderr`, what it prints (no file: nothing); `code`, its exit code (no file: 0); `needs`, commands
 * without which it is skipped.
 */
import { existsSync } from "node:fs";
import type { Names } from "./world.ts";

export interface Case {
  readonly name: string;
  readonly script: string;
  readonly folder: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
  readonly needs: readonly string[];
}

/** What a case printed and how it ended. */
export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  /** Its exit code; null when it did not end in time. */
  readonly code: number | null;
}

const HARNESS = import.meta.dirname!;
/** Holds the `wire-probe` of the cases: the compiled binary, unless the gate says another. */
const BINARY_FOLDER = Deno.env.get("WIRE_PROBE_FOLDER") ?? `${HARNESS}/../../../dist`;
/** For a case that hangs; one that starts seventy programs on a busy machine takes its time. */
const LIMIT_MS = 180_000;

/** All cases of a folder, by name. */
export function loadCases(folder: string): Case[] {
  return [...Deno.readDirSync(folder)]
    .filter((entry) => entry.isDirectory && existsSync(`${folder}/${entry.name}/cmd`))
    .map((entry) => loadCase(entry.name, `${folder}/${entry.name}`))
    .sort((a, b) => a.name < b.name ? -1 : 1);
}

function loadCase(name: string, folder: string): Case {
  return {
    name,
    folder,
    script: `${folder}/cmd`,
    stdout: read(`${folder}/stdout`),
    stderr: read(`${folder}/stderr`),
    code: Number(read(`${folder}/code`)),
    needs: read(`${folder}/needs`).split("\n").filter((line) => line !== ""),
  };
}

/** A file's text, empty when there is no such file. */
function read(path: string): string {
  return existsSync(path) ? Deno.readTextFileSync(path) : "";
}

/** Runs a case in a folder of its own, with nothing of this process's environment but PATH. */
export async function runCase({ script }: Case, names: Names): Promise<Outcome> {
  const scratch = await Deno.makeTempDir({ prefix: "wire-probe-case-" });
  try {
    return await runIn(scratch, script, names);
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

async function runIn(scratch: string, script: string, names: Names): Promise<Outcome> {
  const stdoutFile = `${scratch}/.stdout`;
  const stderrFile = `${scratch}/.stderr`;
  // For cases that give up root's rights.
  await Deno.chmod(scratch, 0o755);
  // In a session of its own, whose process group is the case and all that it starts.
  const child = new Deno.Command("setsid", {
    args: ["bash", script],
    cwd: scratch,
    clearEnv: true,
    env: {
      PATH: `${BINARY_FOLDER}:${Deno.env.get("PATH") ?? "/usr/bin:/bin"}`,
      HOME: scratch,
      LANG: "C.UTF-8",
      BASH_ENV: `${HARNESS}/prelude.sh`,
      CASE_STDOUT: stdoutFile,
      CASE_STDERR: stderrFile,
      ...names,
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let inTime = true;
  const limit = setTimeout(() => {
    inTime = false;
    killGroup(child.pid);
  }, LIMIT_MS);
  const [stdout, stderr, status] = await Promise.all([
    collect(child.stdout, stdoutFile),
    collect(child.stderr, stderrFile),
    child.status.finally(() => killGroup(child.pid)),
  ]);
  clearTimeout(limit);
  return { stdout, stderr, code: inTime ? status.code : null };
}

/** The stream's text; meanwhile it also grows in a file, where the case's script can look. */
async function collect(stream: ReadableStream<Uint8Array>, file: string): Promise<string> {
  using copy = await Deno.open(file, { write: true, create: true });
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    copy.writeSync(chunk);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** Ends a case's process group, which is its own: nothing it left behind outlives it. */
function killGroup(leader: number): void {
  try {
    Deno.kill(-leader, "SIGKILL");
  } catch {
    // Nobody is left in it.
  }
}
