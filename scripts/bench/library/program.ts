/** Probes by the library and throws the results away: `program.ts probe|ping FILE`, a target a line in FILE. */
import { ping, probe } from "../../../src/mod.ts";

const [diagnostic, file] = Deno.args;
const targets = Deno.readTextFileSync(file).trim().split("\n");
const stream = diagnostic === "ping" ? ping(targets) : probe(targets, { close: "rst" });
let answered = 0;
Deno.addSignalListener("SIGTERM", () => {
  console.log(JSON.stringify({ answered, dropped: stream.dropped, skipped: stream.skipped }));
  Deno.exit(0);
});
for await (const { outcome } of stream) if (outcome === "established") answered++;
