/**
 * Writes the golden files anew and shows what changed; a deliberate act, to be read before it is
 * committed. `--dry` shows and writes nothing.
 *
 *   ./scripts/deno run --allow-read=tests/golden --allow-write=tests/golden tests/golden/regenerate.ts
 */
import { GOLDEN_FOLDER, GOLDEN_SUFFIX, goldenCases } from "./cases.ts";

const dry = Deno.args.includes("--dry");
const cases = await goldenCases();

function contentOf(name: string): string {
  try {
    return Deno.readTextFileSync(new URL(name, GOLDEN_FOLDER));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

/** The lines that only one of the two texts has, in order, by their longest common sequence. */
function difference(before: readonly string[], after: readonly string[]): string[] {
  const common = Array.from({ length: before.length + 1 }, () => new Uint32Array(after.length + 1));
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      common[i][j] = before[i] === after[j]
        ? common[i + 1][j + 1] + 1
        : Math.max(common[i + 1][j], common[i][j + 1]);
    }
  }
  const lines: string[] = [];
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && before[i] === after[j]) [i, j] = [i + 1, j + 1];
    else if (j >= after.length || (i < before.length && common[i + 1][j] >= common[i][j + 1])) {
      lines.push(`- ${before[i++]}`);
    } else lines.push(`+ ${after[j++]}`);
  }
  return lines;
}

/** Escape sequences made visible, so that colours show as what they are. */
function visible(line: string): string {
  return line.replaceAll("\u001b", "␛");
}

let changed = 0;
for (const [name, bytes] of cases) {
  const before = contentOf(name);
  const after = new TextDecoder().decode(bytes);
  if (!dry) Deno.writeFileSync(new URL(name, GOLDEN_FOLDER), bytes);
  if (before === after) continue;
  changed++;
  console.log(`${name}:`);
  for (const line of difference(before.split("\n"), after.split("\n"))) {
    console.log(`  ${visible(line)}`);
  }
}

for (const { name } of Deno.readDirSync(GOLDEN_FOLDER)) {
  if (!name.endsWith(GOLDEN_SUFFIX) || cases.has(name)) continue;
  changed++;
  console.log(`${name}: no longer made, removed`);
  if (!dry) Deno.removeSync(new URL(name, GOLDEN_FOLDER));
}
console.log(`${changed} of ${cases.size} golden files ${dry ? "would change" : "changed"}`);
