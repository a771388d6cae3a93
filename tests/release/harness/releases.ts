/** Folders that hold what a release publishes: real ones, and small ones whose program is a script. */
import { type ArchiveFile, tarGz } from "../../../scripts/release/tar.ts";
import { hostTarget, releaseName } from "../../../scripts/release/targets.ts";

/** What a release is made from. */
const SOURCES = ["main.ts", "deno.json", "LICENSE", "src", "scripts"];
/** The project. */
export const ROOT = new URL("../../..", import.meta.url).pathname.replace(/\/$/, "");

export const TARGET = hostTarget();

export function archiveName(version: string): string {
  return `${releaseName(version, TARGET)}.tar.gz`;
}

/** Runs `task package` in a copy of the sources; where a version is given, at that one, archives alone. */
export async function packageCopy(
  folder: string,
  output: string,
  version: string | null = null,
): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  await command("cp", "-R", ...SOURCES.map((name) => `${ROOT}/${name}`), folder);
  if (version !== null) {
    const text = await Deno.readTextFile(`${folder}/deno.json`);
    const changed = text.replace(/"version": "[^"]*"/, `"version": "${version}"`);
    await Deno.writeTextFile(`${folder}/deno.json`, changed);
  }
  await packageAt(folder, output, ...(version === null ? [] : ["--archives"]));
}

/** Runs `task package` for these targets, this machine's where none is given; `--archives` before them. */
export async function packageAt(
  folder: string,
  output: string,
  ...words: string[]
): Promise<void> {
  const args = ["scripts/release/package.ts", "--output", output, ...words];
  const targets = words.filter((word) => word !== "--archives");
  // By the script, which fetches what other targets need.
  const { success, stderr } = await new Deno.Command(`${folder}/scripts/deno`, {
    args: ["run", "--allow-all", ...args],
    cwd: folder,
    env: { WIRE_PROBE_TARGETS: targets.join(" ") },
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

/** A release whose program answers to `version` and no more, with so many bytes that do not pack. */
export async function smallRelease(
  folder: string,
  version: string,
  ballastBytes = 0,
  program = `#!/bin/sh\necho wire-probe ${version}\n`,
): Promise<void> {
  const name = releaseName(version, TARGET);
  const text = (content: string) => new TextEncoder().encode(content);
  const archive = tarGz([
    { path: `${name}/wire-probe`, content: text(program), executable: true },
    { path: `${name}/wire-probe.1`, content: text(`.TH ${version}\n`), executable: false },
    { path: `${name}/ballast`, content: noise(ballastBytes), executable: false },
  ]);
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeFile(`${folder}/${name}.tar.gz`, archive);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", archive.slice()));
  await Deno.writeTextFile(`${folder}/SHA256SUMS`, `${digest.toHex()}  ${name}.tar.gz\n`);
}

/** The files of a release, small, whose program prints its version. */
export function smallFiles(version: string): ArchiveFile[] {
  const file = (path: string, content: string, executable = false): ArchiveFile => ({
    path,
    content: new TextEncoder().encode(content),
    executable,
  });
  return [
    file("wire-probe", `#!/bin/sh\necho wire-probe ${version}\n`, true),
    file("LICENSE", "MIT\n"),
    file("wire-probe.1", ".TH\n"),
    file("completions/wire-probe.bash", "bash\n"),
    file("completions/_wire-probe", "zsh\n"),
    file("completions/wire-probe.fish", "fish\n"),
    file("systemd/wire-probe-serve.service", "ExecStart=/usr/local/bin/wire-probe serve\n"),
  ];
}

/** getRandomValues gives so many at a time. */
const NOISE_BYTES = 65_536;

function noise(bytes: number): Uint8Array {
  const all = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += NOISE_BYTES) {
    crypto.getRandomValues(all.subarray(at, at + NOISE_BYTES));
  }
  return all;
}

export async function command(program: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args }).output();
  if (!success) throw new Error(`${program}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}
