/**
 * A run of `probe`, `ping` or `knock`: targets on a schedule, results as they come, a summary at the
 * end. The caller brings the prober.
 */
import { hostName, onSignal, revoke } from "../kernel/process.ts";
import { listText } from "../text/words.ts";
import type { Diagnostic } from "../domain/probe_record.ts";
import { type ExitCode, SystemError, UsageError } from "../domain/exit.ts";
import { messageOf } from "../text/quote.ts";
import type { RunSummary } from "../domain/summary.ts";
import { type Target, targetKey } from "../domain/target.ts";
import { NAMING, type Naming } from "../format/naming.ts";
import { choosePaint } from "../format/paint.ts";
import type { RecordFormat } from "../format/record_format.ts";
import { FORMATS } from "../format/registry.ts";
import { textIntroduction } from "../format/text.ts";
import type { Connector } from "../net/connector.ts";
import type { Prober } from "../net/prober.ts";
import { systemResolver } from "../net/resolver.ts";
import { loadTargets } from "../input/targets_file.ts";
import { isBrokenPipe, openStdout, say, stdoutWantsColour } from "../sink/stdio.ts";
import { MAX_GROUPING_KEYS, MAX_GROUPS_PER_KEY } from "../stats/groups.ts";
import { durationText } from "../text/duration.ts";
import { inTurn, systemClock } from "../time/clock.ts";
import { Housekeeping } from "./housekeeping.ts";
import { collectdOptions, openExporters } from "./exports.ts";
import { Live } from "./live.ts";
import type { RunOptions } from "./options.ts";
import { Outputs } from "./outputs.ts";
import { ProbeLoop } from "./probe_loop.ts";
import { Progress } from "./progress.ts";
import { Report } from "./report.ts";
import { sumUp } from "./run_summary.ts";
import { verdict } from "./verdict.ts";

/** How long a reader of stdout that has stopped reading can hold up the end. */
const FLUSH_MS = 2000;

/** The prober of a run and its limits. */
export interface Means {
  readonly diagnostic: Diagnostic;
  readonly prober: Prober;
  /** For probes on demand (`/probe?target=`). */
  readonly connector: Connector;
  readonly maxInFlight: number;
}

/**
 * Runs until the count, the duration or a signal; returns the exit code. Revokes the permissions for
 * FFI and the environment, so the prober must be open before.
 */
export async function run(
  options: RunOptions,
  targets: readonly Target[],
  { diagnostic, prober, connector, maxInFlight }: Means,
  version: string,
): Promise<ExitCode> {
  const housekeeping = new Housekeeping(systemClock, false);
  const naming = NAMING[diagnostic];

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
  const report = new Report(
    formatFor(options, targets, naming),
    stdout,
    options.quiet || live !== null,
  );
  const dropped = () => outputs.dropped;
  const exporters = await openExporters(options, { naming, connector, version, dropped });
  const outputs: Outputs = new Outputs(report, exporters, systemClock, options.exports);
  outputs.check(targets);
  giveUpPermissions(options);

  // Without targets the run only serves its HTTP port.
  const idle = targets.length === 0;
  const loop = new ProbeLoop({ ...options.schedule, maxInFlight, idle }, {
    clock: systemClock,
    prober,
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
  const summary = () => sumUp(loop.entries.map((entry) => entry.stats), outputs.dropped, options);

  await loop.prepare(targets);
  outputs.watch(targets);
  const reachable = loop.entries.some((entry) => entry.endpoint !== undefined);
  // No target has an address: print the summaries and end.
  if (!reachable && !idle) {
    return await conclude(report, summary(), options, outputs.dropped, () => failure);
  }
  // A copy: probes go on while it is written.
  const soFar = () => {
    const run = summary();
    return { ...run, targets: [...run.targets] };
  };
  const summarize = onDemand(live, progress, () => report.summary(soFar()));
  listen(loop, outputs, options, summarize);
  if (options.output === "text" && !options.quiet) say(introduction(targets, options, naming));
  outputs.start();
  const title = (of: readonly Target[]) => introduction(of, options, naming);
  live?.start({ entries: loop.entries, title, onQuit: stop, onBroken: broken });
  progress?.start(loop.entries);
  await loop.run();
  const shown = progress ?? live;
  if (shown !== null) await withinMs(FLUSH_MS, shown.stop());
  housekeeping.stop();
  await outputs.close(FLUSH_MS);
  live?.rethrow();
  for (const remark of prober.remarks?.() ?? []) say(remark);
  return await conclude(report, summary(), options, outputs.dropped, () => failure);
}

/** What SIGQUIT does: redraw the table, or print the summary above the progress line. */
function onDemand(
  live: Live | null,
  progress: Progress | null,
  summarize: () => Promise<void>,
): () => void {
  if (live !== null) return () => live.redraw();
  return progress === null ? summarize : () => progress.aside(summarize);
}

function formatFor(
  options: RunOptions,
  targets: readonly Target[],
  naming: Naming,
): RecordFormat {
  const { timestamps, noColor, exports } = options;
  return FORMATS[options.output]({
    targets,
    style: { timestamps, paint: choosePaint(stdoutWantsColour(), noColor) },
    collectd: collectdOptions(options),
    naming,
    host: exports.hostTag ? hostName() : null,
    windowsOnly: exports.windowMs !== null && !exports.perProbe,
  });
}

/** Revokes permissions. Kept: network, the targets file for a reload, collectd's socket. */
function giveUpPermissions({ targetsFile, exports }: RunOptions): void {
  const socket = exports.targets.some(({ kind }) => kind === "collectd-uds");
  revoke("env", "ffi", "sys");
  if (!socket) revoke("write");
  if (!socket && targetsFile === null) revoke("read");
}

/** The targets given and those of the file; throws UsageError when one is there twice. */
export async function allTargets(
  { targets, targetsFile, defaults }: RunOptions,
): Promise<readonly Target[]> {
  if (targetsFile === null) return targets;
  const fromFile = await loadTargets(targetsFile, defaults);
  const given = new Set(targets.map(targetKey));
  const twice = fromFile.find((target) => given.has(targetKey(target)));
  if (twice !== undefined) throw new UsageError(`${targetsFile}: ${twice.name} is given twice`);
  return [...targets, ...fromFile];
}

function listen(
  loop: ProbeLoop,
  outputs: Outputs,
  options: RunOptions,
  summarize: () => void,
): void {
  onSignal("SIGINT", () => loop.stop());
  onSignal("SIGTERM", () => loop.stop());
  onSignal("SIGQUIT", summarize);
  const reload = inTurn(() => readAgain(loop, outputs, options));
  onSignal("SIGHUP", () => options.targetsFile === null ? loop.stop() : reload());
}

/** Probes what the targets file names now; where it cannot be read, one line says so. */
async function readAgain(loop: ProbeLoop, outputs: Outputs, options: RunOptions): Promise<void> {
  try {
    const targets = await allTargets(options);
    outputs.check(targets);
    const left = await loop.retarget(targets);
    outputs.watch(loop.entries.map((entry) => entry.target));
    for (const entry of left) outputs.forget(entry.target);
    say(`${options.targetsFile} read again: ${loop.entries.length} targets`);
  } catch (error) {
    say(`${messageOf(error)}; going on with the targets there were`);
  }
}

function introduction(
  targets: readonly Target[],
  options: RunOptions,
  naming: Naming,
): string {
  const { intervalMs, burst } = options.schedule;
  const every = `${burst === 1 ? "" : `${burst} `}every ${durationText(intervalMs)}`;
  return textIntroduction(targets, `${every}, timeout ${durationText(options.timeoutMs)}`, naming);
}

async function conclude(
  report: Report,
  summary: RunSummary,
  options: RunOptions,
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
  return `no groups by ${
    listText(labels, MAX_UNGROUPED)
  }: more than ${MAX_GROUPS_PER_KEY} values, ` +
    `or more than ${MAX_GROUPING_KEYS} labels`;
}
