/** Load under which figures must stay true: processes of normal priority that never rest. */

import { end, WITH_PARENT } from "./process.ts";

const SETTLE_MS = 100;

/** Keeps `cores` cores busy until disposed of. */
export async function saturate(cores: number): Promise<AsyncDisposable> {
  const children = Array.from({ length: cores }, () => {
    const args = [...WITH_PARENT.slice(1), "--", "sh", "-c", "while :; do :; done"];
    return new Deno.Command(WITH_PARENT[0], { args, stdin: "null", stdout: "null", stderr: "null" })
      .spawn();
  });
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  return {
    async [Symbol.asyncDispose](): Promise<void> {
      await Promise.all(children.map(end));
    },
  };
}
