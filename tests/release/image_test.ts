/** The container image: a sound OCI layout, the same again, and the program runs in a root of its layers alone. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { existsSync } from "node:fs";
import { isOnPath, withFolder } from "../../scripts/gate/command.ts";
import { writeImage } from "../../scripts/container/image.ts";

const BINARY = "dist/wire-probe";
const NOBODY = "65534";
const DEBIAN = existsSync("/etc/debian_version") &&
  existsSync("/etc/ssl/certs/ca-certificates.crt");
const CAN_RUN = DEBIAN && Deno.uid() === 0 && ["unshare", "setpriv", "tar"].every(isOnPath);

interface Descriptor {
  readonly digest: string;
  readonly size: number;
}

/** What is looked at of the layout's documents, each of which has a part of it. */
interface Document {
  readonly imageLayoutVersion: string;
  readonly manifests: readonly Descriptor[];
  readonly config: Descriptor & { readonly User: string };
  readonly layers: readonly Descriptor[];
  readonly os: string;
}

async function json(path: string): Promise<Document> {
  return JSON.parse(await Deno.readTextFile(path));
}

/** The text of a blob, once its digest and size are seen to be right. */
async function blob(image: string, of: Descriptor): Promise<string> {
  const path = `${image}/blobs/${of.digest.replace(":", "/")}`;
  const content = await Deno.readFile(path);
  const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", content)).toHex();
  assertEquals([`sha256:${sum}`, content.length], [of.digest, of.size]);
  return path;
}

async function run(...words: string[]): Promise<{ code: number; said: string }> {
  const { code, stdout, stderr } = await new Deno.Command(words[0], { args: words.slice(1) })
    .output();
  return { code, said: [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("") };
}

Deno.test({
  name: `an image is a sound OCI layout, and its program runs as nobody, read-only${
    CAN_RUN ? "" : " (wants Debian and root)"
  }`,
  ignore: !CAN_RUN,
  fn: () =>
    withFolder("image", async (folder) => {
      const image = `${folder}/image`;
      await writeImage(BINARY, image);
      for (const name of ["one", "other"]) await writeImage("deno.json", `${folder}/${name}`);
      assertEquals(
        await json(`${folder}/one/index.json`),
        await json(`${folder}/other/index.json`),
      );
      const index = await json(`${image}/index.json`);
      assertEquals((await json(`${image}/oci-layout`)).imageLayoutVersion, "1.0.0");
      const manifest = await json(await blob(image, index.manifests[0]));
      const config = await json(await blob(image, manifest.config));
      assertEquals([config.os, config.config.User], ["linux", "65534:65534"]);
      const root = `${folder}/root`;
      await Deno.mkdir(root);
      for (const layer of manifest.layers) {
        const { code, said } = await run("tar", "-xzf", await blob(image, layer), "-C", root);
        assertEquals([code, said], [0, ""]);
      }
      const mounts =
        `mount --bind ${root} ${root} && mount -o remount,bind,ro ${root} && mount -t proc proc ${root}/proc && `;
      // A change of user takes every capability away; no-new-privs keeps it so.
      const enter =
        `setpriv --no-new-privs chroot --userspec=${NOBODY}:${NOBODY} ${root} /wire-probe`;
      const shell = (command: string) =>
        run("unshare", "--mount", "--net", "sh", "-c", `ip link set lo up; ${mounts}${command}`);
      assertStringIncludes((await shell(`${enter} version`)).said, "wire-probe ");
      const served = `${enter} serve --bind 127.0.0.1 --port 9999 & sleep 1; `;
      const { code, said } = await shell(
        `${served}${enter} probe -c 3 -i 100ms -o json db=localhost:9999; code=$?; kill $!; exit $code`,
      );
      assertEquals(code, 0, said);
      assertEquals(said.split('"outcome":"established"').length - 1, 3, said);
      assert(said.includes('"rtt_source":"kernel"'), said);
    }),
});
