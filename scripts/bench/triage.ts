/**
 * `task triage`: precision and recall of triage over simulated meshes of 12 to 100 nodes in 2 to 4
 * zones, each fault in many of them, and the alarms over 30 minutes of healthy ones.
 */
import { delays, falseAlarms, scores } from "../../tests/unit/mesh/simulation/accuracy.ts";

const USAGE = "usage: task triage [MESHES [SEED]]";
const SIZES = { least: 12, most: 100 };
/** Each sample of a window that is half healthy is drawn: that takes its time. */
const DELAY_SIZES = { least: 12, most: 24 };
/** Six windows of five minutes. */
const WINDOWS = 6;
const WANTED = 0.95;

const [meshes = 100, seed = 1] = Deno.args.map(Number);
if (!(meshes >= 1) || !(seed >= 0)) {
  console.error(USAGE);
  Deno.exit(2);
}

const all = scores(meshes, SIZES, seed);
console.log(`fault                     meshes  found  wrong  precision  recall`);
for (const { name, found, wrong, precision, recall, examples } of all) {
  const counts = [meshes, found, wrong].map((count) => String(count).padStart(7)).join("");
  const figures = [precision, recall].map((share) => share.toFixed(3).padStart(9)).join("");
  console.log(`${name.padEnd(25)}${counts} ${figures}`);
  for (const example of examples) console.log(`    ${example}`);
}
const soon = delays(meshes, DELAY_SIZES, seed + 250_000);
console.log(`bursts until a fault is named   named  median    most  wrong meanwhile`);
for (const { name, named, medianBursts, mostBursts, wrong } of soon) {
  const figures = [`${named}/${meshes}`, medianBursts, mostBursts, wrong.length]
    .map((figure) => String(figure).padStart(8)).join("");
  console.log(`${name.padEnd(29)}${figures}`);
  for (const example of wrong.slice(0, 3)) console.log(`    ${example}`);
}
const alarms = falseAlarms(meshes, WINDOWS, SIZES, seed + 500_000);
console.log(`healthy: ${alarms.length} alarms in ${meshes} meshes over 30 minutes each`);
for (const alarm of alarms) console.log(`    ${alarm}`);
const good = all.every(({ precision, recall }) => precision >= WANTED && recall >= WANTED);
Deno.exit(good && alarms.length === 0 ? 0 : 1);
