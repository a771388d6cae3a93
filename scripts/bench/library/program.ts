/** Probes by the library and throws the results away: `program.ts probe|ping FILE COUNT`, a target a line in FILE. */
import { ping, probe } from "../../../src/mod.ts";

const [diagnostic, file, count] = Deno.args;
const targets = Deno.readTextFileSync(file).trim().split("\n");
const schedule = { count: Number(count) };
const stream = diagnostic === "ping"
  ? ping(targets, schedule)
  : probe(targets, { ...schedule, close: "rst" });
let answered = 0;
for await (const { outcome } of stream) if (outcome === "established") answered++;
const due = targets.length * schedule.count;
// A busy machine loses a few; with more the figure is not that of answered probes.
if (answered < 0.99 * due) throw new Error(`${answered} of ${due} probes were answered`);
