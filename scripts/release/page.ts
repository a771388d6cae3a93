/**
 * Bundles the heatmap page's script into src/format/heatmap/page_script.ts: `page.ts [--check]`. With
 * `--check` nothing is written; it exits 1 when the module is not what its sources make.
 */
import { deno } from "./build.ts";

const ENTRY = "src/format/heatmap/page/main.ts";
const MODULE = "src/format/heatmap/page_script.ts";

/** The module as its sources make it; throws with the bundler's own words when it fails. */
async function pageModule(): Promise<string> {
  const folder = await Deno.makeTempDir();
  try {
    const bundle = `${folder}/page.js`;
    const format = ["--platform", "browser", "--format", "iife", "--minify"];
    await deno("bundle", "--quiet", ...format, "--output", bundle, ENTRY);
    const script = (await Deno.readTextFile(bundle)).trimEnd();
    return `/** The heatmap page's script. Made by \`deno task page\` from page/: do not edit. */\n` +
      `export const PAGE_SCRIPT =\n  ${JSON.stringify(script)};\n`;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

if (import.meta.main) {
  const fresh = await pageModule();
  if (fresh !== await Deno.readTextFile(MODULE)) {
    if (Deno.args.includes("--check")) {
      console.error(`${MODULE} is not what its sources make: run deno task page`);
      Deno.exit(1);
    }
    await Deno.writeTextFile(MODULE, fresh);
  }
}
