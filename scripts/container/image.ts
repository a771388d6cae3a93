/**
 * `task image`: a container image from scratch as an OCI layout (image-spec 1.1), built without a
 * container engine: `image.ts [--binary FILE] [--output FOLDER]`. It holds the program, and of this
 * Debian machine's libc6, libgcc-s1, ca-certificates and netbase the files that it needs. The same
 * files make the same bytes: `skopeo copy oci:FOLDER docker://…` pushes it.
 */
import { gunzipSync } from "node:zlib";
import { VERSION } from "../../src/version.ts";
import { BINARY } from "../release/build.ts";
import { type ArchiveFile, tarGz } from "../release/tar.ts";

const OUTPUT = "dist/image";
/** `nobody` of Debian, which owns nothing. */
const USER = "65534:65534";
/** What the program is linked with, and what the resolver and TLS of libc and runtime open. */
const LIBRARIES = [
  ...["libc.so.6", "libdl.so.2", "libgcc_s.so.1", "libm.so.6", "libpthread.so.0", "librt.so.1"],
  ...["libnss_dns.so.2", "libnss_files.so.2", "libresolv.so.2"],
];
const MACHINES = {
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

/** Writes the layout into the folder, which is made anew. */
export async function writeImage(binary: string, output: string): Promise<void> {
  const machine = MACHINES[Deno.build.arch];
  await Deno.remove(output, { recursive: true }).catch(() => {});
  await Deno.mkdir(`${output}/blobs/sha256`, { recursive: true });
  // The system's files change less often than the program: a layer of their own is fetched once.
  const layers = [
    tarGz(await systemFiles(machine)),
    tarGz([{ path: "wire-probe", content: await Deno.readFile(binary), executable: true }]),
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
  const manifest = await blob(
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
  const platform = { architecture: machine.oci, os: "linux" };
  const named = { "org.opencontainers.image.ref.name": VERSION };
  await Deno.writeFile(
    `${output}/index.json`,
    json({
      schemaVersion: 2,
      mediaType: TYPE.index,
      manifests: [{ ...manifest, platform, annotations: named }],
    }),
  );
  await Deno.writeFile(`${output}/oci-layout`, json({ imageLayoutVersion: "1.0.0" }));
}

async function systemFiles({ loader, folder }: { loader: string; folder: string }): Promise<
  ArchiveFile[]
> {
  const paths = [loader, ...LIBRARIES.map((name) => `${folder}/${name}`), ...FILES];
  const files = await Promise.all(paths.map(async (path) => ({
    path,
    content: await Deno.readFile(`/${path}`),
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

function argument(name: string, usual: string): string {
  const at = Deno.args.indexOf(name);
  return at < 0 ? usual : Deno.args[at + 1] ?? usual;
}

if (import.meta.main) {
  const output = argument("--output", OUTPUT);
  await writeImage(argument("--binary", BINARY), output);
  console.log(`${output}: push it with skopeo copy oci:${output} docker://…`);
}
