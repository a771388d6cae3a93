/** The workflows: actions pinned, permissions least, and nothing that a workflow linter objects to. */
import { assert, assertEquals } from "@std/assert";
import { existsSync } from "node:fs";

const FOLDER = ".github/workflows";
const PINNED = /^[\w.-]+\/[\w./-]+@[0-9a-f]{40} # v[0-9]+(\.[0-9]+)*$/;
/** Verified by the checksum database of Go's modules. */
const ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12";

interface Workflow {
  readonly name: string;
  readonly lines: readonly string[];
}

const workflows: readonly Workflow[] = [...Deno.readDirSync(FOLDER)].map(({ name }) => ({
  name,
  lines: Deno.readTextFileSync(`${FOLDER}/${name}`).split("\n"),
}));

function isOnPath(command: string): boolean {
  return (Deno.env.get("PATH") ?? "").split(":").some((folder) =>
    existsSync(`${folder}/${command}`)
  );
}

/** The linter's command line, or null: it is fetched only where the gate may fetch things. */
function linter(): readonly string[] | null {
  if (isOnPath("actionlint")) return ["actionlint"];
  const mayFetch = Deno.env.get("WIRE_PROBE_COMPLETE") === "1";
  return mayFetch && isOnPath("go") ? ["go", "run", ACTIONLINT] : null;
}

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

Deno.test("the runtime that CI sets up is the pinned one", () => {
  const pinned = /^deno_version=(.+)$/m.exec(Deno.readTextFileSync("scripts/deno"))?.[1];
  for (const { name, lines } of workflows) {
    for (const line of lines) {
      const version = /^\s*deno-version:\s*(.*)$/.exec(line)?.[1];
      if (version !== undefined) assertEquals(version, pinned, name);
    }
  }
});

const command = linter();
Deno.test({
  name: command === null
    ? "actionlint finds nothing (no actionlint here; --install fetches it)"
    : "actionlint finds nothing",
  ignore: command === null,
  fn: async () => {
    const [program, ...args] = command!;
    const files = workflows.map(({ name }) => `${FOLDER}/${name}`);
    const { success, stdout, stderr } = await new Deno.Command(program, {
      args: [...args, "-no-color", ...files],
      stdout: "piped",
      stderr: "piped",
    }).output();
    const said = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
    assert(success, said);
  },
});
