/** Typed options of probe, ping and knock, which share one engine. */
import type { OutputName } from "../format/record_format.ts";
import { quote } from "../text/quote.ts";
import type { Diagnostic } from "../domain/probe_record.ts";
import { UsageError } from "../domain/exit.ts";
import type { Label } from "../domain/target.ts";
import type { ExportOptions } from "../run/options.ts";
import type { PingOptions, ProbeOptions, RunOptions } from "../run/options.ts";
import { checkedName, checkFamily, MAX_LABELS, type TargetDefaults } from "../input/target_text.ts";
import { addressing, operandTargets } from "./checks.ts";
import type { ValuesOf } from "./option.ts";
import type { COMMANDS } from "./table.ts";

type RunValues = Omit<ValuesOf<typeof COMMANDS.knock.options>, "port">;
type ProbeValues = ValuesOf<typeof COMMANDS.probe.options>;
type PingValues = ValuesOf<typeof COMMANDS.ping.options>;

export function probeOptions(values: ProbeValues, operands: readonly string[]): ProbeOptions {
  return { ...runOptions("probe", values, operands, values.port), close: values.close };
}

export function pingOptions(values: PingValues, operands: readonly string[]): PingOptions {
  const options = runOptions("ping", values, operands, null);
  return { ...options, payloadBytes: values.size, ttl: values.ttl };
}

/** An example target of each command. */
const EXAMPLES: Readonly<Record<Diagnostic, string>> = {
  probe: "db-host:5432",
  ping: "db-host",
  knock: "db-host:5432",
};

export function runOptions(
  command: Diagnostic,
  values: RunValues,
  operands: readonly string[],
  port: number | null,
): RunOptions {
  const { family, source, device } = addressing(values);
  checkLabels(values.label);
  const zone = checkedName(values.az, values.az);
  const portless = command === "ping" ? { portless: true } : {};
  const defaults: TargetDefaults = {
    az: zone,
    labels: values.label,
    allAddresses: values["all-addresses"],
    ...portless,
    ...(port === null ? {} : { port }),
  };
  const targets = operandTargets(operands, port, defaults);
  const exports = exportOptions(values);
  const alone = exports.targets.some(({ kind }) => kind === "prometheus");
  if (targets.length === 0 && values.targets === null && !alone) {
    throw new UsageError(
      `${command} wants a target, such as ${EXAMPLES[command]}, or --targets FILE`,
    );
  }
  for (const target of targets) checkFamily(target.host, family, target.name);
  const output = outputName(values, exports.targets);
  checkLive(values, output);
  if (values.quiet && (output === "collectd" || output === "influx")) {
    throw new UsageError(`--quiet: --output ${output} has no summary, so nothing would be printed`);
  }
  return {
    targets,
    targetsFile: values.targets,
    defaults,
    schedule: {
      count: values.count,
      durationMs: values.duration,
      intervalMs: values.interval,
      burst: values.burst,
      family,
      resolveAfter: values["resolve-after"],
      resolveEveryMs: values["resolve-every"],
    },
    maxInFlight: values["max-in-flight"],
    timeoutMs: values.timeout,
    source,
    device,
    clock: values.clock,
    output,
    exports,
    quiet: values.quiet,
    live: values.live,
    histogram: values.histogram,
    timestamps: values.timestamps,
    noColor: values["no-color"],
    thresholds: {
      lossPercent: values["fail-loss"],
      synLossPercent: values["fail-syn-loss"],
      p50Ms: values["fail-p50"],
      p99Ms: values["fail-p99"],
      connectP99Ms: values["fail-connect-p99"],
      on: values["fail-on"],
      allowRefused: values["allow-refused"],
    },
  };
}

/** collectd's default interval, which its exec plugin states in the environment. */
const PING_WINDOW_MS = 10_000;

function exportOptions(values: RunValues): ExportOptions {
  const types = values["collectd-types"];
  const perProbe = values["per-probe"];
  const windowMs = values.window ?? (types === "ping" ? PING_WINDOW_MS : null);
  if (!perProbe && windowMs === null) throw new UsageError("--per-probe false wants --window");
  if (values.output === "csv" && windowMs !== null && perProbe) {
    throw new UsageError("--output csv has one kind of line: with --window, add --per-probe=false");
  }
  return {
    targets: values.export,
    collectdTypes: types,
    windowMs,
    perProbe,
    boundsUs: values.buckets,
    hostTag: true,
    http: { names: values["http-host"], tokenFile: values["http-token"] },
  };
}

/** Only one thing can write to standard output. */
export function outputName(
  values: Pick<RunValues, "output">,
  exports: ExportOptions["targets"],
): OutputName {
  const exec = exports.some(({ kind }) => kind === "collectd-exec");
  if (!exec) return values.output ?? "text";
  if (values.output === null || values.output === "collectd") return "collectd";
  throw new UsageError(
    `--export collectd-exec writes to standard output, which leaves no place for --output ${values.output}`,
  );
}

/** The live table needs standard output for itself. */
export function checkLive(
  { live, output: asked }: Pick<RunValues, "live" | "output">,
  output: OutputName,
): void {
  if (!live || output === "text") return;
  const other = asked === null ? "--export collectd-exec" : `--output ${output}`;
  throw new UsageError(`--live draws on standard output, which leaves no place for ${other}`);
}

export function checkLabels(labels: readonly Label[]): void {
  const keys = labels.map(([key]) => key);
  if (keys.includes("az")) throw new UsageError("--label az: the zone is given by --az");
  if (keys.length > MAX_LABELS) throw new UsageError(`--label: at most ${MAX_LABELS} are accepted`);
  const twice = keys.find((key, i) => keys.indexOf(key) < i);
  if (twice !== undefined) throw new UsageError(`--label ${quote(twice)} is given twice`);
}
