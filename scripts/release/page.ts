/**
 * Packs the heatmap page's script and style into src/format/heatmap/page_parts.ts: `page.ts [--check]`.
 * With `--check` nothing is written; it exits 1 when what is packed there is not what the sources make.
 * They are compared unpacked: another runtime may compress the same text to other bytes.
 */
import { type PageParts, pageParts } from "../../src/format/heatmap/page.ts";
import { PAGE_STYLE } from "../../src/format/heatmap/page/style.ts";
import { packed } from "../../src/text/packed.ts";
import { deno } from "./build.ts";

const ENTRY = "src/format/heatmap/page/main.ts";
const MODULE = "src/format/heatmap/page_parts.ts";

/** The parts as their sources make them; throws with the bundler's own words when it fails. */
async function freshParts(): Promise<PageParts> {
  const folder = await Deno.makeTempDir();
  try {
    const bundle = `${folder}/page.js`;
    const format = ["--platform", "browser", "--format", "iife", "--minify"];
    await deno("bundle", "--quiet", ...format, "--output", bundle, ENTRY);
    const script = (await Deno.readTextFile(bundle)).trimEnd();
    return { style: PAGE_STYLE, script };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function moduleOf(parts: PageParts): Promise<string> {
  const bytes = await packed(JSON.stringify(parts));
  return `/**
 * The heatmap page's script and style, as JSON, packed (src/text/packed.ts) and in base64. Made by \`deno task page\` from page/: do not edit.
 */
export const PACKED_PARTS =
  ${JSON.stringify(bytes.toBase64())};
`;
}

if (import.meta.main) {
  const fresh = await freshParts();
  if (JSON.stringify(fresh) !== JSON.stringify(await pageParts())) {
    if (Deno.args.includes("--check")) {
      console.error(`${MODULE} is not what its sources make: run deno task page`);
      Deno.exit(1);
    }
    await Deno.writeTextFile(MODULE, await moduleOf(fresh));
  }
}
