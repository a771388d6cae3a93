/** The command line as one typed value: defaults, then what was given, then named cross-checks. */
import { UsageError } from "../domain/exit.ts";
import {
  DEFAULT_AZ,
  type Endpoint,
  hostPort,
  type Label,
  type Target,
  targetKey,
} from "../domain/target.ts";
import type { Diagnostic } from "../domain/diagnostic.ts";
import type { CompareOptions } from "../commands/compare/options.ts";
import type { HeatmapOptions } from "../commands/heatmap/options.ts";
import type { MeshOptions } from "../commands/mesh/options.ts";
import type { ExportOptions } from "../commands/probe/export_target.ts";
import type {
  KnockOptions,
  OutputName,
  PingOptions,
  ProbeOptions,
  RunOptions,
} from "../commands/probe/options.ts";
import type { SelfcheckOptions } from "../commands/selfcheck/selfcheck.ts";
import type { ServeOptions } from "../commands/serve/serve.ts";
import type { TraceOptions } from "../commands/trace/options.ts";
import { literalEndpoint } from "../net/address.ts";
import type { TraceProtocol } from "../net/hop_prober.ts";
import { parseNameServer } from "../net/name_server.ts";
import type { Family } from "../net/resolver.ts";
import { checkedName, MAX_LABELS, parseHostPort, parseTarget, quote } from "../net/target_text.ts";
import { parseTraceTarget } from "../net/trace_target.ts";
import { durationText } from "../time/duration.ts";
import { commandHelp, generalHelp } from "./help.ts";
import { completionScript, type Shell, SHELLS } from "./completions.ts";
import { manPage } from "./man.ts";
import { nearest } from "./nearest.ts";
import type { OptionTable, ValuesOf } from "./option.ts";
import { type Parsed, parseOptions } from "./parse_options.ts";
import { COMMAND_NAMES, type CommandName, COMMANDS, ORIGINAL_OPTIONS } from "./table.ts";

/** What is to be done. `print` is text for stdout and no more. */
export type Command =
  | { readonly name: "probe"; readonly options: ProbeOptions }
  | { readonly name: "ping"; readonly options: PingOptions }
  | { readonly name: "knock"; readonly options: KnockOptions }
  | { readonly name: "serve"; readonly options: ServeOptions }
  | { readonly name: "trace"; readonly options: TraceOptions }
  | { readonly name: "heatmap"; readonly options: HeatmapOptions }
  | { readonly name: "compare"; readonly options: CompareOptions }
  | { readonly name: "mesh"; readonly options: MeshOptions }
  | { readonly name: "selfcheck"; readonly options: SelfcheckOptions }
  | { readonly name: "print"; readonly text: string };

/** Reads the arguments; throws UsageError with the one line to show. */
export function parseCommandLine(argv: readonly string[], version: string): Command {
  const original = argv.some((word) => word === "--mode" || word.startsWith("--mode="));
  if (original) return parseOriginal(argv);
  const [first, ...rest] = argv;
  if (first === undefined) {
    throw new UsageError(`wants a command: ${COMMAND_NAMES.join(", ")}; see 'wire-probe help'`);
  }
  if (first === "--help" || first === "-h") return print(generalHelp());
  if (first === "--version" || first === "-V") return print(`wire-probe ${version}\n`);
  const name = COMMAND_NAMES.find((known) => known === first);
  if (name === undefined) throw unknownCommand(first);
  if (wantsHelp(rest)) return print(commandHelp(name));
  return parseCommand(name, rest, version);
}

function wantsHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  const options = end < 0 ? argv : argv.slice(0, end);
  return options.some((word) => word === "--help" || word === "-h");
}

function unknownCommand(word: string): UsageError {
  const known = word.startsWith("-") ? ["--help", "--version"] : COMMAND_NAMES;
  const near = nearest(word, known);
  const hint = near !== null
    ? `did you mean '${near}'?`
    : /[:.]/.test(word)
    ? `a target goes to a command: wire-probe probe ${quote(word)}`
    : "see 'wire-probe help'";
  const what = word.startsWith("-") ? "option" : "command";
  return new UsageError(`there is no ${what} ${quote(word)}; ${hint}`);
}

/** The first other command that has the option, for messages. */
function ownerOf(command: CommandName): (option: string) => string | null {
  return (option) =>
    COMMAND_NAMES.find((name) =>
      name !== command && Object.hasOwn(COMMANDS[name].options, option)
    ) ?? null;
}

function parseCommand(name: CommandName, argv: readonly string[], version: string): Command {
  const parse = <const T extends OptionTable>(table: T): Parsed<T> =>
    parseOptions(name, table, argv, ownerOf(name));
  const { options } = COMMANDS[name];
  // Bundled with other flags, such as -qh.
  if (parse(options).given.has("help")) return print(commandHelp(name));
  switch (name) {
    case "probe": {
      const { values, operands } = parse(COMMANDS.probe.options);
      return { name, options: probeOptions(values, operands) };
    }
    case "ping": {
      const { values, operands } = parse(COMMANDS.ping.options);
      return { name, options: pingOptions(values, operands) };
    }
    case "knock": {
      const { values, operands } = parse(COMMANDS.knock.options);
      return { name, options: runOptions(name, values, operands) };
    }
    case "serve": {
      const { values, operands } = parse(COMMANDS.serve.options);
      noOperands(name, operands);
      return { name, options: serveOptions(values) };
    }
    case "compare": {
      const { values, operands } = parse(COMMANDS.compare.options);
      return { name, options: compareOptions(values, operands) };
    }
    case "trace": {
      const { values, operands } = parse(COMMANDS.trace.options);
      return { name, options: traceOptions(values, operands) };
    }
    case "heatmap": {
      const { values, operands } = parse(COMMANDS.heatmap.options);
      return { name, options: heatmapOptions(values, operands) };
    }
    case "mesh": {
      const { values, operands } = parse(COMMANDS.mesh.options);
      noOperands(name, operands);
      return { name, options: meshOptions(values) };
    }
    case "selfcheck": {
      const { values, operands } = parse(COMMANDS.selfcheck.options);
      noOperands(name, operands);
      return { name, options: { output: values.output } };
    }
    case "completions":
      return print(completionScript(oneShell(parse(options).operands)));
    case "help": {
      const { values, operands } = parse(COMMANDS.help.options);
      if (!values.man) return print(helpFor(operands));
      noOperands("help --man", operands);
      return print(manPage(version));
    }
    case "version":
      noOperands(name, parse(options).operands);
      return print(`wire-probe ${version}\n`);
    default:
      return name satisfies never;
  }
}

type RunValues = ValuesOf<typeof COMMANDS.knock.options>;
type ProbeValues = ValuesOf<typeof COMMANDS.probe.options>;
type PingValues = ValuesOf<typeof COMMANDS.ping.options>;

function probeOptions(values: ProbeValues, operands: readonly string[]): ProbeOptions {
  return { ...runOptions("probe", values, operands), close: values.close };
}

function pingOptions(values: PingValues, operands: readonly string[]): PingOptions {
  const options = runOptions("ping", values, operands);
  return { ...options, payloadBytes: values.size, ttl: values.ttl };
}

/** An example of what each command takes. */
const EXAMPLES: Readonly<Record<Diagnostic, string>> = {
  probe: "db-host:5432",
  ping: "db-host",
  knock: "db-host:5432",
};

function runOptions(
  command: Diagnostic,
  values: RunValues,
  operands: readonly string[],
): RunOptions {
  if (values.ipv4 && values.ipv6) throw new UsageError("-4 and -6 exclude each other");
  const asked = values.ipv4 ? 4 : values.ipv6 ? 6 : 0;
  const source = values.source === null ? null : sourceAddress(values.source, asked);
  const family = source?.family ?? asked;
  checkLabels(values.label);
  const zone = checkedName(values.az, values.az);
  const portless = command === "ping" ? { portless: true } : {};
  const defaults = { az: zone, labels: values.label, ...portless };
  const targets = operands.map((text) => parseTarget(text, defaults));
  noTwice(targets);
  const exports = exportOptions(values);
  const alone = exports.targets.some(({ kind }) => kind === "prometheus");
  if (targets.length === 0 && values.targets === null && !alone) {
    throw new UsageError(
      `${command} wants a target, such as ${EXAMPLES[command]}, or --targets FILE`,
    );
  }
  for (const target of targets) checkFamily(target.host, family, target.name);
  const output = outputName(values, exports);
  checkLive(values, output);
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
      p50Ms: values["fail-p50"],
      p99Ms: values["fail-p99"],
      on: values["fail-on"],
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
  return { targets: values.export, collectdTypes: types, windowMs, perProbe };
}

/** Only one thing can write to standard output. */
function outputName(values: RunValues, exports: ExportOptions): OutputName {
  const exec = exports.targets.some(({ kind }) => kind === "collectd-exec");
  if (!exec) return values.output ?? "text";
  if (values.output === null || values.output === "collectd") return "collectd";
  throw new UsageError(
    `--export collectd-exec writes to standard output, which leaves no place for --output ${values.output}`,
  );
}

/** The table wants standard output for itself. */
function checkLive({ live, output: asked }: RunValues, output: OutputName): void {
  if (!live || output === "text") return;
  const other = asked === null ? "--export collectd-exec" : `--output ${output}`;
  throw new UsageError(`--live draws on standard output, which leaves no place for ${other}`);
}

function checkLabels(labels: readonly Label[]): void {
  const keys = labels.map(([key]) => key);
  if (keys.includes("az")) throw new UsageError("--label az: the zone is given by --az");
  if (keys.length > MAX_LABELS) throw new UsageError(`--label: at most ${MAX_LABELS} are accepted`);
  const twice = keys.find((key, i) => keys.indexOf(key) < i);
  if (twice !== undefined) throw new UsageError(`--label ${quote(twice)} is given twice`);
}

function noTwice(targets: readonly Target[]): void {
  const seen = new Set<string>();
  for (const target of targets) {
    const key = targetKey(target);
    if (seen.has(key)) throw new UsageError(`target ${quote(target.name)} is given twice`);
    seen.add(key);
  }
}

function checkFamily(host: string, family: Family, name: string): void {
  const literal = literalEndpoint(host, 1);
  if (family !== 0 && literal !== null && literal.family !== family) {
    throw new UsageError(
      `${quote(name)} is not an IPv${family} address, which is what is asked for`,
    );
  }
}

function sourceAddress(text: string, family: Family): Endpoint {
  const source = literalEndpoint(text, 0);
  if (source === null) {
    throw new UsageError(`--source ${quote(text)}: wants an IP address of this machine`);
  }
  checkFamily(text, family, text);
  return source;
}

/** Their tables are read one after the other. */
const MAX_COMPARED = 16;

function compareOptions(
  values: ValuesOf<typeof COMMANDS.compare.options>,
  operands: readonly string[],
): CompareOptions {
  if (values.ipv4 && values.ipv6) throw new UsageError("-4 and -6 exclude each other");
  const asked = values.ipv4 ? 4 : values.ipv6 ? 6 : 0;
  const source = values.source === null ? null : sourceAddress(values.source, asked);
  const family = source?.family ?? asked;
  const targets = operands.map((text) => parseTarget(text, { az: DEFAULT_AZ, labels: [] }));
  if (targets.length === 0) throw new UsageError("compare wants a target, such as db-host:5432");
  if (targets.length > MAX_COMPARED) {
    throw new UsageError(`compare takes at most ${MAX_COMPARED} targets`);
  }
  noTwice(targets);
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

function bindAddresses(given: readonly string[]): string[] {
  for (const address of given) {
    if (literalEndpoint(address, 0) === null) {
      throw new UsageError(`--bind ${quote(address)}: wants an IP address of this machine`);
    }
  }
  return [...new Set(given)];
}

function serveOptions(values: ValuesOf<typeof COMMANDS.serve.options>): ServeOptions {
  return {
    addresses: bindAddresses(values.bind.length === 0 ? ["0.0.0.0"] : values.bind),
    port: values.port,
    backlog: values.backlog,
    reusePort: values["reuse-port"],
    statsEveryMs: values["stats-every"],
  };
}

type TraceValues = ValuesOf<typeof COMMANDS.trace.options>;

/** What traceroute sends, whole packets. */
const TRACE_PACKET_BYTES = 60;

function traceOptions(values: TraceValues, operands: readonly string[]): TraceOptions {
  const [operand] = operands;
  if (operand === undefined) throw new UsageError("trace wants a host, such as db-host:5432");
  noOperands("trace", operands.slice(1));
  if (values.udp && values.icmp) throw new UsageError("--udp and --icmp exclude each other");
  if (values.ipv4 && values.ipv6) throw new UsageError("-4 and -6 exclude each other");
  const protocol: TraceProtocol = values.udp ? "udp" : values.icmp ? "icmp" : "tcp";
  checkSizes(values, protocol);
  if (values["first-hop"] > values["max-hops"]) {
    throw new UsageError(
      `--first-hop ${values["first-hop"]} lies behind --max-hops ${values["max-hops"]}`,
    );
  }
  const asked = values.ipv4 ? 4 : values.ipv6 ? 6 : 0;
  const source = values.source === null ? null : sourceAddress(values.source, asked);
  const family = source?.family ?? asked;
  const target = parseTraceTarget(operand);
  checkFamily(target.host, family, target.host);
  return {
    target,
    protocol,
    family,
    source,
    firstHop: values["first-hop"],
    maxHops: values["max-hops"],
    queries: values.queries,
    timeoutMs: values.timeout,
    paths: values.paths,
    sizeBytes: values.size ?? TRACE_PACKET_BYTES,
    mtu: values.mtu,
    names: !values["no-names"],
    asn: values.asn,
    nameServer: values.resolver === null ? null : parseNameServer(values.resolver),
    repeat: values.repeat,
    intervalMs: values.interval,
    output: values.output,
    noColor: values["no-color"],
  };
}

function checkSizes({ size, mtu }: TraceValues, protocol: TraceProtocol): void {
  if (size !== null && mtu) throw new UsageError("--size and --mtu exclude each other");
  if (protocol === "tcp" && (size !== null || mtu)) {
    const option = mtu ? "--mtu" : "--size";
    throw new UsageError(`${option} wants --udp or --icmp, since a SYN carries no data`);
  }
}

function heatmapOptions(
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
    nodesFile: values.nodes,
    rowFiles: operands,
    httpPort: values["http-port"],
    timeoutMs: values.timeout,
    metric: values.metric,
    groupBy: values["group-by"],
    html: values.html,
    svg: values.svg,
    json: values.json,
    triage: values.triage,
    watchMs: values.watch,
    noColor: values["no-color"],
  };
}

function meshOptions(values: ValuesOf<typeof COMMANDS.mesh.options>): MeshOptions {
  const { nodes, interval, window } = values;
  if (nodes === null) throw new UsageError("mesh wants --nodes FILE");
  if (window < 2 * interval) {
    const [wanted, given] = [durationText(interval), durationText(window)];
    throw new UsageError(`--window ${given}: wants at least twice the --interval, ${wanted}`);
  }
  return {
    nodesFile: nodes,
    node: values.name,
    fanout: values.fanout,
    burst: values.burst,
    intervalMs: interval,
    timeoutMs: values.timeout,
    windowMs: window,
    close: values.close,
    addresses: bindAddresses(values.bind),
    httpPort: values["http-port"],
    icmp: values.icmp,
    tableEveryMs: values["stats-every"],
    quiet: values.quiet,
  };
}

/** The original tool's spelling: its options, and ours beside them. */
function parseOriginal(argv: readonly string[]): Command {
  const table = { ...ORIGINAL_OPTIONS, ...COMMANDS.probe.options };
  const serving = argv.some((word, i) =>
    word === "--mode=server" || (word === "--mode" && argv[i + 1] === "server")
  );
  if (wantsHelp(argv)) return print(commandHelp(serving ? "serve" : "probe"));
  if (serving) {
    const parsed = parseOptions(
      "--mode server",
      { mode: ORIGINAL_OPTIONS.mode, ...COMMANDS.serve.options },
      argv,
      () => null,
    );
    noOperands("--mode server", parsed.operands);
    return { name: "serve", options: serveOptions(parsed.values) };
  }
  const { values, operands } = parseOptions("--mode probe", table, argv, () => null);
  noOperands("--mode probe", operands);
  if (values.target === null) throw new UsageError("--mode probe wants --target HOST:PORT");
  const { host, port } = parseHostPort(values.target);
  const name = originalName(values["target-name"] ?? values.target);
  const exports = values.export.length > 0 ? values.export : [{ kind: "collectd-exec" } as const];
  const originals = { ...values, az: originalName(values.az), export: exports };
  const options = probeOptions(originals, [`${name}=${hostPort(host, port)}`]);
  return { name: "probe", options };
}

/** The original keeps letters, digits, `-` and `.` of a name, and puts `_` for the rest. */
function originalName(name: string): string {
  return name.replaceAll(/[^\p{Alphabetic}\p{N}.-]/gu, "_");
}

function noOperands(command: string, operands: readonly string[]): void {
  if (operands.length === 0) return;
  throw new UsageError(`'${command}' takes no arguments, but got ${quote(operands[0])}`);
}

function oneShell(operands: readonly string[]): Shell {
  const shell = SHELLS.find((known) => known === operands[0]);
  if (shell !== undefined && operands.length === 1) return shell;
  throw new UsageError(`completions wants one of ${SHELLS.join(", ")}`);
}

function helpFor(operands: readonly string[]): string {
  if (operands.length === 0) return generalHelp();
  noOperands("help", operands.slice(1));
  const name = COMMAND_NAMES.find((known) => known === operands[0]);
  if (name === undefined) throw unknownCommand(operands[0]);
  return commandHelp(name);
}

function print(text: string): Command {
  return { name: "print", text };
}
