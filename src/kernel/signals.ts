/** Signals: those that come as callbacks, and stopping this process as Ctrl-Z does. */
import { openLibc } from "./libc.ts";
import { SIGSTOP } from "./linux.ts";

export type SignalName = "SIGINT" | "SIGTERM" | "SIGHUP" | "SIGQUIT";

/** Calls back on each arrival of the signal; a system without it has nothing to call back for. */
export function onSignal(name: SignalName, callback: () => void): void {
  try {
    Deno.addSignalListener(name, callback);
  } catch {
    // Windows knows SIGINT alone.
  }
}

/** A function that stops this process and returns when it goes on; null where there is none. */
export function openSuspend(): (() => void) | null {
  const libc = openLibc(["raise"])?.symbols;
  return libc === undefined ? null : () => void libc.raise(SIGSTOP);
}
