/** `probe`: handshakes with targets on a schedule, reported as they come and summed up at the end. */
import { type ExitCode, messageOf, SystemError, UsageError } from "../../domain/exit.ts";
import type { RunSummary } from "../../domain/summary.ts";
import { type Target, targetKey } from "../../domain/target.ts";
import { choosePaint } from "../../format/paint.ts";
import type { RecordFormat } from "../../format/record_format.ts";
import { FORMATS } from "../../format/registry.ts";
import { textIntroduction } from "../../format/text.ts";
import { descriptorLimit } from "../../kernel/limits.ts";
import { ephemeralPorts } from "../../kernel/ports.ts";
import { revoke } from "../../kernel/permissions.ts";
import { onSignal } from "../../kernel/signals.ts";
import { TcpConnects } from "../../kernel/tcp_connect.ts";
import { TcpSockets } from "../../kernel/tcp_info.ts";
import type { Connector } from "../../net/connector.ts";
import { DenoConnector } from "../../net/deno_connector.ts";
import { systemResolver } from "../../net/resolver.ts";
import { SourceConnector } from "../../net/source_connector.ts";
import { loadTargets } from "../../net/targets_file.ts";
import { TcpProber } from "../../net/tcp_prober.ts";
import { isBrokenPipe, openStdout, say, stdoutWantsColour } from "../../sink/stdio.ts";
import { MAX_GROUPING_KEYS, MAX_GROUPS_PER_KEY } from "../../stats/groups.ts";
import { durationText } from "../../time/duration.ts";
import { systemClock } from "../../time/system_clock.ts";
import { Housekeeping } from "../housekeeping.ts";
import { collectdOptions, openExporters } from "./exports.ts";
import { inFlightAtWorst, limitNotices } from "./limit_notices.ts";
import { Live } from "./live.ts";
import type { ProbeOptions } from "./options.ts";
import { Outputs } from "./outputs.ts";
import { ProbeLoop } from "./probe_loop.ts";
import { Progress } from "./progress.ts";
import { Report } from "./report.ts";
import { sumUp } from "./run_summary.ts";
import { verdict } from "./verdict.ts";

/** Descriptors left for everything that is not a probe. */
const SPARE_DESCRIPTORS = 64;
/** Probes in flight where the system does not tell its limit, and at most. */
const DEFAULT_MAX_IN_FLIGHT = 200;
const MAX_IN_FLIGHT = 50_000;
/** How long a reader of stdout that has stopped reading can hold up the end. */
const FLUSH_MS = 2000;

/** Runs until the end asked for or a signal; the result is the exit code. */
export async function probe(options: ProbeOptions, version: string): Promise<ExitCode> {
  const sockets = TcpSockets.open();
  if (sockets === null) refuseWithoutKernel(options);
  const connector = connectorFor(options, sockets);
  const housekeeping = new Housekeeping(systemClock, false);
  const targets = allTargets(options);
  const maxInFlight = withinLimits(targets, options);

  let failure: unknown = null;
  // Stdout may break before there is a loop to stop.
  let stop = () => {};
  const broken = (error: unknown) => {
    failure = error;
    stop();
  };
  const stdout = openStdout(broken);
  const live = Live.open(options);
  const progress = live === null ? Progress.open(options) : null;
  const report = new Report(formatFor(options, targets), stdout, options.quiet || live !== null);
  const dropped = () => outputs.dropped;
  const exporters = await openExporters(options, { connector, version, dropped });
  const outputs: Outputs = new Outputs(report, exporters, systemClock, options.exports);
  outputs.check(targets);
  giveUpPermissions(options);

  // With nothing to probe there is still a port to serve.
  const idle = targets.length === 0;
  const loop = new ProbeLoop({ ...options.schedule, maxInFlight, idle }, {
    clock: systemClock,
    prober: new TcpProber(connector, systemClock, options.timeoutMs, options.clock),
    resolver: systemResolver,
    onRecord: (record) => {
      outputs.record(record);
      live?.record(record);
      progress?.record(record);
      housekeeping.worked(1);
    },
    onSkip: (target, probes) => {
      outputs.skip(target, probes);
      live?.skip(target, probes);
    },
    onNotice: say,
  });
  stop = () => loop.stop();
  if (failure !== null) stop();
  const summary = () => sumUp(loop.lanes.map((lane) => lane.stats), outputs.dropped, options);

  await loop.prepare(targets);
  outputs.watch(targets);
  const reachable = loop.lanes.some((lane) => lane.endpoint !== undefined);
  // Nothing to probe: the summaries say so, and the exit code why.
  if (!reachable && !idle) {
    return await conclude(report, summary(), options, outputs.dropped, () => failure);
  }
  const summarize = onDemand(live, progress, () => report.summary(summary()));
  listen(loop, outputs, options, summarize);
  if (options.output === "text" && !options.quiet) say(introduction(targets, options));
  outputs.start();
  const title = (of: readonly Target[]) => introduction(of, options);
  live?.start({ lanes: loop.lanes, title, onQuit: stop, onBroken: broken });
  progress?.start(loop.lanes);
  await loop.run();
  const shown = progress ?? live;
  if (shown !== null) await withinMs(FLUSH_MS, shown.stop());
  housekeeping.stop();
  await outputs.close(FLUSH_MS);
  live?.rethrow();
  return await conclude(report, summary(), options, outputs.dropped, () => failure);
}

/** How the summary so far is shown: a screen has it all the time, a line makes room for it. */
function onDemand(
  live: Live | null,
  progress: Progress | null,
  summarize: () => Promise<void>,
): () => void {
  if (live !== null) return () => live.redraw();
  return progress === null ? summarize : () => progress.aside(summarize);
}

function formatFor(options: ProbeOptions, targets: readonly Target[]): RecordFormat {
  const { timestamps, noColor, exports } = options;
  return FORMATS[options.output]({
    targets,
    style: { timestamps, paint: choosePaint(stdoutWantsColour(), noColor) },
    collectd: collectdOptions(options),
    windowsOnly: exports.windowMs !== null && !exports.perProbe,
  });
}

/** Each run keeps what it will still need: to dial, to read its targets again, to reach a socket. */
function giveUpPermissions({ targetsFile, exports }: ProbeOptions): void {
  const socket = exports.targets.some(({ kind }) => kind === "collectd-uds");
  revoke("env", "ffi", "sys");
  if (!socket) revoke("write");
  if (!socket && targetsFile === null) revoke("read");
}

/** `Deno.connect`, or sockets of our own where they must be bound first. */
function connectorFor(options: ProbeOptions, sockets: TcpSockets | null): Connector {
  const { source, close } = options;
  if (source === null) return new DenoConnector(sockets, close);
  const connects = TcpConnects.open();
  if (connects === null || sockets === null) {
    throw new SystemError(`--source ${source.address}: this platform offers no way to bind`);
  }
  const refusal = connects.refusal(source);
  if (refusal !== null) throw new SystemError(`--source ${source.address}: ${refusal}`);
  return new SourceConnector(connects, sockets, source, close);
}

function refuseWithoutKernel(options: ProbeOptions): void {
  const reason = "this platform or its permissions offer no TCP_INFO";
  if (options.clock === "kernel") throw new SystemError(`--clock kernel: ${reason}`);
  if (options.close === "rst") throw new SystemError(`--close rst: ${reason}`);
  if (options.clock === "auto") say(`${reason}: rtt is the clock's, scheduling included`);
}

/** How many probes may be in flight; says which limits of this machine the run may meet. */
function withinLimits(targets: readonly Target[], options: ProbeOptions): number {
  const { schedule: { intervalMs, burst }, timeoutMs, close } = options;
  const demand = { targets, intervalMs, timeoutMs, burst, close };
  const wanted = options.maxInFlight ?? Math.min(inFlightAtWorst(demand), MAX_IN_FLIGHT);
  const descriptors = descriptorLimit(wanted + SPARE_DESCRIPTORS);
  const most = descriptors === null
    ? DEFAULT_MAX_IN_FLIGHT
    : Math.max(1, Math.min(descriptors - SPARE_DESCRIPTORS, MAX_IN_FLIGHT));
  const maxInFlight = options.maxInFlight ?? most;
  const bound = options.maxInFlight === null ? descriptors : null;
  const limits = { maxInFlight, descriptors: bound, ports: ephemeralPorts() };
  for (const notice of limitNotices(demand, limits)) say(notice);
  return maxInFlight;
}

function allTargets({ targets, targetsFile, defaults }: ProbeOptions): readonly Target[] {
  if (targetsFile === null) return targets;
  const fromFile = loadTargets(targetsFile, defaults);
  const given = new Set(targets.map(targetKey));
  const twice = fromFile.find((target) => given.has(targetKey(target)));
  if (twice !== undefined) throw new UsageError(`${targetsFile}: ${twice.name} is given twice`);
  return [...targets, ...fromFile];
}

function listen(
  loop: ProbeLoop,
  outputs: Outputs,
  options: ProbeOptions,
  summarize: () => void,
): void {
  onSignal("SIGINT", () => loop.stop());
  onSignal("SIGTERM", () => loop.stop());
  onSignal("SIGQUIT", summarize);
  onSignal("SIGHUP", async () => {
    if (options.targetsFile === null) return loop.stop();
    try {
      const targets = allTargets(options);
      outputs.check(targets);
      const left = await loop.retarget(targets);
      outputs.watch(loop.lanes.map((lane) => lane.target));
      for (const lane of left) outputs.forget(lane.target);
      say(`${options.targetsFile} read again: ${loop.lanes.length} targets`);
    } catch (error) {
      say(`${messageOf(error)}; going on with the targets there were`);
    }
  });
}

function introduction(targets: readonly Target[], options: ProbeOptions): string {
  const { intervalMs, burst } = options.schedule;
  const every = `${burst === 1 ? "" : `${burst} `}every ${durationText(intervalMs)}`;
  return textIntroduction(targets, `${every}, timeout ${durationText(options.timeoutMs)}`);
}

async function conclude(
  report: Report,
  summary: RunSummary,
  options: ProbeOptions,
  dropped: number,
  failure: () => unknown,
): Promise<ExitCode> {
  const { code, reasons } = verdict(summary, options.thresholds);
  if (failure() === null) await withinMs(FLUSH_MS, report.summary(summary));
  const error = failure();
  if (isBrokenPipe(error)) return code;
  if (error !== null) throw new SystemError(`cannot write the results: ${messageOf(error)}`);
  for (const reason of reasons) say(reason);
  if (report.sumsUp && summary.ungrouped.length > 0) say(ungroupedNotice(summary.ungrouped));
  if (report.dropped > 0) {
    say(`${report.dropped} lines were dropped: standard output was not read in time`);
  }
  if (dropped > report.dropped) say(`${dropped - report.dropped} lines could not be exported`);
  return code;
}

/** Waits for a promise, but no longer than this. */
function withinMs(ms: number, promise: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const cancel = systemClock.wakeAt(systemClock.now() + ms, resolve);
    promise.finally(() => {
      cancel();
      resolve();
    });
  });
}

/** So many labels are named. */
const MAX_UNGROUPED = 3;

function ungroupedNotice(labels: readonly string[]): string {
  const more = labels.length - MAX_UNGROUPED;
  const named = labels.slice(0, MAX_UNGROUPED).join(", ") + (more > 0 ? ` and ${more} more` : "");
  return `no groups by ${named}: more than ${MAX_GROUPS_PER_KEY} values, ` +
    `or more than ${MAX_GROUPING_KEYS} labels`;
}
