/** Prints `open` when this Deno can reach the sites it downloads from by itself, else `closed`. Argument: its version. */

const TIMEOUT_MS = 4_000;

const [version] = Deno.args;
const urls = [
  new URL("/@std/internal/meta.json", Deno.env.get("JSR_URL") ?? "https://jsr.io").href,
  `https://dl.deno.land/release/v${version}/denort-x86_64-unknown-linux-gnu.zip`,
];

/** Asked with Deno's own client, so proxies, certificates and name servers count as they will for its downloads. */
async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

const all = await Promise.all(urls.map(answers));
console.log(all.every(Boolean) ? "open" : "closed");
