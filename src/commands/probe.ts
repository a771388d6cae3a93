/** `probe`: TCP handshakes with targets, timed by the kernel. */
import { type ExitCode, SystemError } from "../domain/exit.ts";
import type { Endpoint, Target } from "../domain/target.ts";
import { ephemeralPorts } from "../kernel/system_file.ts";
import { ConnectingSockets } from "../kernel/connecting_sockets.ts";
import { TcpSockets } from "../kernel/tcp_info.ts";
import type { CloseKind, Connector } from "../net/connector.ts";
import { DenoConnector } from "../net/deno_connector.ts";
import { OwnConnector } from "../net/own_connector.ts";
import { TcpProber } from "../net/tcp_prober.ts";
import { say } from "../run/outbox.ts";
import { systemClock } from "../time/clock.ts";
import { openGate } from "../run/gate.ts";
import { type Demand, limitNotices } from "../run/limit_notices.ts";
import type { ProbeOptions } from "../run/options.ts";
import { run } from "../run/run.ts";
import { RunTargets } from "../run/run_targets.ts";

/**
 * From so many probes a second on, sockets of our own cost less CPU than the runtime's connect
 * (`task bench:scale`); below it they would wait in a thread for each answer.
 */
const OWN_SOCKETS_FROM = 1000;

export async function probe(options: ProbeOptions, version: string): Promise<ExitCode> {
  const sockets = TcpSockets.open();
  if (sockets === null) refuseWithoutKernel(options);
  const targets = await RunTargets.open(options);
  const { source, device, close, schedule: { intervalMs, burst } } = options;
  const rate = targets.current.length * burst * 1000 / intervalMs;
  const connector = connectorFor({ source, device, close, rate, even: burst === 1 }, sockets);
  const gate = openGate();
  const ports = ephemeralPorts();
  const serves = options.exports.targets.some(({ kind }) => kind === "prometheus");
  const most = gate.mostInFlight(serves ? gate.httpConnections : 0);
  const maxInFlight = options.maxInFlight ?? most;
  const prober = new TcpProber(connector, systemClock, options.timeoutMs, options.clock);
  return await run(
    options,
    targets,
    {
      diagnostic: "probe",
      prober,
      connector,
      maxInFlight,
      limitNotices: (of) => {
        const descriptors = options.maxInFlight === null ? gate.descriptors : null;
        return limitNotices(demandOf(of, options), { maxInFlight, descriptors, ports });
      },
    },
    version,
  );
}

/** What a connector is chosen by. */
interface ConnectorChoice {
  readonly source: Endpoint | null;
  readonly device: string | null;
  readonly close: CloseKind;
  /** Probes a second, all targets together. */
  readonly rate: number;
  /** Whether they are spread evenly over each second. */
  readonly even: boolean;
}

/** `Deno.connect`, or sockets of our own from a source address or an interface, and at a rate. */
export function connectorFor(
  { source, device, close, rate, even }: ConnectorChoice,
  sockets: TcpSockets | null,
): Connector {
  const atRate = rate >= OWN_SOCKETS_FROM;
  const bound = source !== null || device !== null;
  if (!bound && !atRate) return new DenoConnector(sockets, close);
  const connects = ConnectingSockets.open(source, device);
  const asked = source === null ? `--interface ${device}` : `--source ${source.address}`;
  if (connects === null || sockets === null) {
    if (!bound) return new DenoConnector(sockets, close);
    throw new SystemError(`${asked}: this platform offers no way to bind`);
  }
  const refusal = connects.refusal();
  if (refusal !== null) throw new SystemError(`${asked}: ${refusal}`);
  const steady = atRate && even;
  return new OwnConnector(connects, sockets, systemClock, { close, steady });
}

function refuseWithoutKernel(options: ProbeOptions): void {
  const reason = "this platform or its permissions offer no TCP_INFO";
  if (options.clock === "kernel") throw new SystemError(`--clock kernel: ${reason}`);
  if (options.close === "rst") throw new SystemError(`--close rst: ${reason}`);
  if (options.source !== null) {
    throw new SystemError(`--source ${options.source.address}: ${reason}`);
  }
  if (options.clock === "auto") say(`${reason}: rtt is the clock's, scheduling included`);
}

function demandOf(targets: readonly Target[], options: ProbeOptions): Demand {
  const { schedule: { intervalMs, burst }, timeoutMs, close } = options;
  return { targets, intervalMs, timeoutMs, burst, close };
}
