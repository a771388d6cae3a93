/** The container image: a sound layout, the same again, pushed for two machines, and run as a cluster would. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { existsSync } from "node:fs";
import { freePort, isOnPath, withFolder } from "../../scripts/gate/command.ts";
import { MACHINES, type Variant, writeImage } from "../../scripts/container/image.ts";
import { blob, ImageRoot, json, run } from "./harness/image_root.ts";
import { argumentsIn, manifestDocuments, withoutYaml } from "./harness/manifests.ts";
import { MemoryGroup } from "./harness/memory_group.ts";

const BINARY = "dist/wire-probe";
const DEBIAN = existsSync("/etc/debian_version") &&
  existsSync("/etc/ssl/certs/ca-certificates.crt");
const CAN_RUN = DEBIAN && Deno.uid() === 0 && ["unshare", "setpriv", "tar"].every(isOnPath);
const lacks = CAN_RUN ? "" : " (wants Debian and root)";
/** Debian's packages for cross-compilers have another processor's libraries here. */
const CROSS = "/usr/aarch64-linux-gnu/lib";
const CAN_PUSH = DEBIAN && existsSync(`${CROSS}/libgcc_s.so.1`) &&
  ["skopeo", "docker-registry"].every(isOnPath);
const MIB = 2 ** 20;
/** The mesh's limit, and that of everything else. */
const LIMITS = { mesh: 128 * MIB, sidecar: 64 * MIB };
const unlimited = CAN_RUN ? MemoryGroup.lacking() : null;
const limited = unlimited === null ? ", within its limit of memory" : ` (${unlimited})`;

function host(program: string): Variant {
  return { machine: Deno.build.arch, program, system: "" };
}

/** The other machine's files as its Debian has them. */
async function crossSystem(folder: string): Promise<string> {
  const { loader, folder: libraries } = MACHINES.aarch64;
  await Deno.mkdir(`${folder}/lib`, { recursive: true });
  await Deno.symlink(CROSS, `${folder}/${libraries}`);
  await Deno.symlink(`/usr/aarch64-linux-gnu/${loader}`, `${folder}/${loader}`);
  await Deno.symlink("/etc", `${folder}/etc`);
  return folder;
}

Deno.test({
  name: `an image is a sound OCI layout, the same again, for nobody to run${lacks}`,
  ignore: !CAN_RUN,
  fn: () =>
    withFolder("image", async (folder) => {
      for (const name of ["one", "other"]) {
        await writeImage(`${folder}/${name}`, [host("deno.json")]);
      }
      const image = `${folder}/one`;
      const index = await json(`${image}/index.json`);
      assertEquals(index, await json(`${folder}/other/index.json`));
      assertEquals((await json(`${image}/oci-layout`)).imageLayoutVersion, "1.0.0");
      const [variant] = (await json(await blob(image, index.manifests[0]))).manifests;
      const manifest = await json(await blob(image, variant));
      const config = await json(await blob(image, manifest.config));
      assertEquals([config.os, config.config.User], ["linux", "65534:65534"]);
      assertEquals(variant.platform, { os: config.os, architecture: config.architecture });
      for (const layer of manifest.layers) await blob(image, layer);
    }),
});

Deno.test({
  name: `an image of two machines is pushed whole to a registry${
    CAN_PUSH ? "" : " (wants skopeo, docker-registry and the libraries of arm64)"
  }`,
  ignore: !CAN_PUSH || Deno.build.arch !== "x86_64",
  fn: () =>
    withFolder("push", async (folder) => {
      const image = `${folder}/image`;
      const system = await crossSystem(`${folder}/system`);
      await writeImage(image, [
        host("deno.json"),
        { machine: "aarch64", program: "main.ts", system },
      ]);
      await using registry = await Registry.start(folder);
      const plain = ["--insecure-policy"];
      const to = `docker://${registry.address}/wire-probe:1.2.3`;
      const copy = await run(
        ...["skopeo", ...plain, "copy", "--quiet", "--all", "--dest-tls-verify=false"],
        ...[`oci:${image}`, to],
      );
      assertEquals(copy.code, 0, copy.said);
      for (const [architecture, program] of [["amd64", "deno.json"], ["arm64", "main.ts"]]) {
        const back = `${folder}/${architecture}`;
        const { code, said } = await run(
          ...["skopeo", ...plain, "--override-arch", architecture, "copy", "--quiet"],
          ...["--src-tls-verify=false", to, `oci:${back}`],
        );
        assertEquals(code, 0, said);
        const manifest = await json(
          await blob(back, (await json(`${back}/index.json`)).manifests[0]),
        );
        const config = await json(await blob(back, manifest.config));
        assertEquals(config.architecture, architecture);
        const [, layer] = manifest.layers;
        const pulled = await run("tar", "-xzOf", await blob(back, layer), "wire-probe");
        assertEquals(pulled.said, await Deno.readTextFile(program));
      }
    }),
});

/** Debian's registry on loopback, with its storage in the folder. */
class Registry implements AsyncDisposable {
  private constructor(readonly address: string, readonly child: Deno.ChildProcess) {}

  static async start(folder: string): Promise<Registry> {
    const address = `127.0.0.1:${freePort()}`;
    const storage = { filesystem: { rootdirectory: `${folder}/registry` } };
    const log = { accesslog: { disabled: true }, level: "error" };
    const config = { version: 0.1, log, storage, http: { addr: address } };
    // JSON is YAML.
    await Deno.writeTextFile(`${folder}/registry.yml`, JSON.stringify(config));
    const child = new Deno.Command("docker-registry", {
      args: ["serve", `${folder}/registry.yml`],
      stdout: "null",
      stderr: "null",
    }).spawn();
    const registry = new Registry(address, child);
    for (let tries = 0; !await registry.#answers(); tries++) {
      if (tries > 600) throw new Error("the registry does not answer");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return registry;
  }

  async #answers(): Promise<boolean> {
    try {
      const response = await fetch(`http://${this.address}/v2/`);
      await response.body?.cancel();
      return response.ok;
    } catch (error) {
      if (error instanceof TypeError) return false;
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill("SIGTERM");
    await this.child.status;
  }
}

/** Runs the script in the root with groups of this limit; nothing in them wanted more memory than it had. */
async function inRoot(
  root: ImageRoot,
  limitBytes: number,
  count: number,
  script: string,
): Promise<string> {
  using made = new DisposableStack();
  const groups = Array.from(
    { length: unlimited === null ? count : 0 },
    () => made.use(MemoryGroup.make(limitBytes)),
  );
  const { code, said } = await root.script(script, groups);
  assertEquals([code, groups.map(({ killed }) => killed)], [0, groups.map(() => 0)], said);
  return said;
}

const NAME = "wire-probe-mesh.monitoring.svc.cluster.local";
const yaml = withoutYaml();

Deno.test({
  name:
    `as nobody, read-only, without capabilities and resolv.conf it does its work${limited}${lacks}`,
  ignore: !CAN_RUN || yaml !== null,
  fn: () =>
    withFolder("image", async (folder) => {
      await writeImage(`${folder}/image`, [host(BINARY)]);
      const root = await ImageRoot.unpack(`${folder}/image`, `${folder}/root`);
      assertEquals(existsSync(`${root.path}/etc/resolv.conf`), false);
      const probed = await inRoot(
        root,
        LIMITS.sidecar,
        2,
        `contained 0 serve --bind 127.0.0.1 --bind ::1 --port 9999 &
        for i in $(seq 300); do
          [ "$(cat /proc/net/tcp /proc/net/tcp6 | grep -c ':270F 0*:0000 0A')" = 2 ] && break; sleep 0.1
        done
        (contained 1 probe -c 3 -i 100ms -o json db=localhost:9999); code=$?
        kill $!; wait; exit $code`,
      );
      assertEquals(probed.split('"outcome":"established"').length - 1, 3, probed);
      assertStringIncludes(probed, '"rtt_source":"kernel"');

      // The sidecar, as its manifest has it, with the targets where the volume is mounted.
      await root.put("etc/wire-probe/targets", "db=127.0.0.1:9273\n");
      const sidecar = argumentsIn(await manifestDocuments("sidecar"), "wire-probe", {});
      const metrics = await inRoot(
        root,
        LIMITS.sidecar,
        1,
        `contained 0 ${sidecar.join(" ")} &
        for i in $(seq 500); do
          curl -sf 127.0.0.1:9273/healthz && curl -sf 127.0.0.1:9273/metrics >${folder}/page &&
            grep '^wire_probe_success.* 1' ${folder}/page && break; sleep 0.1
        done
        kill $!; wait`,
      );
      assertStringIncludes(metrics, 'wire_probe_success{target="db"');

      // Three nodes of the mesh, as the manifest has them; what a cluster's DNS says stands in a file.
      const addresses = [1, 2, 3].map((i) => `127.0.79.${i}`);
      const lines = ["127.0.0.1 localhost", ...addresses.map((address) => `${address} ${NAME}`)];
      await root.put("etc/hosts", `${lines.join("\n")}\n`);
      const documents = await manifestDocuments("mesh");
      const nodes = addresses.map((address, i) => {
        const variables = { NAMESPACE: "monitoring", NODE_NAME: `worker-${i}`, POD_IP: address };
        // The pods of this test share one loopback, which the first has.
        const mesh = argumentsIn(documents, "mesh", variables)
          .map((word) => word === "127.0.0.1" && i > 0 ? address : word);
        return `contained ${i} ${mesh.join(" ")} -i 200ms --name ${address} & pids="$pids $!"`;
      });
      const seen = await inRoot(
        root,
        LIMITS.mesh,
        addresses.length,
        `${nodes.join("\n")}
        for address in ${addresses.join(" ")}; do
          for i in $(seq 500); do
            curl -sf $address:9998/healthz >/dev/null && curl -s $address:9998/metrics >${folder}/page
            [ "$(grep -c '^wire_probe_mesh_up.* 1$' ${folder}/page)" = 2 ] && break; sleep 0.1
          done
          grep '^wire_probe_mesh_up' ${folder}/page
        done
        # As kubectl port-forward does.
        curl -sf localhost:9998/row
        kill $pids; wait`,
      );
      assertStringIncludes(seen, "worker-0");
      assertEquals(seen.match(/^wire_probe_mesh_up\{.*\} 1$/mg)?.length, 6, seen);
    }),
});
