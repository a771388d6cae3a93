/** `serve`: accepts TCP connections and closes them at once. */
import { EXIT, type ExitCode } from "../domain/exit.ts";
import { onSignal, revoke } from "../kernel/process.ts";
import { giveUpRawSockets } from "../kernel/raw_right.ts";
import { serve as listen } from "../library/serve.ts";
import type { AcceptCounters, ListenOptions } from "../net/listener.ts";
import { outbox, say } from "../run/outbox.ts";
import { repeat, systemClock } from "../time/clock.ts";
import { Housekeeping } from "../run/housekeeping.ts";
import { listeningText } from "../net/responder.ts";

export interface ServeOptions extends ListenOptions {
  readonly addresses: readonly string[];
  /** Between two lines of counters, in ms; null for one at the end. */
  readonly statsEveryMs: number | null;
}

/** Runs until SIGTERM or SIGINT, then says what was accepted. */
export async function serve(options: ServeOptions): Promise<ExitCode> {
  const housekeeping = new Housekeeping(systemClock, true);
  const server = listen({ ...options, onAccepted: (accepted) => housekeeping.worked(accepted) });
  const startMs = systemClock.now();
  outbox.onEnd(() => void server.close());
  const report = () => {
    outbox.stdout.text(countersText(server.counters, systemClock.now() - startMs));
  };
  onSignal("SIGQUIT", report);
  const { statsEveryMs } = options;
  giveUpRawSockets(null);
  for (const socket of server.sockets) say(listeningText(socket, options.backlog));
  revoke("env", "ffi", "read", "write", "sys", "net");
  const stopStats = statsEveryMs === null ? () => {} : repeat(systemClock, statsEveryMs, report);
  await server.finished;
  stopStats();
  housekeeping.stop();
  report();
  return EXIT.ok;
}

function countersText({ accepted, aborted, exhausted }: AcceptCounters, elapsedMs: number): string {
  const seconds = (elapsedMs / 1000).toFixed(1);
  return `accepted ${accepted} in ${seconds} s, ${aborted} aborted, ` +
    `${exhausted} times out of descriptors\n`;
}
