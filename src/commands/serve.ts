/** `serve`: accepts TCP connections and closes them at once. */
import { EXIT, type ExitCode } from "../domain/exit.ts";
import { onSignal, revoke } from "../kernel/process.ts";
import { TcpSockets } from "../kernel/tcp_info.ts";
import type { AcceptCounters, ListenOptions } from "../net/listener.ts";
import { outbox, say } from "../run/outbox.ts";
import { repeat, systemClock } from "../time/clock.ts";
import { Housekeeping } from "../run/housekeeping.ts";
import { Responder } from "../net/responder.ts";

export interface ServeOptions extends ListenOptions {
  readonly addresses: readonly string[];
  /** Between two lines of counters, in ms; null for one at the end. */
  readonly statsEveryMs: number | null;
}

/** Runs until SIGTERM or SIGINT, then says what was accepted. */
export async function serve(options: ServeOptions): Promise<ExitCode> {
  const responder = new Responder(options.addresses, options, TcpSockets.open());
  const housekeeping = new Housekeeping(systemClock, true);

  const startMs = systemClock.now();
  outbox.onEnd(() => responder.close());
  const report = () => {
    outbox.stdout.text(countersText(responder.counters, systemClock.now() - startMs));
  };
  onSignal("SIGQUIT", report);
  const { statsEveryMs } = options;
  for (const line of responder.announcements()) say(line);
  revoke("env", "ffi", "read", "write", "sys", "net");
  const stopStats = statsEveryMs === null ? () => {} : repeat(systemClock, statsEveryMs, report);

  await responder.run((connections) => housekeeping.worked(connections));
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
