/**
 * `task image`: a container image from scratch as an OCI layout (image-spec 1.1), built without a
 * container engine:
 *
 *     image.ts [--output FOLDER] [--debian] [MACHINE=PROGRAM…]    MACHINE is x86_64 or aarch64
 *
 * It holds the program, and of Debian's libc6, libgcc-s1, ca-certificates and netbase the files that it
 * needs: this machine's own, or with --debian those of the packages, fetched for each machine. The same
 * files make the same bytes. `skopeo copy --all oci:FOLDER docker://…` pushes it for all machines.
 */
import { gunzipSync } from "node:zlib";
import { VERSION } from "../../src/version.ts";
import { BINARY } from "../release/build.ts";
import { type ArchiveFile, tarGz } from "../release/tar.ts";
import { debianFiles } from "./debian.ts";

const OUTPUT = "dist/image";
/** `nobody` of Debian, which owns nothing. */
const USER = "65534:65534";
/** What the program is linked with, and what the resolver and TLS of libc and runtime open. */
const LIBRARIES = [
  ...["libc.so.6", "libdl.so.2", "libgcc_s.so.1", "libm.so.6", "libpthread.so.0", "librt.so.1"],
  ...["libnss_dns.so.2", "libnss_files.so.2", "libresolv.so.2"],
];
export const MACHINES = {
  x86_64: { oci: "amd64", loader: "lib64/ld-linux-x86-64.so.2", folder: "lib/x86_64-linux-gnu" },
  aarch64: { oci: "arm64", loader: "lib/ld-linux-aarch64.so.1", folder: "lib/aarch64-linux-gnu" },
};
const FILES = ["etc/ssl/certs/ca-certificates.crt", "etc/services", "etc/protocols"];
/** An engine mounts these; the program reads itself below /proc. */
const FOLDERS = ["dev/", "proc/", "sys/", "tmp/"];
/** Names and users as every image has them; the look-up of names goes to files and DNS alone. */
const WRITTEN: readonly (readonly [path: string, text: string])[] = [
  ["etc/passwd", "root:x:0:0:root:/:/sbin/nologin\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n"],
  ["etc/group", "root:x:0:\nnogroup:x:65534:\n"],
  ["etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"],
  // A name with several lines in the hosts file has all their addresses, as on any Debian.
  ["etc/host.conf", "multi on\n"],
  ["etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\nservices: files\n"],
];

const TYPE = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar+gzip",
} as const;

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

export type Machine = keyof typeof MACHINES;

/** The image for one kind of machine. */
export interface Variant {
  readonly machine: Machine;
  readonly program: string;
  /** The root of a Debian system of that kind. */
  readonly system: string;
}

/** Writes the layout of one image for these machines into the folder, which is made anew. */
export async function writeImage(output: string, variants: readonly Variant[]): Promise<void> {
  await Deno.remove(output, { recursive: true }).catch(() => {});
  await Deno.mkdir(`${output}/blobs/sha256`, { recursive: true });
  const manifests = [];
  for (const variant of variants) {
    const platform = { architecture: MACHINES[variant.machine].oci, os: "linux" };
    manifests.push({ ...await writeVariant(output, variant), platform });
  }
  const index = (of: readonly unknown[]) =>
    json({ schemaVersion: 2, mediaType: TYPE.index, manifests: of });
  // One image of several machines is an index within the layout's own.
  const image = await writeBlob(output, TYPE.index, index(manifests));
  const named = { "org.opencontainers.image.ref.name": VERSION };
  await Deno.writeFile(`${output}/index.json`, index([{ ...image, annotations: named }]));
  await Deno.writeFile(`${output}/oci-layout`, json({ imageLayoutVersion: "1.0.0" }));
}

/** Writes the blobs for one kind of machine; the descriptor of its manifest. */
async function writeVariant(
  output: string,
  { machine: name, program, system }: Variant,
): Promise<Descriptor> {
  const machine = MACHINES[name];
  // The system's files change less often than the program: a layer of their own is fetched once.
  const layers = [
    tarGz(await systemFiles(system, machine)),
    tarGz([{ path: "wire-probe", content: await Deno.readFile(program), executable: true }]),
  ];
  const blob = (mediaType: string, content: Uint8Array) => writeBlob(output, mediaType, content);
  const config = json({
    architecture: machine.oci,
    os: "linux",
    config: { User: USER, Entrypoint: ["/wire-probe"], Cmd: ["help"], WorkingDir: "/" },
    rootfs: {
      type: "layers",
      diff_ids: await Promise.all(layers.map((layer) => digestOf(gunzipSync(layer)))),
    },
  });
  return await blob(
    TYPE.manifest,
    json({
      schemaVersion: 2,
      mediaType: TYPE.manifest,
      config: await blob(TYPE.config, config),
      layers: await Promise.all(layers.map((layer) => blob(TYPE.layer, layer))),
      annotations: {
        "org.opencontainers.image.title": "wire-probe",
        "org.opencontainers.image.version": VERSION,
        "org.opencontainers.image.source": "https://github.com/wire-probe/wire-probe",
      },
    }),
  );
}

async function systemFiles(
  system: string,
  { loader, folder }: { readonly loader: string; readonly folder: string },
): Promise<ArchiveFile[]> {
  const paths = [loader, ...LIBRARIES.map((name) => `${folder}/${name}`), ...FILES];
  const files = await Promise.all(paths.map(async (path) => ({
    path,
    content: await Deno.readFile(`${system}/${path}`),
    executable: path.includes(".so."),
  })));
  const written = WRITTEN.map(([path, text]) => ({
    path,
    content: new TextEncoder().encode(text),
    executable: false,
  }));
  const folders = FOLDERS.map((path) => ({ path, content: new Uint8Array(), executable: true }));
  return [...folders, ...files, ...written];
}

async function writeBlob(
  output: string,
  mediaType: string,
  content: Uint8Array,
): Promise<Descriptor> {
  const digest = await digestOf(content);
  await Deno.writeFile(`${output}/blobs/${digest.replace(":", "/")}`, content);
  return { mediaType, digest, size: content.length };
}

async function digestOf(content: Uint8Array): Promise<string> {
  const sum = await crypto.subtle.digest("SHA-256", Uint8Array.from(content));
  return `sha256:${new Uint8Array(sum).toHex()}`;
}

function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

const USAGE = "usage: task image [--output FOLDER] [--debian] [MACHINE=PROGRAM…]";

async function main(words: readonly string[]): Promise<void> {
  let output = OUTPUT;
  let debian = false;
  const programs: [machine: string, program: string][] = [];
  const rest = words.values();
  for (const word of rest) {
    const [machine, program] = word.split("=", 2);
    if (word === "--debian") debian = true;
    else if (word === "--output") output = rest.next().value ?? "";
    else if (program !== undefined) programs.push([machine, program]);
    else throw new Error(USAGE);
  }
  if (programs.length === 0) programs.push([Deno.build.arch, BINARY]);
  const scratch = await Deno.makeTempDir({ prefix: "wire-probe-image-" });
  try {
    const variants: Variant[] = [];
    for (const [machine, program] of programs) {
      if (!isMachine(machine) || output === "") throw new Error(USAGE);
      if (!debian && machine !== Deno.build.arch) throw new Error(`${machine}: wants --debian`);
      const system = debian
        ? await debianFiles(MACHINES[machine].oci, `${scratch}/${machine}`)
        : "";
      variants.push({ machine, program, system });
    }
    await writeImage(output, variants);
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
  console.log(`${output}: push it with skopeo copy --all oci:${output} docker://…`);
}

function isMachine(text: string): text is Machine {
  return Object.hasOwn(MACHINES, text);
}

if (import.meta.main) {
  try {
    await main(Deno.args);
  } catch (error) {
    console.error(`image: ${error instanceof Error ? error.message : error}`);
    Deno.exit(1);
  }
}
