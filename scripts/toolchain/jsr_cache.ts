/**
 * Makes a DENO_DIR whose `jsr:@std/…` modules come from the npm package deno-std, which holds their JavaScript, with the
 * declarations of types/ beside them. Arguments: the unpacked package, the folder of types, the folder to make.
 *
 * A deno.lock made over it names checksums that are not upstream's, which is why deno.json says `"lock": false`.
 */

/** The upstream versions deno-std@1.4.0 was made from. deno.json asks for exactly these; others are not found. */
const VERSIONS: Record<string, string> = {
  assert: "1.0.19",
  async: "1.5.0",
  cli: "1.0.32",
  fmt: "1.0.10",
  internal: "1.0.14",
};

/** Where Deno looks for `jsr:` packages, and so under which addresses its cache keeps them. */
const ORIGIN = "https://jsr.io";

/** An import or re-export of another module: what stands before its specifier, and the specifier. */
const IMPORT = /^((?:import|export)\b[^"'`;]*?\bfrom |\} from |import )"([^"]+)"/gm;

const [packageDir, typesDir, denoDir] = Deno.args;
const remoteDir = `${denoDir}/remote/https/jsr.io`;

async function sha256Hex(text: string): Promise<string> {
  const bytes = new TextEncoder().encode(text);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** Puts a document where Deno keeps what it got from that path of the site: the body, then a comment of metadata. */
async function store(path: string, contentType: string, body: string): Promise<void> {
  const metadata = { headers: { "content-type": contentType }, url: ORIGIN + path, time: 0 };
  const text = `${body}\n// denoCacheMetadata=${JSON.stringify(metadata)}`;
  await Deno.writeTextFile(`${remoteDir}/${await sha256Hex(path)}`, text);
}

/** `assert_equals.js` is exported as `./assert-equals`, `mod.js` as `.`: the rule all of @std follows. */
function exportName(file: string): string {
  const name = file.replace(/\.(js|d\.ts)$/, "");
  return name === "mod" ? "." : `./${name.replaceAll("_", "-")}`;
}

/** Names of a folder's files, in order, none when there is no such folder. */
function filesIn(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map((entry) => entry.name).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/**
 * A package's modules: the entries and whatever they import, by file name. What no entry reaches is left out, for
 * deno-std lacks some of what other modules import. Imports across packages become `jsr:` ones, as upstream has them.
 */
function modulesFrom(name: string, entries: string[]): Map<string, string> {
  const modules = new Map<string, string>();
  const waiting = [...entries];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (modules.has(file)) continue;
    const source = Deno.readTextFileSync(`${packageDir}/${name}/${file}`);
    const rewritten = source.replace(IMPORT, (_, before: string, specifier: string) => {
      const [, other, module] = /^\.\.\/(\w+)\/(.+)$/.exec(specifier) ?? [];
      if (other !== undefined) {
        return `${before}"jsr:@std/${other}@${VERSIONS[other]}${exportName(module).slice(1)}"`;
      }
      waiting.push(specifier.replace(/^\.\//, ""));
      return `${before}"${specifier}"`;
    });
    modules.set(file, rewritten);
  }
  return modules;
}

/** The version's document: its exports, and a checksum for each of its files, which Deno verifies. */
async function versionDocument(files: Map<string, string>, entries: string[]): Promise<string> {
  const manifest: Record<string, { size: number; checksum: string }> = {};
  for (const [file, body] of files) {
    const size = new TextEncoder().encode(body).length;
    manifest[`/${file}`] = { size, checksum: `sha256-${await sha256Hex(body)}` };
  }
  const exports = Object.fromEntries(entries.map((file) => [exportName(file), `./${file}`]));
  return JSON.stringify({ manifest, exports });
}

/** Stores one package. Its entries are the modules that have a declaration; of `internal`, all that are not private. */
async function storePackage(name: string, version: string): Promise<void> {
  const types = filesIn(`${typesDir}/${name}`);
  const entries = name === "internal"
    ? filesIn(`${packageDir}/${name}`).filter((file) => !file.startsWith("_"))
    : types.map((file) => file.replace(/\.d\.ts$/, ".js"));
  const files = modulesFrom(name, entries);
  for (const file of types) {
    const module = file.replace(/\.d\.ts$/, ".js");
    files.set(module, `/* @ts-self-types="./${file}" */\n${files.get(module)}`);
    files.set(file, Deno.readTextFileSync(`${typesDir}/${name}/${file}`));
  }
  for (const [file, body] of files) {
    const contentType = file.endsWith(".js") ? "text/javascript" : "text/typescript";
    await store(`/@std/${name}/${version}/${file}`, contentType, body);
  }
  const versions = { scope: "std", name, latest: version, versions: { [version]: {} } };
  await store(`/@std/${name}/meta.json`, "application/json", JSON.stringify(versions));
  await store(
    `/@std/${name}/${version}_meta.json`,
    "application/json",
    await versionDocument(files, entries),
  );
}

await Deno.mkdir(remoteDir, { recursive: true });
for (const [name, version] of Object.entries(VERSIONS)) await storePackage(name, version);
