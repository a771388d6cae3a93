/**
 * Checks this machine's archive of a release as a user would use it: `check.ts FOLDER`. The
 * checksum is right, the archive unpacks with the system's tar, and the executable runs, probes
 * itself, and keeps to the limits of size and memory. Prints its measurements; exits 1 on a miss.
 */
import { VERSION } from "../../src/version.ts";
import { hostTarget, isLinux, isWindows, releaseName } from "./targets.ts";

const MIB = 2 ** 20;
const PROBES = 5;
/** Start-up is over and its memory given back within 3 s, and on a busy machine by the end of this time. */
const SETTLE_MS = 30_000;
const POLL_MS = 250;
const MAX_ARCHIVE_BYTES = 50 * MIB;
/** Nearly all of it is the runtime, whose size differs by platform. */
const MAX_EXECUTABLE_BYTES = { linux: 100 * MIB, other: 160 * MIB };
/** Memory can be given back on Linux alone. */
const MAX_RESIDENT_BYTES = { linux: 36 * MIB, other: 160 * MIB };

/** Runs to the end; throws what it said on standard error when it fails. */
async function run(program: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args }).output();
  if (!success) throw new Error(`${program} ${args.join(" ")}: ${decode(stderr)}`);
  return decode(stdout);
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes).trim();
}

function atMost(what: string, bytes: number, limit: number): void {
  const shown = (value: number) => `${(value / MIB).toFixed(1)} MiB`;
  console.log(`${what.padEnd(22)} ${shown(bytes)} (at most ${shown(limit)})`);
  if (!(bytes <= limit)) throw new Error(`${what} is above its limit`);
}

async function residentBytes(pid: number): Promise<number> {
  if (Deno.build.os === "windows") {
    const ask = `(Get-Process -Id ${pid}).WorkingSet64`;
    return Number(await run("powershell", "-NoProfile", "-Command", ask));
  }
  return Number(await run("ps", "-o", "rss=", "-p", String(pid))) * 1024;
}

/** Resident memory once it is within the limit, or at the end of the time. */
async function settledBytes(pid: number, limit: number): Promise<number> {
  const endMs = performance.now() + SETTLE_MS;
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    const bytes = await residentBytes(pid);
    if (bytes <= limit || performance.now() > endMs) return bytes;
  }
}

async function checkSum(folder: string, archive: string): Promise<void> {
  const sums = await Deno.readTextFile(`${folder}/SHA256SUMS`);
  const content = await Deno.readFile(`${folder}/${archive}`);
  const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", content)).toHex();
  if (!sums.split("\n").includes(`${sum}  ${archive}`)) {
    throw new Error(`SHA256SUMS does not hold the sum of ${archive}`);
  }
  atMost("archive", content.length, MAX_ARCHIVE_BYTES);
}

/** The port that serve names on its first line. */
async function portOf(stderr: ReadableStream<Uint8Array>): Promise<string> {
  let said = "";
  for await (const chunk of stderr.values({ preventCancel: true })) {
    said += new TextDecoder().decode(chunk);
    if (said.includes("\n")) break;
  }
  const port = /listening on [^ ]*:([0-9]+)/.exec(said)?.[1];
  if (port === undefined) throw new Error(`serve does not listen but says: ${said}`);
  return port;
}

/** Serve and probe as a user would; serve's memory after that. */
async function exercise(executable: string, linux: boolean): Promise<number> {
  const serve = new Deno.Command(executable, {
    args: ["serve", "--bind", "127.0.0.1", "--port", "0"],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  try {
    const target = `127.0.0.1:${await portOf(serve.stderr)}`;
    const args = ["-c", String(PROBES), "-i", "100ms", "-o", "json", target];
    const lines = (await run(executable, "probe", ...args)).split("\n").map((l) => JSON.parse(l));
    const { answered } = lines[lines.length - 1];
    if (answered !== PROBES) throw new Error(`${answered} of ${PROBES} probes were answered`);
    const sources = [...new Set(lines.slice(0, -1).map(({ rtt_source }) => rtt_source))];
    console.log(`rtt is the ${sources.join(" and the ")}'s`);
    if (linux && !sources.includes("kernel")) throw new Error("the kernel's RTT is not read");
    return await settledBytes(serve.pid, MAX_RESIDENT_BYTES[linux ? "linux" : "other"]);
  } finally {
    serve.kill("SIGKILL");
    await serve.stderr.cancel();
    await serve.status;
  }
}

async function main(folder: string): Promise<void> {
  const target = hostTarget();
  const name = releaseName(VERSION, target);
  await checkSum(folder, `${name}.tar.gz`);
  const scratch = await Deno.makeTempDir({ prefix: "wire-probe-check-" });
  try {
    await run("tar", "-xzf", `${folder}/${name}.tar.gz`, "-C", scratch);
    const executable = `${scratch}/${name}/${isWindows(target) ? "wire-probe.exe" : "wire-probe"}`;
    const kind = isLinux(target) ? "linux" : "other";
    atMost("executable", (await Deno.stat(executable)).size, MAX_EXECUTABLE_BYTES[kind]);
    const version = await run(executable, "version");
    if (version !== `wire-probe ${VERSION}`) throw new Error(`it says it is ${version}`);
    const resident = await exercise(executable, isLinux(target));
    atMost("serve, resident", resident, MAX_RESIDENT_BYTES[kind]);
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

if (import.meta.main) {
  try {
    await main(Deno.args[0]);
  } catch (error) {
    console.error(`check: ${error instanceof Error ? error.message : error}`);
    Deno.exit(1);
  }
}
