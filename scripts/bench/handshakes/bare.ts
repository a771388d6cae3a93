/**
 * `Deno.connect` and close, one after the other, and nothing besides: what the runtime alone costs.
 * `bare.ts ADDRESS PORT COUNT`.
 */

async function main([hostname, port, count]: readonly string[]): Promise<void> {
  for (let i = 0; i < Number(count); i++) {
    (await Deno.connect({ hostname, port: Number(port) })).close();
  }
}

if (import.meta.main) await main(Deno.args);
