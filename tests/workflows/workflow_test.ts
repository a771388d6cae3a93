/** The workflows: actions pinned, permissions least, and nothing that a workflow linter objects to. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { actionlint, withoutLinter } from "./actionlint.ts";

const FOLDER = ".github/workflows";
const PINNED = /^[\w.-]+\/[\w./-]+@[0-9a-f]{40} # v[0-9]+(\.[0-9]+)*$/;

interface Workflow {
  readonly name: string;
  readonly lines: readonly string[];
}

const workflows: readonly Workflow[] = [...Deno.readDirSync(FOLDER)].map(({ name }) => ({
  name,
  lines: Deno.readTextFileSync(`${FOLDER}/${name}`).split("\n"),
}));

Deno.test("there is a workflow", () => assert(workflows.length > 0));

Deno.test("every action is pinned to a commit, with its version beside it", () => {
  for (const { name, lines } of workflows) {
    for (const line of lines) {
      const used = /^\s*(?:- )?uses:\s*(.*)$/.exec(line)?.[1];
      if (used !== undefined && !used.startsWith("./")) {
        assert(PINNED.test(used), `${name}: ${used}`);
      }
    }
  }
});

Deno.test("every workflow may read the repository and nothing more, unless a job says so", () => {
  for (const { name, lines } of workflows) {
    const at = lines.indexOf("permissions:");
    assert(at >= 0, `${name} does not state its permissions`);
    const end = lines.findIndex((line, i) => i > at && !line.startsWith("  "));
    assertEquals(lines.slice(at + 1, end), ["  contents: read"], name);
  }
});

Deno.test("checkouts leave no token behind", () => {
  for (const { name, lines } of workflows) {
    const of = (pattern: RegExp) => lines.filter((line) => pattern.test(line)).length;
    const checkouts = of(/uses: actions\/checkout@/);
    assertEquals(of(/^\s*persist-credentials: false$/), checkouts, name);
  }
});

Deno.test("CI sets up the pinned runtime, a release the newest, as scripts/deno names them", () => {
  for (const { name, lines } of workflows) {
    const which = name === "release.yml" ? "newest" : "pinned";
    for (const line of lines) {
      const version = /^\s*deno-version:\s*(.*)$/.exec(line)?.[1];
      if (version === undefined) continue;
      assertEquals(version, `\${{ steps.runtime.outputs.${which} }}`, name);
    }
  }
});

Deno.test("a release is compiled by what scripts/deno has verified, on every machine that makes bytes of it", () => {
  const release = workflows.find(({ name }) => name === "release.yml")!.lines;
  const jobs = new Map<string, string[]>();
  let job: string[] = [];
  for (const line of release.slice(release.indexOf("jobs:") + 1)) {
    const name = /^ {2}(\w+):$/.exec(line)?.[1];
    if (name !== undefined) jobs.set(name, job = []);
    job.push(line);
  }
  for (const name of ["build", "reproduce", "suite"]) {
    const text = jobs.get(name)?.join("\n") ?? "";
    assertStringIncludes(text, "./scripts/deno task ", name);
    assert(!text.includes("setup-deno"), name);
  }
  const said = release.slice(0, release.indexOf("jobs:")).join("\n");
  assertStringIncludes(said, "WIRE_PROBE_RUNTIME: newest\n  WIRE_PROBE_SITES: closed");
});

const reason = withoutLinter();
Deno.test({
  name: `actionlint finds nothing${reason === null ? "" : ` (${reason})`}`,
  ignore: reason !== null,
  fn: async () => {
    assertEquals(await actionlint(workflows.map(({ name }) => `${FOLDER}/${name}`)), "");
  },
});

Deno.test({
  name: "actionlint does find what is wrong",
  ignore: reason !== null,
  fn: async () => {
    const file = await Deno.makeTempFile({ suffix: ".yml" });
    try {
      const text = Deno.readTextFileSync(`${FOLDER}/${workflows[0].name}`);
      await Deno.writeTextFile(file, text.replace("runs-on:", "runs-onn:"));
      assertStringIncludes(await actionlint([file]), "runs-onn");
    } finally {
      await Deno.remove(file);
    }
  },
});
