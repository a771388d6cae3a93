/** Signals as callbacks, on the systems that have them. */

export type SignalName = "SIGINT" | "SIGTERM" | "SIGHUP" | "SIGQUIT";

/** Calls back on each arrival of the signal; a system without it has nothing to call back for. */
export function onSignal(name: SignalName, callback: () => void): void {
  try {
    Deno.addSignalListener(name, callback);
  } catch {
    // Windows knows SIGINT alone.
  }
}
