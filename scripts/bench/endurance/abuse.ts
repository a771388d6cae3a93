/** Hostile clients, each for a while: they hold connections, dawdle, or come in crowds. */
import { BINARY } from "../../release/build.ts";
import { sleep } from "../child.ts";

const POLL_MS = 100;

/** Opens so many connections and holds them, whatever the peer does; `drip` a byte now and then. */
export async function holdOn(
  hostname: string,
  port: number,
  count: number,
  ms: number,
  drip: boolean,
): Promise<void> {
  const held = await Promise.all(
    Array.from({ length: count }, () => Deno.connect({ hostname, port }).catch(() => null)),
  );
  const endMs = performance.now() + ms;
  const byte = new TextEncoder().encode("G");
  while (performance.now() < endMs) {
    await sleep(POLL_MS);
    // A peer that has closed meanwhile takes no more.
    if (drip) await Promise.all(held.map((one) => one?.write(byte).catch(() => {})));
  }
  for (const one of held) one?.close();
}

/** Bursts of handshakes by another prober, some 2,000 a second, ended by RST or FIN. */
export async function churn(target: string, ms: number, close: "fin" | "rst"): Promise<void> {
  const options = ["--burst", "500", "-i", "250ms", "--close", close, "-o", "none"];
  const child = new Deno.Command(BINARY, {
    args: ["probe", target, "--duration", `${ms}ms`, ...options],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  await child.status;
}

/** Takes a process's free descriptors away; the result gives them back. */
export async function exhaust(pid: number): Promise<() => Promise<void>> {
  const taken = new Set<number>();
  for await (const { name } of Deno.readDir(`/proc/${pid}/fd`)) taken.add(Number(name));
  let lowest = 0;
  while (taken.has(lowest)) lowest++;
  const limits = await Deno.readTextFile(`/proc/${pid}/limits`);
  const soft = /^Max open files +(\d+)/m.exec(limits)![1];
  await limit(pid, String(lowest));
  return () => limit(pid, soft);
}

async function limit(pid: number, soft: string): Promise<void> {
  const args = ["--pid", String(pid), `--nofile=${soft}:`];
  const { success, stderr } = await new Deno.Command("prlimit", { args }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

/** Whether the page answers 200 within this time. */
export async function answers(url: string, withinMs: number): Promise<boolean> {
  const endMs = performance.now() + withinMs;
  while (performance.now() < endMs) {
    const signal = AbortSignal.timeout(Math.max(1, endMs - performance.now()));
    const response = await fetch(url, { signal }).catch(() => null);
    await response?.body?.cancel();
    if (response?.status === 200) return true;
    await sleep(POLL_MS);
  }
  return false;
}
