/** `knock`: a SYN, its SYN-ACK, a RST; the application behind the port never sees a connection. */
import type { ExitCode } from "../domain/exit.ts";
import { TcpSockets } from "../kernel/tcp_info.ts";
import { DenoConnector } from "../net/deno_connector.ts";
import { openKnockProber } from "../net/knock_prober.ts";
import { systemClock } from "../time/clock.ts";
import type { KnockOptions } from "../run/options.ts";
import { allTargets, run } from "../run/run.ts";

/** SYNs in flight at most. */
const MAX_IN_FLIGHT = 50_000;

/** Throws SystemError, with the remedy, where raw sockets may not be had. */
export async function knock(options: KnockOptions, version: string): Promise<ExitCode> {
  const targets = allTargets(options);
  const prober = openKnockProber(options, systemClock);
  const connector = new DenoConnector(TcpSockets.open(), "fin");
  const maxInFlight = options.maxInFlight ?? MAX_IN_FLIGHT;
  return await run(
    options,
    targets,
    { diagnostic: "knock", prober, connector, maxInFlight },
    version,
  );
}
