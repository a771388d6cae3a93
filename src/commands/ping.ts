/** `ping`: ICMP and ICMPv6 echo, timed by the kernel on both ends. */
import type { ExitCode } from "../domain/exit.ts";
import { TcpSockets } from "../kernel/tcp_info.ts";
import { DenoConnector } from "../net/deno_connector.ts";
import { openPingProber } from "../net/ping_prober.ts";
import { systemClock } from "../time/clock.ts";
import type { PingOptions } from "../run/options.ts";
import { allTargets, run } from "../run/run.ts";

/** Echoes in flight at most: a sequence number has 16 bits. */
const MAX_IN_FLIGHT = 50_000;

/** Throws SystemError, with the remedy, where echoes may not be sent. */
export async function ping(options: PingOptions, version: string): Promise<ExitCode> {
  const targets = allTargets(options);
  const prober = openPingProber(options, systemClock);
  const connector = new DenoConnector(TcpSockets.open(), "fin");
  const maxInFlight = options.maxInFlight ?? MAX_IN_FLIGHT;
  return await run(
    options,
    targets,
    { diagnostic: "ping", prober, connector, maxInFlight },
    version,
  );
}
