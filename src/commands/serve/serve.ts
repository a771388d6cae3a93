/** `serve`: accepts handshakes and closes them, for as long as it is let. */
import { EXIT, type ExitCode } from "../../domain/exit.ts";
import { hostPort } from "../../domain/target.ts";
import { openDrain } from "../../kernel/accept_queue.ts";
import { revoke } from "../../kernel/permissions.ts";
import { onSignal } from "../../kernel/signals.ts";
import { TcpSockets } from "../../kernel/tcp_info.ts";
import {
  acceptAndClose,
  type AcceptCounters,
  backlogInForce,
  drainOf,
  type Listener,
  listenOn,
  type ListenOptions,
} from "../../net/listener.ts";
import { printText, say } from "../../sink/stdio.ts";
import { sleepUntil } from "../../time/clock.ts";
import { systemClock } from "../../time/system_clock.ts";
import { Housekeeping } from "../housekeeping.ts";

export interface ServeOptions extends ListenOptions {
  readonly addresses: readonly string[];
  /** Null for no counters before the end. */
  readonly statsEveryMs: number | null;
}

/** Runs until SIGTERM or SIGINT, then says what was accepted. */
export async function serve(options: ServeOptions): Promise<ExitCode> {
  const sockets = TcpSockets.open();
  const listeners = listenOn(options.addresses, options);
  const drain = openDrain();
  const drains = listeners.map((listener) => drainOf(listener, sockets, drain));
  const housekeeping = new Housekeeping(systemClock, true);

  const counters: AcceptCounters = { accepted: 0, aborted: 0, exhausted: 0 };
  const startMs = systemClock.now();
  let running = true;
  const stop = () => {
    if (!running) return;
    running = false;
    for (const listener of listeners) listener.close();
  };
  onSignal("SIGINT", stop);
  onSignal("SIGTERM", stop);
  const report = () => printText(countersText(counters, systemClock.now() - startMs));
  onSignal("SIGQUIT", report);
  const { statsEveryMs } = options;
  for (const listener of listeners) announce(listener, options.backlog, sockets);
  revoke("env", "ffi", "read", "write", "sys", "net");
  const stopStats = statsEveryMs === null ? () => {} : repeat(statsEveryMs, report);

  const pause = (ms: number) => sleepUntil(systemClock, systemClock.now() + ms);
  const worked = (connections: number) => housekeeping.worked(connections);
  await Promise.all(
    listeners.map((listener, i) =>
      acceptAndClose(listener, counters, { pause, worked, drain: drains[i] })
    ),
  );
  stopStats();
  housekeeping.stop();
  report();
  return EXIT.ok;
}

function announce(
  listener: Listener,
  asked: number,
  sockets: TcpSockets | null,
): void {
  const { hostname, port } = listener.addr;
  const inForce = backlogInForce(listener, sockets);
  const backlog = inForce === null
    ? `${asked} asked for`
    : inForce < asked
    ? `${inForce} (${asked} asked for; net.core.somaxconn is the bound)`
    : String(inForce);
  say(`listening on ${hostPort(hostname, port)}, backlog ${backlog}`);
}

function repeat(everyMs: number, action: () => void): () => void {
  let cancel = () => {};
  const turn = () => {
    cancel = systemClock.wakeAt(systemClock.now() + everyMs, () => {
      action();
      turn();
    });
  };
  turn();
  return () => cancel();
}

function countersText({ accepted, aborted, exhausted }: AcceptCounters, elapsedMs: number): string {
  const seconds = (elapsedMs / 1000).toFixed(1);
  return `accepted ${accepted} in ${seconds} s, ${aborted} aborted, ` +
    `${exhausted} times out of descriptors\n`;
}
