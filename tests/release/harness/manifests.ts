/** The manifests for Kubernetes, and what in them a test runs. */
import { assert } from "@std/assert";
import { existsSync } from "node:fs";

const FOLDER = new URL("../../../scripts/container/kubernetes/", import.meta.url);
/** Debian's own, which finds Debian's packages. */
const PYTHON = "/usr/bin/python3";
const YAML = "/usr/lib/python3/dist-packages/yaml/__init__.py";
const PROGRAM = "import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(sys.stdin))))";

export const MANIFESTS = ["mesh", "sidecar"] as const;

interface Container {
  readonly name: string;
  readonly image: string;
  readonly args: readonly string[];
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly resources: { readonly limits: { readonly memory: string } };
}

/** As far as a test looks into it; its schema is another test's. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly spec?: {
    readonly template?: { readonly spec: { readonly containers: readonly Container[] } };
  };
}

/** Null, or why manifests cannot be read here. */
export function withoutYaml(): string | null {
  return [PYTHON, YAML].every((path) => existsSync(path)) ? null : "no python3-yaml here";
}

/** A file's documents. */
export async function manifestDocuments(name: typeof MANIFESTS[number]): Promise<Manifest[]> {
  const child = new Deno.Command(PYTHON, {
    args: ["-c", PROGRAM],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const output = child.output();
  await Deno.open(new URL(`${name}.yaml`, FOLDER)).then((file) =>
    file.readable.pipeTo(child.stdin)
  );
  const { success, stdout } = await output;
  assert(success, `${name}.yaml is no YAML`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** The containers of all pods. */
export function containersIn(documents: readonly Manifest[]): readonly Container[] {
  return documents.flatMap(({ spec }) => spec?.template?.spec.containers ?? []);
}

/** A container's arguments, its variables filled in as the kubelet does. */
export function argumentsIn(
  documents: readonly Manifest[],
  container: string,
  variables: Readonly<Record<string, string>>,
): string[] {
  const found = containersIn(documents).find(({ name }) => name === container);
  assert(found !== undefined, `no container ${container}`);
  return found.args.map((word) =>
    word.replaceAll(/\$\((\w+)\)/g, (whole, name) => variables[name] ?? whole)
  );
}
