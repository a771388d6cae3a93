/** A run of `probe`, `ping` or `knock`, with the caller's prober: results, then a summary. */
import { hostName, onSignal, revoke } from "../kernel/process.ts";
import { giveUpRawSockets } from "../kernel/raw_right.ts";
import type { Diagnostic } from "../domain/probe_record.ts";
import { type ExitCode, SystemError } from "../domain/exit.ts";
import { messageOf } from "../text/quote.ts";
import type { RunSummary } from "../domain/summary.ts";
import type { Target } from "../domain/target.ts";
import { checkCollectdNames } from "../format/collectd.ts";
import { NAMING, type Naming } from "../format/naming.ts";
import { choosePaint, plain } from "../format/paint.ts";
import type { OutputName, RecordFormat } from "../format/record_format.ts";
import { FORMATS } from "./formats.ts";
import { ungroupedNotice, warnings } from "../format/warnings.ts";
import type { Connector } from "../net/connector.ts";
import type { Prober } from "../net/prober.ts";
import {
  isBrokenPipe,
  stderrIsTerminal,
  stdoutWantsColour,
  summaryColumns,
} from "../sink/stdio.ts";
import { repeat, systemClock } from "../time/clock.ts";
import { inTurn } from "../time/turns.ts";
import { Housekeeping } from "./housekeeping.ts";
import { openPressure } from "./host_pressure.ts";
import { introduction, placeOf, reloadText } from "./introduction.ts";
import type { Live } from "./live.ts";
import { collectdOptions, type RunOptions } from "./options.ts";
import { FOLLOW_MS } from "./members.ts";
import { type EndSignal, outbox, say } from "./outbox.ts";
import { Outputs } from "./outputs.ts";
import { ProbeLoop } from "./probe_loop.ts";
import { Progress } from "./progress.ts";
import { Report } from "./report.ts";
import { sumUp } from "./run_summary.ts";
import type { RunTargets } from "./run_targets.ts";
import { Silence } from "./silence.ts";
import { verdict } from "./verdict.ts";

/** The prober of a run and its limits. */
export interface Means {
  readonly diagnostic: Diagnostic;
  readonly prober: Prober;
  /** For probes on demand (`/probe?target=`). */
  readonly connector: Connector;
  readonly maxInFlight: number;
  /** Is told of the targets that a reload has made the run's. */
  onTargets?(targets: readonly Target[]): void;
  /** A line for each limit of this machine that a run of these targets may reach. */
  limitNotices?(targets: readonly Target[]): readonly string[];
}

/**
 * Runs until the count, the duration or a signal; returns the exit code. Revokes the permissions for
 * FFI and the environment, so the prober must be open before.
 */
export async function run(
  options: RunOptions,
  targets: RunTargets,
  means: Means,
  version: string,
): Promise<ExitCode> {
  return await (await Run.open(options, targets, means, version)).toTheEnd();
}

/** What a run opens before it begins. */
interface RunParts {
  readonly naming: Naming;
  readonly format: RecordFormat;
  readonly live: Live | null;
}

/** Lines of a summary between two waits for stderr's reader: they fit its queue. */
const LINES_AT_ONCE = 64;

class Run {
  #options: RunOptions;
  #targets: RunTargets;
  #means: Means;
  #limitsSaid: readonly string[] = [];
  #title: (of: readonly Target[]) => string;
  #housekeeping = new Housekeeping(systemClock, false);
  #live: Live | null;
  #progress: Progress | null;
  #report: Report;
  #outputs: Outputs;
  #loop: ProbeLoop;
  #summarizing = false;
  #silence = new Silence();
  #stops: (() => void)[] = [];
  /** The signal that ends the run. */
  #interrupted: EndSignal | null = null;
  /** The word for connect times. */
  #clockWord: string;

  /** Opens everything that needs permissions, then gives them up. */
  static async open(
    options: RunOptions,
    targets: RunTargets,
    means: Means,
    version: string,
  ): Promise<Run> {
    const naming = NAMING[means.diagnostic];
    const { connector } = means;
    const exporters = { naming, connector, version, dropped: () => outbox.dropped };
    if (options.exports.targets.length > 0) {
      // Only a run with exporters reads their modules: it costs time at start.
      const { openExporters } = await import("./exports.ts");
      await openExporters(options, exporters);
    }
    // So does its table: only `--live` reads it.
    const live = options.live ? (await import("./live.ts")).Live.open(options) : null;
    const format = await formatFor(options, targets.current, naming);
    return new Run(options, targets, means, { naming, format, live });
  }

  private constructor(
    options: RunOptions,
    targets: RunTargets,
    means: Means,
    { naming, format, live }: RunParts,
  ) {
    const { prober, maxInFlight } = means;
    this.#options = options;
    this.#targets = targets;
    this.#means = means;
    this.#clockWord = naming.clock;
    this.#title = (of) => introduction(of, options, naming);
    this.#live = live;
    this.#progress = this.#live === null ? Progress.open(options) : null;
    const quiet = options.quiet || this.#live !== null;
    this.#report = new Report(format, outbox.stdout, quiet);
    const { exports } = options;
    const pressure = exports.windowMs === null ? {} : { pressure: openPressure() };
    this.#outputs = new Outputs(this.#report, outbox.exporters, systemClock, {
      ...exports,
      ...pressure,
    });
    this.#check(targets.current);
    giveUpPermissions(options);
    // Without targets the run only serves its HTTP port.
    const idle = targets.current.length === 0;
    this.#loop = new ProbeLoop({ ...options.schedule, maxInFlight, idle }, {
      clock: systemClock,
      prober,
      resolver: targets,
      onRecord: (record) => {
        this.#silence.broken();
        this.#outputs.record(record);
        this.#live?.record(record);
        this.#progress?.record(record);
        this.#housekeeping.worked(1);
      },
      onSkip: (target, probes) => {
        this.#outputs.skip(target, probes);
        this.#live?.skip(target, probes);
      },
      onNotice: say,
      onDetail: (text) => outbox.detail(text),
    });
    outbox.stdout.onBroken = () => this.#loop.stop();
    if (outbox.stdout.broken !== null) this.#loop.stop();
  }

  async toTheEnd(): Promise<ExitCode> {
    const loop = this.#loop;
    this.#listen();
    const targets = this.#targets.current;
    this.#sayLimits(targets);
    this.#housekeeping.before(targets.length);
    loop.prepare(targets);
    this.#outputs.watch(targets);
    // No target has an address: print the summaries and end. An agent waits for names to resolve.
    const agent = this.#options.exports.targets.length > 0;
    if (!agent && targets.length > 0 && !await loop.reachable() && !this.#targets.found) {
      return await this.#conclude();
    }
    this.#introduce();
    this.#outputs.start();
    const stop = () => loop.stop();
    this.#live?.start({ entries: loop.entries, title: this.#title, onQuit: stop, onBroken: stop });
    this.#progress?.start(loop.entries);
    this.#watchSilence();
    const over = loop.run();
    this.#followMembers();
    await over;
    for (const stop of this.#stops) stop();
    await outbox.within(this.#progress?.stop() ?? this.#live?.stop() ?? Promise.resolve());
    this.#housekeeping.stop();
    await outbox.deliver((leftMs) => this.#outputs.close(leftMs));
    this.#live?.rethrow();
    for (const remark of this.#means.prober.remarks?.() ?? []) say(remark);
    return await this.#conclude();
  }

  /** Throws UsageError where some output cannot represent the targets, or tell them apart. */
  #check(targets: readonly Target[]): void {
    const { output, exports } = this.#options;
    this.#outputs.check(targets);
    const collectd = exports.targets.some(({ kind }) => kind === "collectd-uds");
    if (collectd || output === "collectd") checkCollectdNames(targets);
  }

  /** Says which limits may be reached, where that has changed. */
  #sayLimits(targets: readonly Target[]): void {
    const notices = this.#means.limitNotices?.(targets) ?? [];
    const said = new Set(this.#limitsSaid);
    for (const notice of notices) if (!said.has(notice)) say(notice);
    this.#limitsSaid = notices;
  }

  #summary(): RunSummary {
    const stats = this.#loop.entries.map((entry) => entry.stats);
    return sumUp(stats, outbox.dropped, this.#options);
  }

  #listen(): void {
    outbox.onEnd((signal) => {
      this.#interrupted = signal;
      this.#loop.stop();
    });
    onSignal("SIGQUIT", () => this.#summarize());
    const reload = inTurn(() => this.#reload());
    onSignal("SIGHUP", () => {
      if (this.#options.targetsFile === null) this.#loop.stop();
      else reload();
    });
  }

  /** What SIGQUIT does: redraw the table, or print the summary above the progress line. */
  async #summarize(): Promise<void> {
    if (this.#live !== null) return this.#live.redraw();
    // A reader that has stopped gets one summary.
    if (this.#summarizing) return;
    this.#summarizing = true;
    const print = () => this.#sumUpOnStderr().then(() => outbox.sayReceivers());
    await (this.#progress === null ? print() : this.#progress.aside(print));
    this.#summarizing = false;
  }

  /** Writes the summary so far to stderr, whatever the output's format. */
  async #sumUpOnStderr(): Promise<void> {
    const now = this.#summary();
    // A copy: probes go on while it is written.
    const run = { ...now, targets: [...now.targets] };
    const style = { paint: plain, clock: this.#clockWord, columns: summaryColumns() };
    const { summaryLines } = await import("../format/text_summary.ts");
    let lines = 0;
    for (const line of summaryLines(run, style)) {
      outbox.line(line);
      if (++lines % LINES_AT_ONCE === 0) await outbox.stderrFlushed();
    }
  }

  /** Probes what the targets file names now; where it cannot be read, one line says so. */
  async #reload(): Promise<void> {
    const { targetsFile } = this.#options;
    try {
      await this.#targets.read((targets) => this.#check(targets));
      const { added, left } = this.#retarget();
      this.#sayLimits(this.#targets.current);
      say(reloadText(targetsFile, this.#loop.entries.length, added, left.length));
      if (left.length === 0) return;
      // The summary at the end does not have them.
      const { goneLine } = await import("../format/text_summary.ts");
      for (const { stats } of left) say(goneLine(stats.summary(0)));
    } catch (error) {
      say(`${messageOf(error)}; going on with the targets there were`);
    }
  }

  /** Probes the current targets from now on; returns how many came, and those that left. */
  #retarget(): { added: number; left: ReturnType<ProbeLoop["retarget"]> } {
    this.#means.onTargets?.(this.#targets.current);
    const before = this.#loop.entries.length;
    const left = this.#loop.retarget(this.#targets.current);
    this.#outputs.watch(this.#loop.entries.map((entry) => entry.target));
    for (const entry of left) this.#outputs.forget(entry.target);
    return { added: this.#loop.entries.length - before + left.length, left };
  }

  /** Follows the members of names that stand for several, until the run ends. */
  #followMembers(): void {
    const everyMs = this.#options.schedule.resolveEveryMs ?? FOLLOW_MS;
    const check = (now: readonly Target[]) => this.#check(now);
    const look = inTurn(() => this.#follow(() => this.#targets.follow(check)));
    this.#stops.push(repeat(systemClock, everyMs, look));
    // Members that are found late replace their name when they are there.
    this.#targets.onFound = () => this.#follow(() => this.#targets.takeFound(check));
    this.#stops.push(() => this.#targets.onFound = () => {});
  }

  async #follow(changed: () => boolean | Promise<boolean>): Promise<void> {
    try {
      if (await changed()) this.#retarget();
    } catch (error) {
      say(`${messageOf(error)}; going on with the targets there were`);
    }
  }

  /** Says once in each silence of a second that nothing has come, on a terminal. */
  #watchSilence(): void {
    const { output, quiet } = this.#options;
    if (output !== "text" || quiet || this.#live !== null || !stderrIsTerminal()) return;
    const isAwaited = () => this.#loop.entries.some((of) => of.inFlight > 0);
    this.#stops.push(this.#silence.watch(systemClock, isAwaited, () => say("no answer yet")));
  }

  /** What an agent says at its start: what it probes, and where its results are. */
  #introduce(): void {
    const { output, quiet, schedule: { count, durationMs }, exports } = this.#options;
    const places = exports.targets.flatMap(placeOf);
    const agent = count === null && durationMs === null && output === "none" || places.length > 0;
    if (quiet || output !== "text" && !agent) return;
    const where = places.length === 0 ? "" : `; ${places.join(", ")}`;
    say(`${this.#title(this.#targets.current)}${where}`);
  }

  /** Whether the summary so far is printed on stderr: a signal ends a run whose output has none. */
  #isBrokenOff(output: OutputName): boolean {
    switch (output) {
      case "none":
        return this.#interrupted !== null;
      case "csv":
      case "influx":
      case "collectd":
        // A service manager's signal does not ask for a summary.
        return this.#interrupted === "SIGINT";
      case "text":
      case "json":
        return false;
      default:
        return output satisfies never;
    }
  }

  async #conclude(): Promise<ExitCode> {
    const report = this.#report;
    const summary = this.#summary();
    const { code, failures } = verdict(summary, this.#options.thresholds);
    outbox.exitCode = code;
    outbox.renew();
    const { stdout } = outbox;
    if (stdout.broken === null) await outbox.within(report.summary(summary));
    if (stdout.broken !== null) {
      const { error } = stdout.broken;
      if (isBrokenPipe(error)) return code;
      throw new SystemError(`cannot write the results: ${messageOf(error)}`);
    }
    const { output, quiet } = this.#options;
    if (!quiet && this.#isBrokenOff(output)) await this.#sumUpOnStderr();
    if (output === "text" && !quiet) { for (const line of warnings(summary)) say(line); }
    for (const failure of failures) outbox.line(failure);
    if (report.sumsUp && summary.ungrouped.length > 0) say(ungroupedNotice(summary.ungrouped));
    return code;
  }
}

function formatFor(
  options: RunOptions,
  targets: readonly Target[],
  naming: Naming,
): Promise<RecordFormat> {
  const { timestamps, noColor, exports } = options;
  return FORMATS[options.output]({
    targets,
    style: {
      timestamps,
      paint: choosePaint(stdoutWantsColour(), noColor),
      columns: summaryColumns(),
      brief: options.quiet,
    },
    collectd: collectdOptions(options),
    naming,
    host: exports.hostTag ? hostName() : null,
    windowsOnly: exports.windowMs !== null && !exports.perProbe,
  });
}

/** Revokes permissions. Kept: network, the targets file for a reload, collectd's socket. */
function giveUpPermissions({ device, targetsFile, exports }: RunOptions): void {
  const socket = exports.targets.some(({ kind }) => kind === "collectd-uds");
  giveUpRawSockets(device);
  revoke("env", "ffi", "sys");
  if (!socket) revoke("write");
  if (!socket && targetsFile === null) revoke("read");
}
