/**
 * `Deno.connect` and close in a loop, each address of a file once a second, and nothing besides: what
 * the runtime alone costs. `bare.ts ADDRESSES PORT SECONDS` prints what it did as JSON.
 */

/** The coarsest timer that spreads the starts. */
const TURN_MS = 1;

async function main([file, port, seconds]: readonly string[]): Promise<void> {
  const addresses = Deno.readTextFileSync(file).split("\n").filter((line) => line !== "");
  const total = addresses.length * Number(seconds);
  const done = Promise.withResolvers<void>();
  let [sent, settled, answered] = [0, 0, 0];
  const settle = () => {
    if (++settled === total) done.resolve();
  };
  const connect = () => {
    const hostname = addresses[sent++ % addresses.length];
    Deno.connect({ hostname, port: Number(port) }).then((connection) => {
      connection.close();
      answered++;
    }).then(settle, settle);
  };
  const start = performance.now();
  const turns = setInterval(() => {
    const due = (performance.now() - start) / 1000 * addresses.length;
    while (sent < Math.min(due, total)) connect();
    if (sent === total) clearInterval(turns);
  }, TURN_MS);
  await done.promise;
  console.log(JSON.stringify({ sent, answered }));
}

if (import.meta.main) await main(Deno.args);
