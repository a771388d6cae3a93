/** `ping` and `knock`: probes by packets of our own, timed by the kernel on both ends. */
import type { Diagnostic } from "../domain/probe_record.ts";
import type { ExitCode } from "../domain/exit.ts";
import { TcpSockets } from "../kernel/tcp_info.ts";
import { DenoConnector } from "../net/deno_connector.ts";
import { openKnockProber } from "../net/knock_prober.ts";
import { openPingProber } from "../net/ping_prober.ts";
import type { Prober } from "../net/prober.ts";
import type { KnockOptions, PingOptions, RunOptions } from "../run/options.ts";
import { run } from "../run/run.ts";
import { openGate } from "../run/gate.ts";
import { memberPorts, RunTargets } from "../run/run_targets.ts";
import { systemClock } from "../time/clock.ts";

/** Echoes in flight at most: a sequence number has 16 bits. */
const MAX_IN_FLIGHT = 50_000;

/** ICMP and ICMPv6 echo. Throws SystemError, with the remedy, where echoes may not be sent. */
export function ping(options: PingOptions, version: string): Promise<ExitCode> {
  return runPackets("ping", options, () => openPingProber(options, systemClock), version);
}

/**
 * A SYN, its SYN-ACK, a RST: the application behind the port sees no connection. Throws
 * SystemError, with the remedy, where raw sockets are not permitted.
 */
export function knock(options: KnockOptions, version: string): Promise<ExitCode> {
  return runPackets("knock", options, () => openKnockProber(options, systemClock), version);
}

async function runPackets(
  diagnostic: Diagnostic,
  options: RunOptions,
  open: () => Prober,
  version: string,
): Promise<ExitCode> {
  // A mistake in the targets file is reported before a missing permission.
  const targets = await RunTargets.open(options, memberPorts(openGate().resolver));
  const prober = open();
  const connector = new DenoConnector(TcpSockets.open(), "fin");
  const maxInFlight = options.maxInFlight ?? MAX_IN_FLIGHT;
  return await run(options, targets, { diagnostic, prober, connector, maxInFlight }, version);
}
