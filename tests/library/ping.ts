/** Prints what netdiag's example `ping` prints: `ping.ts HOST [COUNT]`. */
import { ping } from "@wire-probe/wire-probe";

const [host = "localhost", count = "4"] = Deno.args;
const options = { count: Number(count), intervalMs: 500, timeoutMs: 250 };

function durationText(us: number): string {
  return us < 1000 ? `${us.toFixed(2)}µs` : `${(us / 1000).toFixed(2)}ms`;
}

for await (const { seq, address, rttUs } of ping(host, options)) {
  if (seq === 1) console.log(`pinging ${host} (${address})`);
  console.log(`seq ${seq - 1} ${rttUs === null ? "timeout" : `RTT ${durationText(rttUs)} `}`);
}
