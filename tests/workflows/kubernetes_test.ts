/** The manifests for Kubernetes against its API's own types, and against what they promise of rights and limits. */
import { assert, assertEquals } from "@std/assert";
import { isOnPath } from "../../scripts/gate/command.ts";
import { VERSION } from "../../src/version.ts";
import {
  containersIn,
  type Manifest,
  manifestDocuments,
  MANIFESTS,
  withoutYaml,
} from "../release/harness/manifests.ts";
import { fetchPackage } from "./npm_package.ts";

/** Generated from the OpenAPI description of Kubernetes 1.30; a property that is not in it is an error. */
const TYPES = "kubernetes-types@1.30.0";
const SHA256 = "d32819b4ed5c74fe783040b3739a80f99bc18beaefe6d50f64a214aa9b5c848d";
/** Where a kind's type is. */
const GROUPS: Readonly<Record<string, string>> = { v1: "core/v1", "apps/v1": "apps/v1" };
const IMAGE = `ghcr.io/wire-probe/wire-probe:${VERSION}`;
/** Least rights: none of them may be missing. */
const SECURITY = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
};

function lacking(): string | null {
  if (withoutYaml() !== null) return withoutYaml();
  if (Deno.env.get("WIRE_PROBE_COMPLETE") !== "1") return "--install fetches the API's types";
  return isOnPath("npm") ? null : "no npm here";
}

/** What the compiler has against the documents as values of the API's types; empty for nothing. */
async function complaints(folder: string, documents: readonly Manifest[]): Promise<string> {
  const lines = documents.map((document, i) => {
    const path = `./package/${GROUPS[document.apiVersion]}.d.ts`;
    return `import type { ${document.kind} as Type${i} } from "${path}";\n` +
      `export const value${i}: Type${i} = ${JSON.stringify(document)};\n`;
  });
  await Deno.writeTextFile(`${folder}/manifests.ts`, lines.join(""));
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["check", "--quiet", "--no-config", "--unstable-sloppy-imports", "manifests.ts"],
    cwd: folder,
    env: { NO_COLOR: "1" },
  }).output();
  return success ? "" : new TextDecoder().decode(stderr);
}

const lacks = lacking();

Deno.test({
  name: `the manifests are what Kubernetes' API describes${lacks === null ? "" : ` (${lacks})`}`,
  ignore: lacks !== null,
  fn: async () => {
    const folder = await Deno.makeTempDir({ prefix: "wire-probe-kubernetes-" });
    try {
      await fetchPackage(folder, TYPES, SHA256);
      const documents = (await Promise.all(MANIFESTS.map(manifestDocuments))).flat();
      assertEquals(await complaints(folder, documents), "");
      // The check itself: a slip in a name is found.
      const slip = JSON.parse(JSON.stringify(documents).replaceAll("readOnlyRoot", "readonlyRoot"));
      assert((await complaints(folder, slip)).includes("readonlyRootFilesystem"));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name:
    `the manifests' containers are of this version, with the least rights and a limit of memory${
      withoutYaml() === null ? "" : ` (${withoutYaml()})`
    }`,
  ignore: withoutYaml() !== null,
  fn: async () => {
    const limits: Record<string, string> = { mesh: "128Mi", sidecar: "64Mi" };
    for (const name of MANIFESTS) {
      const documents = await manifestDocuments(name);
      const own = containersIn(documents).filter(({ image }) => image.includes("wire-probe"));
      assertEquals(own.map(({ image }) => image), [IMAGE]);
      const [{ securityContext, resources }] = own;
      for (const [key, value] of Object.entries(SECURITY)) {
        assertEquals(securityContext[key], value, `${name}: ${key}`);
      }
      assertEquals(resources.limits.memory, limits[name]);
    }
  },
});
