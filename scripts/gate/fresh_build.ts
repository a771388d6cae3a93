/** Builds the program for a demo, where its sources are newer than what was built. */
import { BINARY, build } from "../release/build.ts";

/** What a build is made from. */
const SOURCES = ["main.ts", "deno.json", "scripts/release", "src"];

/** When the latest of the files was changed, in ms since the epoch. */
async function changedMs(path: string): Promise<number> {
  const { isDirectory, mtime } = await Deno.stat(path);
  const times = [mtime?.getTime() ?? Infinity];
  if (isDirectory) {
    for await (const entry of Deno.readDir(path)) {
      times.push(await changedMs(`${path}/${entry.name}`));
    }
  }
  return Math.max(...times);
}

async function isFresh(): Promise<boolean> {
  const builtMs = await changedMs(BINARY).catch(() => -Infinity);
  return builtMs > Math.max(...await Promise.all(SOURCES.map(changedMs)));
}

export async function buildWhereDue(): Promise<void> {
  if (await isFresh()) console.log(`${BINARY} is up to date`);
  else {
    console.log(`building ${BINARY}`);
    await build();
  }
}
