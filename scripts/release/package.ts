/**
 * `task package`: what a release consists of, in dist/release.
 *
 *     package.ts [--output FOLDER] [--archives] [TARGET-TRIPLE…]
 *                                                     an archive a target (this machine's when none
 *                                                     is named), for Linux a .deb and an .rpm too
 *                                                     (not with --archives), the installer, SHA256SUMS
 *     package.ts [--output FOLDER] --sums             SHA256SUMS alone, of what lies there
 *
 * The same commit makes the same bytes, wherever and whenever it is built.
 */
import { parseArgs } from "@std/cli/parse-args";
import { VERSION } from "../../src/version.ts";
import { completionScript } from "../../src/cli/completions.ts";
import { manPage } from "../../src/cli/man.ts";
import { build } from "./build.ts";
import { debArchitecture, debOf } from "./deb.ts";
import { rpmArchitecture, rpmOf } from "./rpm.ts";
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
const USAGE = "usage: task package [--output FOLDER] [--sums | [--archives] TARGET-TRIPLE…]";

interface Options {
  readonly output: string;
  readonly sumsOnly: boolean;
  /** No packages beside the archives. */
  readonly archivesOnly: boolean;
  readonly targets: readonly Target[];
}

/** Throws an error that says what cannot be used. */
function parse(argv: readonly string[]): Options {
  const targets: Target[] = [];
  const { output, sums, archives } = parseArgs([...argv], {
    string: ["output"],
    boolean: ["sums", "archives"],
    default: { output: OUTPUT },
    unknown: (word) => {
      if (!isTarget(word)) {
        throw new Error(`there is no target ${word}; there are ${TARGETS.join(", ")}`);
      }
      targets.push(word);
    },
  });
  if (output === "" || (sums === true && targets.length > 0)) throw new Error(USAGE);
  return {
    output: String(output),
    sumsOnly: sums === true,
    archivesOnly: archives === true,
    targets: targets.length === 0 ? [hostTarget()] : targets,
  };
}

/** Compiles for the target and writes its archive, whose path it returns, and its packages. */
async function packageFor(
  target: Target,
  { output, archivesOnly }: Options,
): Promise<string> {
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
    if (!archivesOnly) await writePackages(target, output, contents);
    return archive;
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

/** A .deb and an .rpm; nothing for what has neither. */
async function writePackages(
  target: Target,
  output: string,
  files: readonly ArchiveFile[],
): Promise<void> {
  const [debian, rpm] = [debArchitecture(target), rpmArchitecture(target)];
  if (debian !== null) {
    const path = `${output}/wire-probe_${VERSION}_${debian}.deb`;
    await Deno.writeFile(path, debOf(VERSION, debian, files));
  }
  if (rpm !== null) {
    const path = `${output}/wire-probe-${VERSION}-1.${rpm}.rpm`;
    await Deno.writeFile(path, rpmOf(VERSION, rpm, files));
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
    /\.(tar\.gz|deb|rpm|cdx\.json)$/.test(name) || name === INSTALLER
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
  const options = parse(Deno.args);
  const { output, sumsOnly, targets } = options;
  await Deno.mkdir(output, { recursive: true });
  await Deno.copyFile(`scripts/${INSTALLER}`, `${output}/${INSTALLER}`);
  for (const target of sumsOnly ? [] : targets) {
    const archive = await packageFor(target, options);
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
