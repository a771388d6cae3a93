/** Waits that end, whatever happens. */

const LIMIT_MS = 30_000;
const PAUSE_MS = 5;

/** Asks again and again until it is so; throws when that takes half a minute. */
export async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + LIMIT_MS;
  while (!await isSo()) {
    if (performance.now() > endMs) throw new Error(`after ${LIMIT_MS} ms not: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
