/**
 * `task package`: what a release consists of, in dist/release.
 *
 *     package.ts [--output FOLDER] [TARGET-TRIPLE…]   an archive a target (this machine's when none
 *                                                     is named), the installer, and SHA256SUMS
 *     package.ts [--output FOLDER] --sums             SHA256SUMS alone, of what lies there
 *
 * The same commit makes the same bytes, wherever and whenever it is built.
 */
import { VERSION } from "../../src/version.ts";
import { completionScript } from "../../src/cli/completions.ts";
import { manPage } from "../../src/cli/man.ts";
import { build } from "./build.ts";
import { debArchitecture, debOf } from "./deb.ts";
import { sbomOf } from "./sbom.ts";
import { type ArchiveFile, tarGz } from "./tar.ts";
import {
  hostTarget,
  isLinux,
  isTarget,
  isWindows,
  releaseName,
  type Target,
  TARGETS,
} from "./targets.ts";

const OUTPUT = "dist/release";
const SUMS = "SHA256SUMS";
const INSTALLER = "install.sh";
const UNITS = "scripts/systemd";
const USAGE = "usage: task package [--output FOLDER] [--sums | TARGET-TRIPLE…]";

interface Options {
  readonly output: string;
  readonly sumsOnly: boolean;
  readonly targets: readonly Target[];
}

/** Throws an error that says what cannot be used. */
function parse(argv: readonly string[]): Options {
  let output = OUTPUT;
  let sumsOnly = false;
  const targets: Target[] = [];
  const words = argv.values();
  for (const word of words) {
    if (word === "--sums") sumsOnly = true;
    else if (word === "--output") output = words.next().value ?? "";
    else if (isTarget(word)) targets.push(word);
    else throw new Error(`there is no target ${word}; there are ${TARGETS.join(", ")}`);
  }
  if (output === "" || (sumsOnly && targets.length > 0)) throw new Error(USAGE);
  return { output, sumsOnly, targets: targets.length === 0 ? [hostTarget()] : targets };
}

/** Compiles for the target and writes its archive, whose path it returns. */
async function packageFor(target: Target, output: string): Promise<string> {
  const scratch = await Deno.makeTempDir({ prefix: "wire-probe-package-" });
  try {
    const executable = isWindows(target) ? "wire-probe.exe" : "wire-probe";
    await build(`${scratch}/${executable}`, target);
    const name = releaseName(VERSION, target);
    const files = [
      { path: executable, content: await Deno.readFile(`${scratch}/${executable}`) },
      ...await companions(target),
    ];
    const contents = files.map(({ path, content }): ArchiveFile => ({
      path,
      content,
      executable: path === executable,
    }));
    const archive = `${output}/${name}.tar.gz`;
    await Deno.writeFile(
      archive,
      tarGz(contents.map((file) => ({ ...file, path: `${name}/${file.path}` }))),
    );
    const architecture = debArchitecture(target);
    if (architecture !== null) {
      const deb = `${output}/wire-probe_${VERSION}_${architecture}.deb`;
      await Deno.writeFile(deb, debOf(VERSION, architecture, contents));
    }
    return archive;
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

interface Companion {
  readonly path: string;
  readonly content: Uint8Array;
}

/** What goes with the executable. */
async function companions(target: Target): Promise<Companion[]> {
  const text = (path: string, content: string): Companion => ({
    path,
    content: new TextEncoder().encode(content),
  });
  const units = isLinux(target) ? await namesIn(UNITS) : [];
  return [
    { path: "LICENSE", content: await Deno.readFile("LICENSE") },
    text("wire-probe.1", manPage(VERSION)),
    text("completions/wire-probe.bash", completionScript("bash")),
    text("completions/_wire-probe", completionScript("zsh")),
    text("completions/wire-probe.fish", completionScript("fish")),
    ...await Promise.all(units.map(async (name) => ({
      path: `systemd/${name}`,
      content: await Deno.readFile(`${UNITS}/${name}`),
    }))),
  ];
}

/** `sha256sum`'s format, by name, of all that is published from the folder. */
async function writeSums(folder: string): Promise<void> {
  const published = (await namesIn(folder)).filter((name) =>
    /\.(tar\.gz|deb|cdx\.json)$/.test(name) || name === INSTALLER
  );
  const lines = await Promise.all(published.map(async (name) => {
    const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(`${folder}/${name}`));
    return `${new Uint8Array(digest).toHex()}  ${name}\n`;
  }));
  await Deno.writeTextFile(`${folder}/${SUMS}`, lines.join(""));
}

/** The files of a folder, in the order of their names' bytes. */
async function namesIn(folder: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  return entries.filter(({ isFile }) => isFile).map(({ name }) => name).sort();
}

async function main(): Promise<void> {
  const { output, sumsOnly, targets } = parse(Deno.args);
  await Deno.mkdir(output, { recursive: true });
  await Deno.copyFile(`scripts/${INSTALLER}`, `${output}/${INSTALLER}`);
  for (const target of sumsOnly ? [] : targets) {
    const archive = await packageFor(target, output);
    const { size } = await Deno.stat(archive);
    console.log(`${archive}: ${(size / 2 ** 20).toFixed(1)} MiB`);
  }
  const sbom = sbomOf(VERSION, Deno.version.deno);
  if (!sumsOnly) await Deno.writeTextFile(`${output}/wire-probe-${VERSION}.cdx.json`, sbom);
  await writeSums(output);
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    console.error(`package: ${error instanceof Error ? error.message : error}`);
    Deno.exit(1);
  }
}
