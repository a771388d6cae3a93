/** A root made of an image's layers, and its program run there as an engine would run it. */
import { assertEquals } from "@std/assert";
import { MemoryGroup } from "./memory_group.ts";

const NOBODY = "65534";
/** For a script that hangs; on a busy machine one takes a minute. */
const LIMIT_S = "180";

export interface Descriptor {
  readonly digest: string;
  readonly size: number;
}

/** What is looked at of a layout's documents, each of which has a part of it. */
export interface Document {
  readonly imageLayoutVersion: string;
  readonly manifests: readonly (Descriptor & { readonly platform?: Platform })[];
  readonly config: Descriptor & { readonly User: string };
  readonly layers: readonly Descriptor[];
  readonly os: string;
  readonly architecture: string;
}

export interface Platform {
  readonly architecture: string;
  readonly os: string;
}

export async function json(path: string): Promise<Document> {
  return JSON.parse(await Deno.readTextFile(path));
}

/** The path of a blob, once its digest and size are seen to be right. */
export async function blob(image: string, of: Descriptor): Promise<string> {
  const path = `${image}/blobs/${of.digest.replace(":", "/")}`;
  const content = await Deno.readFile(path);
  const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", content)).toHex();
  assertEquals([`sha256:${sum}`, content.length], [of.digest, of.size]);
  return path;
}

export async function run(...words: string[]): Promise<{ code: number; said: string }> {
  const { code, stdout, stderr } = await new Deno.Command(words[0], { args: words.slice(1) })
    .output();
  return { code, said: [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("") };
}

export class ImageRoot {
  private constructor(readonly path: string) {}

  /** Unpacks the layers of an image's first variant. */
  static async unpack(image: string, path: string): Promise<ImageRoot> {
    const index = await json(`${image}/index.json`);
    const variants = await json(await blob(image, index.manifests[0]));
    const manifest = await json(await blob(image, variants.manifests[0]));
    await Deno.mkdir(path);
    for (const layer of manifest.layers) {
      const { code, said } = await run("tar", "-xzf", await blob(image, layer), "-C", path);
      assertEquals([code, said], [0, ""]);
    }
    return new ImageRoot(path);
  }

  /** A file that an engine or a cluster puts over one of the image's, or beside them. */
  async put(path: string, text: string): Promise<void> {
    const full = `${this.path}/${path}`;
    await Deno.mkdir(full.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.writeTextFile(full, text);
  }

  /**
   * Runs a shell script in a network and a mount namespace of its own, with the root read-only. In it
   * `contained N ARGUMENT…` is the program as nobody, without capabilities or new privileges, in the
   * N-th group where there are any; it takes the place of the shell that calls it.
   */
  async script(
    text: string,
    groups: readonly MemoryGroup[],
  ): Promise<{ code: number; said: string }> {
    const { path } = this;
    const mounts = [
      `mount --bind ${path} ${path}`,
      `mount -o remount,bind,ro ${path}`,
      `mount -t proc proc ${path}/proc`,
      "ip link set lo up",
    ];
    // A change of user takes every capability away; no-new-privs keeps it so.
    const program = `exec setpriv --no-new-privs chroot --userspec=${NOBODY}:${NOBODY} ${path} ` +
      '/wire-probe "$@"';
    const enter = groups.map((group, i) => `${i}) ${group.enter} || exit ;;`).join(" ");
    const contained =
      `contained() { exec sh -c 'case $1 in ${enter} esac; shift; ${program}' sh "$@"; }`;
    const whole = `set -e\n${mounts.join("\n")}\n${contained}\nset +e\n${text}`;
    const apart = ["timeout", "-k", "1", LIMIT_S, "unshare", "--mount", "--net"];
    return await run(...apart, "sh", "-c", whole);
  }
}
