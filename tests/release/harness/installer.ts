/** Runs scripts/install.sh as its users do: piped into a shell, as one user or another. */
import { existsSync } from "node:fs";

export const SCRIPT = new URL("../../../scripts/install.sh", import.meta.url).pathname;
/** The user and group `nobody`. */
const NOBODY = "65534";
/** What the script calls beside a downloader, a checksum tool, uname and ldd. */
const TOOLS = [
  ...[
    "cat",
    "chmod",
    "cp",
    "find",
    "gzip",
    "id",
    "mkdir",
    "mktemp",
    "mv",
    "rm",
    "sed",
    "sh",
    "tail",
    "tar",
    "tr",
  ],
];

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How the script is run. */
export interface Way {
  readonly shell?: readonly string[];
  /** A folder of tools that is all its PATH. */
  readonly tools?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Words before the shell's. */
  readonly as?: readonly string[];
}

/** A folder of its own for a test, whose home and files belong to the user that `asUser` is. */
export async function withHome(body: (home: string) => Promise<void>): Promise<void> {
  const home = await Deno.makeTempDir({ prefix: "wire-probe-home-" });
  try {
    if (Deno.uid() === 0) await Deno.chown(home, Number(NOBODY), Number(NOBODY)).catch(() => {});
    await Deno.chmod(home, 0o755);
    await body(home);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

/** The words that make an ordinary user: none where this process is one already. */
export async function asUser(): Promise<readonly string[]> {
  if (Deno.uid() !== 0) return [];
  const drop = ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"];
  // Root of a user namespace has nobody else to become; in a further one it is nobody itself.
  return (await run([...drop, "true"])).code === 0 ? drop : ["unshare", "--user"];
}

/** Pipes the script into a shell with these arguments. */
export function install(home: string, args: readonly string[], way: Way = {}): Promise<Ran> {
  const { shell = ["sh"], tools, env = {}, as = [] } = way;
  const path = tools ?? Deno.env.get("PATH") ?? "/usr/bin:/bin";
  const all = Object.entries({ HOME: home, PATH: path, ...env });
  const only = ["/usr/bin/env", "-i", ...all.map(([name, text]) => `${name}=${text}`)];
  return run([...as, ...only, ...shell, "-s", "--", ...args], Deno.readFileSync(SCRIPT));
}

/** Runs to the end, with this on its standard input. */
export async function run(words: readonly string[], input = new Uint8Array()): Promise<Ran> {
  const child = new Deno.Command(words[0], {
    args: words.slice(1),
    cwd: "/",
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  // It may end without having read all.
  new Blob([input]).stream().pipeTo(child.stdin).catch(() => {});
  const { code, stdout, stderr } = await child.output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

/** A folder with the tools that the script needs, these beside them, and scripts of these texts. */
export async function toolFolder(
  home: string,
  names: readonly string[],
  scripts: Readonly<Record<string, string>> = {},
): Promise<string> {
  const folder = await Deno.makeTempDir({ dir: home, prefix: "tools-" });
  await Deno.chmod(folder, 0o755);
  for (const name of [...TOOLS, ...names]) await Deno.symlink(whereIs(name), `${folder}/${name}`);
  for (const [name, text] of Object.entries(scripts)) {
    await Deno.writeTextFile(`${folder}/${name}`, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    await Deno.chmod(`${folder}/${name}`, 0o755);
  }
  return folder;
}

function whereIs(name: string): string {
  const folders = (Deno.env.get("PATH") ?? "").split(":");
  const folder = [...folders, "/usr/bin", "/bin"].find((each) => existsSync(`${each}/${name}`));
  if (folder === undefined) throw new Error(`there is no ${name} here`);
  return `${folder}/${name}`;
}
