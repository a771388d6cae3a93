/**
 * `task triage`: precision and recall of triage over simulated meshes of 12 to 100 nodes in 2 to 4
 * zones, each fault in many of them, and the alarms over 30 minutes of healthy ones.
 */
import { falseAlarms, scores } from "../../tests/unit/mesh/simulation/accuracy.ts";

const USAGE = "usage: task triage [MESHES [SEED]]";
const SIZES = { least: 12, most: 100 };
/** Six windows of five minutes. */
const WINDOWS = 6;
const WANTED = 0.95;

const [meshes = 100, seed = 1] = Deno.args.map(Number);
if (!(meshes >= 1) || !(seed >= 0)) {
  console.error(USAGE);
  Deno.exit(2);
}

const all = scores(meshes, SIZES, seed);
console.log(`fault                     meshes  precision  recall`);
for (const { name, precision, recall, examples } of all) {
  const figures = [precision, recall].map((share) => share.toFixed(3).padStart(9)).join("");
  console.log(`${name.padEnd(25)}${String(meshes).padStart(7)} ${figures}`);
  for (const example of examples) console.log(`    ${example}`);
}
const alarms = falseAlarms(meshes, WINDOWS, SIZES, seed + 500_000);
console.log(`healthy: ${alarms.length} alarms in ${meshes} meshes over 30 minutes each`);
for (const alarm of alarms) console.log(`    ${alarm}`);
const good = all.every(({ precision, recall }) => precision >= WANTED && recall >= WANTED);
Deno.exit(good && alarms.length === 0 ? 0 : 1);
