/** Typed options of the commands that are not runs of probes. */
import { MAX_PORT } from "../domain/limits.ts";
import type { TraceProtocol } from "../domain/path.ts";
import { UsageError } from "../domain/exit.ts";
import { redacted } from "../input/connection_text.ts";
import { quote } from "../text/quote.ts";
import { DEFAULT_AZ, hostPort } from "../domain/target.ts";
import type { CompareOptions } from "../commands/compare/compare.ts";
import type { QuestionOptions } from "../commands/compare/question.ts";
import type { HeatmapOptions } from "../commands/heatmap/heatmap.ts";
import type { MeshOptions } from "../commands/mesh/mesh.ts";
import type { ServeOptions } from "../commands/serve.ts";
import type { TraceOptions } from "../commands/trace/options.ts";
import { parseNameServer, parseTraceTarget } from "../input/trace_target.ts";
import { checkedName, checkFamily } from "../input/target_text.ts";
import { checkLabels } from "./run_options.ts";
import { durationText } from "../text/duration.ts";
import { addressing, bindAddresses, hostAndPort, oneOperand, operandTargets } from "./checks.ts";
import type { ValuesOf } from "./option.ts";
import type { COMMANDS, QUESTION } from "./table.ts";

/** With more targets there would be more tables than anybody reads. */
const MAX_COMPARED = 16;

export function compareOptions(
  values: ValuesOf<typeof COMMANDS.compare.options>,
  operands: readonly string[],
): CompareOptions {
  const { family, source } = addressing(values);
  const targets = operandTargets(operands, values.port, { az: DEFAULT_AZ, labels: [] });
  if (targets.length === 0) throw new UsageError("compare wants a target, such as db-host:5432");
  if (targets.length > MAX_COMPARED) {
    throw new UsageError(`compare takes at most ${MAX_COMPARED} targets`);
  }
  for (const target of targets) checkFamily(target.host, family, target.name);
  return {
    targets,
    count: values.count,
    intervalMs: values.interval,
    timeoutMs: values.timeout,
    burst: values.burst,
    family,
    source,
    output: values.output,
    noColor: values["no-color"],
  };
}

export function questionOptions(
  values: ValuesOf<typeof QUESTION.options>,
  operands: readonly string[],
): QuestionOptions {
  const { family } = addressing({ ...values, source: null });
  const targets = operandTargets(operands, values.port, { az: DEFAULT_AZ, labels: [] });
  if (targets.length > 1) {
    const names = targets.map(({ host, port }) => hostPort(host, port)).join(" ");
    throw new UsageError(
      `one target is asked about at a time; for several: wire-probe compare ${names}`,
    );
  }
  const [target] = targets;
  checkFamily(target.host, family, target.name);
  return { target, family, output: values.output, noColor: values["no-color"] };
}

export function serveOptions(
  values: ValuesOf<typeof COMMANDS.serve.options>,
  operands: readonly string[],
): ServeOptions {
  const port = oneOperand("serve", operands);
  if (port !== undefined && (!/^[1-9][0-9]{0,4}$/.test(port) || Number(port) > MAX_PORT)) {
    const accepted = `takes a port from 1 to ${MAX_PORT}`;
    throw new UsageError(`'serve' ${accepted}, but got ${quote(redacted(port))}`);
  }
  return {
    addresses: bindAddresses(values.bind.length === 0 ? ["0.0.0.0"] : values.bind),
    port: port === undefined ? values.port : Number(port),
    backlog: values.backlog,
    reusePort: values["reuse-port"],
    statsEveryMs: values["stats-every"],
  };
}

/** Between two rounds: for somebody who waits, and for a receiver (routers limit what they answer). */
const TRACE_INTERVAL_MS = 1000;
const AGENT_INTERVAL_MS = 10_000;

type TraceValues = ValuesOf<typeof COMMANDS.trace.options>;

export function traceOptions(values: TraceValues, operands: readonly string[]): TraceOptions {
  if (operands.length === 0 && values.targets === null) {
    throw new UsageError("trace wants a host, such as db-host:5432");
  }
  if (values.udp && values.icmp) throw new UsageError("--udp and --icmp exclude each other");
  const { family, source } = addressing(values);
  const protocol: TraceProtocol = values.udp ? "udp" : values.icmp ? "icmp" : "tcp";
  checkSizes(values, protocol);
  if (values["first-hop"] > values["max-hops"]) {
    throw new UsageError(
      `--first-hop ${values["first-hop"]} lies behind --max-hops ${values["max-hops"]}`,
    );
  }
  const targets = hostAndPort(operands).map(parseTraceTarget)
    .map((target) => ({ ...target, port: target.port ?? values.port }));
  for (const { host } of targets) checkFamily(host, family, host);
  checkTraceExports(values);
  const isAgent = values.export.length > 0;
  return {
    targets,
    targetsFile: values.targets,
    protocol,
    family,
    source,
    sourcePort: checkedSourcePort(values, protocol),
    tos: values.tos,
    interfaceName: values.interface,
    firstHop: values["first-hop"],
    maxHops: values["max-hops"],
    queries: values.queries,
    timeoutMs: values.timeout,
    // Held fixed, so that what changes is the network.
    paths: values.paths ?? (isAgent ? 1 : null),
    sizeBytes: values.size,
    mtu: values.mtu,
    names: !values["no-names"],
    asn: values.asn,
    nameServer: values.resolver === null ? null : parseNameServer(values.resolver),
    repeat: values.repeat ?? (isAgent ? Infinity : null),
    intervalMs: values.interval ?? (isAgent ? AGENT_INTERVAL_MS : TRACE_INTERVAL_MS),
    output: values.output,
    exports: values.export,
    http: { names: values["http-host"], tokenFile: values["http-token"] },
    noColor: values["no-color"],
  };
}

function checkTraceExports({ export: exports, output, mtu }: TraceValues): void {
  const collectd = exports.find(({ kind }) => kind === "collectd-exec" || kind === "collectd-uds");
  if (collectd !== undefined) {
    throw new UsageError(`trace has no --export ${collectd.kind}: Influx, OTLP and Prometheus`);
  }
  if (exports.length > 0 && mtu) throw new UsageError("--mtu and --export exclude each other");
  if (exports.length === 0 && output === "none") {
    throw new UsageError("--output none wants --export");
  }
}

/** Flows' ports follow one another. */
function checkedSourcePort({ sport, paths }: TraceValues, protocol: TraceProtocol): number | null {
  if (sport === null) return null;
  if (protocol === "icmp") {
    throw new UsageError("--sport wants TCP or UDP, since ICMP has no ports");
  }
  const last = sport + (paths ?? 1) - 1;
  if (last > MAX_PORT) throw new UsageError(`--sport ${sport}: ${paths} flows end at port ${last}`);
  return sport;
}

function checkSizes({ size, mtu }: TraceValues, protocol: TraceProtocol): void {
  if (size !== null && mtu) throw new UsageError("--size and --mtu exclude each other");
  if (protocol === "tcp" && (size !== null || mtu)) {
    const option = mtu ? "--mtu" : "--size";
    throw new UsageError(`${option} wants --udp or --icmp, since a SYN carries no data`);
  }
}

export function heatmapOptions(
  values: ValuesOf<typeof COMMANDS.heatmap.options>,
  operands: readonly string[],
): HeatmapOptions {
  if (values.nodes === null && operands.length === 0) {
    throw new UsageError("heatmap wants --nodes FILE, or files of rows");
  }
  if (values.json && (values.html !== null || values.svg !== null)) {
    throw new UsageError("--json and --html or --svg exclude each other");
  }
  return {
    place: values.nodes,
    rowFiles: operands,
    httpPort: values["http-port"],
    timeoutMs: values.timeout,
    metric: values.metric,
    groupBy: values["group-by"],
    tokenFile: values["http-token"],
    html: values.html,
    svg: values.svg,
    json: values.json,
    triage: values.triage,
    watchMs: values.watch,
    noColor: values["no-color"],
  };
}

export function meshOptions(values: ValuesOf<typeof COMMANDS.mesh.options>): MeshOptions {
  const { nodes, interval, window } = values;
  if (nodes === null) throw new UsageError("mesh wants --nodes FILE");
  if (nodes.kind === "file" && (values.az !== null || values.label.length > 0)) {
    throw new UsageError(
      "--az and --label are for --nodes dns:… or srv:…; a file's line has its own",
    );
  }
  checkLabels(values.label);
  if (window < 2 * interval) {
    const [wanted, given] = [durationText(interval), durationText(window)];
    throw new UsageError(`--window ${given}: wants at least twice the --interval, ${wanted}`);
  }
  return {
    place: nodes,
    node: values.name,
    own: { az: checkedName(values.az ?? DEFAULT_AZ, values.az ?? ""), labels: values.label },
    fanout: values.fanout,
    burst: values.burst,
    intervalMs: interval,
    timeoutMs: values.timeout,
    windowMs: window,
    close: values.close,
    addresses: bindAddresses(values.bind),
    httpPort: values["http-port"],
    http: { names: values["http-host"], tokenFile: values["http-token"] },
    httpAddresses: bindAddresses(values["http-bind"], "--http-bind"),
    page: values.page,
    sloUs: values.slo === null ? null : values.slo * 1000,
    icmp: values.icmp,
    tableEveryMs: values["stats-every"],
    quiet: values.quiet,
  };
}
