/** `probe`: TCP handshakes with targets, timed by the kernel. */
import { type ExitCode, SystemError } from "../domain/exit.ts";
import type { Target } from "../domain/target.ts";
import { ephemeralPorts } from "../kernel/system_file.ts";
import { TcpSockets } from "../kernel/tcp_info.ts";
import type { Connector } from "../net/connector.ts";
import { isByRuntime, NO_KERNEL_FIGURES } from "../net/connector_choice.ts";
import { DenoConnector } from "../net/deno_connector.ts";
import { httpLimits } from "../net/http_limits.ts";
import { TcpProber } from "../net/tcp_prober.ts";
import { say } from "../run/outbox.ts";
import { systemClock } from "../time/clock.ts";
import { openGate } from "../run/gate.ts";
import { type Demand, limitNotices } from "../run/limit_notices.ts";
import type { ProbeOptions } from "../run/options.ts";
import { run } from "../run/run.ts";
import { memberPorts, RunTargets } from "../run/run_targets.ts";

export async function probe(options: ProbeOptions, version: string): Promise<ExitCode> {
  const sockets = TcpSockets.open();
  if (sockets === null) refuseWithoutKernel(options);
  const gate = openGate();
  const targets = await RunTargets.open(options, memberPorts(gate.resolver));
  const { connector, onTargets } = await openConnector(options, targets.current, sockets);
  const ports = ephemeralPorts();
  const { targets: exports } = options.exports;
  const serves = exports.some(({ kind }) => kind === "prometheus");
  const othersOf = (descriptors: number | null) =>
    exports.length + (serves ? httpLimits(descriptors).connections : 0);
  const most = gate.mostInFlight(othersOf(gate.descriptors));
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
      onTargets,
      limitNotices: (of) => {
        const descriptors = options.maxInFlight === null ? gate.descriptors : null;
        return limitNotices(demandOf(of, options), { maxInFlight, descriptors, othersOf, ports });
      },
    },
    version,
  );
}

/** The connector, and what it is told of other targets. */
async function openConnector(
  { source, device, close, targetsFile, schedule: { intervalMs, burst } }: ProbeOptions,
  targets: readonly Target[],
  sockets: TcpSockets | null,
): Promise<{ connector: Connector; onTargets: (of: readonly Target[]) => void }> {
  const rateOf = (of: readonly Target[]) => of.length * burst * 1000 / intervalMs;
  const choice = { source, device, close, even: burst === 1, rate: rateOf(targets) };
  if (targetsFile === null && isByRuntime(choice)) {
    return { connector: new DenoConnector(sockets, close), onTargets: () => {} };
  }
  // Only a run that may need sockets of its own reads their modules: it costs time at start.
  const { ConnectorByRate, connectorFor } = await import("../net/open_connector.ts");
  const byRate = targetsFile === null ? null : ConnectorByRate.open(choice, sockets);
  byRate?.choose(choice.rate);
  const onTargets = (of: readonly Target[]) => byRate?.choose(rateOf(of));
  return { connector: byRate ?? connectorFor(choice, sockets), onTargets };
}

function refuseWithoutKernel(options: ProbeOptions): void {
  const reason = NO_KERNEL_FIGURES;
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
