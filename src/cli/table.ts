/** The option table: every command, its operands and its options. */
import * as limits from "../domain/limits.ts";
import { METRICS } from "../format/heatmap/metric_names.ts";
import { MAX_NODES } from "../domain/mesh_row.ts";
import { UsageError } from "../domain/exit.ts";
import { type NodesPlace, parseNodesPlace } from "../input/nodes_place.ts";
import { MESH_HTTP_PORT } from "../input/nodes_file.ts";
import { flag, many, once, type OptionTable } from "./option.ts";
import { exportUrl } from "./export_url.ts";
import {
  choice,
  duration,
  file,
  integer,
  label,
  millisecondsFrom,
  onOff,
  text,
  type ValueKind,
} from "./value.ts";
import {
  COMMON,
  hostPort,
  HTTP_OPTIONS,
  ipAddress,
  portOfTargets,
  RUNNING,
} from "./shared_options.ts";
import { PROBE_OPTIONS, RUN_TABLES } from "./run_table.ts";
import { CONNECTIONS_OPTIONS } from "./connections_table.ts";

export const SERVE_OPTIONS = {
  port: once(integer(0, 65_535, "PORT"), 9999, "port to listen on; 0 picks a free one", {
    short: "p",
  }),
  bind: many(ipAddress, "address to listen on; may be repeated, :: too", "0.0.0.0"),
  backlog: once(
    integer(1, limits.MAX_COUNT),
    limits.DEFAULT_BACKLOG,
    "handshakes that may wait to be accepted",
  ),
  "reuse-port": flag("share the port with other processes (SO_REUSEPORT)"),
  "stats-every": once(duration(100, limits.MAX_INTERVAL_MS), null, "print the counters this often"),
} satisfies OptionTable;

export const TRACE_OPTIONS = {
  udp: flag("by UDP, to a port on which nobody listens (default 33434)", "U"),
  icmp: flag("by ICMP echo", "I"),
  ipv4: flag("IPv4 only", "4"),
  ipv6: flag("IPv6 only", "6"),
  targets: once(file, null, "trace to all hosts in FILE too, one a line; - is standard input"),
  source: once(ipAddress, null, "send from this address"),
  interface: once(text("NAME", "an interface's name"), null, "send by this interface"),
  sport: once(
    integer(1, 65_535, "PORT"),
    null,
    "send from this port, by TCP or UDP; further --paths from the ports after it",
  ),
  tos: once(integer(0, 255), null, "type of service, or traffic class"),
  queries: once(integer(1, limits.MAX_QUERIES), null, "probes of each flow to each hop", {
    short: "q",
    shown: "3, or 1 with --repeat",
  }),
  "first-hop": once(integer(1, limits.MAX_HOPS), 1, "the hop to begin with", { short: "f" }),
  "max-hops": once(integer(1, limits.MAX_HOPS), limits.DEFAULT_MAX_HOPS, "the hop to end with", {
    short: "m",
  }),
  timeout: once(
    duration(1, limits.MAX_TIMEOUT_MS, { guarded: true }),
    limits.DEFAULT_HOP_TIMEOUT_MS,
    "a hop that answers within this is not called silent",
    { short: "t", also: ["w", "W"], shown: "1s" },
  ),
  paths: once(
    integer(1, limits.MAX_FLOWS),
    null,
    "this many flows, to find paths of equal cost; each held fixed",
    {
      shown: "1",
    },
  ),
  size: once(
    integer(limits.MIN_PACKET_BYTES, limits.MAX_PACKET_BYTES, "BYTES"),
    null,
    "length of the probes' packets, by UDP or ICMP",
    {
      shown: "60",
    },
  ),
  mtu: flag("find the path's MTU, by UDP or ICMP"),
  "no-names": flag("addresses only, no reverse look-ups", "n"),
  port: portOfTargets,
  asn: flag("look up which autonomous systems announce the addresses"),
  resolver: once(text("ADDR", "an IP address, or one with a port"), null, "ask this DNS server", {
    shown: "the system's",
  }),
  repeat: once(integer(1, limits.MAX_COUNT), null, "trace N times, and sum up", {
    short: "r",
    shown: "1; no end with --export",
  }),
  interval: once(
    duration(10, limits.MAX_INTERVAL_MS, { guarded: true }),
    null,
    "between the traces of --repeat",
    { short: "i", shown: "1s, or 10s with --export" },
  ),
  output: once(choice("text", "json", "csv", "none"), "text", "what is printed", { short: "o" }),
  export: many(exportUrl, "where paths go to, hop by hop, flows held fixed; may be repeated"),
  ...HTTP_OPTIONS,
} satisfies OptionTable;

export const COMPARE_OPTIONS = {
  count: once(integer(1, 10_000), 20, "slots; in each of them every diagnostic has its turn", {
    short: "c",
  }),
  interval: once(
    duration(30, limits.MAX_INTERVAL_MS, { guarded: true }),
    1000,
    "from slot to slot; a third of it from one diagnostic's turn to the next",
    { short: "i", shown: "1s" },
  ),
  timeout: PROBE_OPTIONS.timeout,
  port: portOfTargets,
  burst: once(integer(2, 20), 2, "handshakes in a row in each slot; the first is cold"),
  ipv4: PROBE_OPTIONS.ipv4,
  ipv6: PROBE_OPTIONS.ipv6,
  source: PROBE_OPTIONS.source,
  output: once(choice("text", "json"), "text", "what is printed", { short: "o" }),
} satisfies OptionTable;

/** Of a target without a command. */
export const QUESTION_OPTIONS = {
  port: portOfTargets,
  ipv4: PROBE_OPTIONS.ipv4,
  ipv6: PROBE_OPTIONS.ipv6,
  output: COMPARE_OPTIONS.output,
} satisfies OptionTable;

/** Where a mesh's nodes are listed. */
const nodesPlace: ValueKind<NodesPlace> = {
  placeholder: "FILE|dns:NAME|srv:NAME",
  accepts: "a file's path, dns:NAME[:PORT] or srv:NAME",
  file: true,
  parse(given): NodesPlace | null {
    try {
      return given === "" ? null : parseNodesPlace(given);
    } catch (error) {
      if (error instanceof UsageError) return null;
      throw error;
    }
  },
};

export const MESH_OPTIONS = {
  nodes: once(
    nodesPlace,
    null,
    "lines of NAME=ADDR[:PORT] az=… http=PORT KEY=VALUE…, or a DNS name, followed as it changes: " +
      "its addresses, or its SRV members",
  ),
  name: once(text("NAME", "a node's name"), null, "which node this is", {
    shown: "by its addresses, else by the host's name",
  }),
  az: once(text("ZONE", "a name"), null, "this node's zone, where the nodes are a DNS name's"),
  label: many(label, "a label of this node, likewise; may be repeated"),
  fanout: once(integer(1, MAX_NODES - 1), null, "each node is probed by N others, not by all"),
  burst: once(integer(1, 1000), 5, "probes back to back in each interval; the first is cold"),
  interval: once(
    duration(100, limits.MAX_READING_MS, { guarded: true }),
    10_000,
    "between the bursts to a node",
    {
      short: "i",
      shown: "10s",
    },
  ),
  timeout: once(
    duration(1, limits.MAX_TIMEOUT_MS, { guarded: true }),
    3000,
    "a probe not answered by then is lost",
    {
      short: "t",
      shown: "3s",
    },
  ),
  window: once(duration(1000, limits.MAX_INTERVAL_MS), 300_000, "how far back the figures go", {
    shown: "5m",
  }),
  slo: once(
    millisecondsFrom(0.001),
    null,
    "what the mean RTT of a pair's five minutes should not exceed: rows and heatmap tell how often",
  ),
  icmp: flag("echoes beside the handshakes, where they are permitted"),
  "stats-every": once(
    duration(100, limits.MAX_INTERVAL_MS),
    null,
    "print the row as a table this often; SIGQUIT prints it now",
  ),
  close: once(choice("fin", "rst"), "fin", "how a handshake is ended; rst leaves no TIME_WAIT"),
  bind: many(
    ipAddress,
    "address to answer on; may be repeated",
    "the node's own where it is this machine's, else all",
  ),
  "http-port": once(
    integer(1, 65_535, "PORT"),
    MESH_HTTP_PORT,
    "port of the row for nodes whose line names none",
  ),
  "http-bind": many(
    ipAddress,
    "address for HTTP; may be repeated",
    "those of --bind",
  ),
  page: once(onOff, true, "the live page of the whole mesh at /; false for the node's row alone"),
  ...HTTP_OPTIONS,
  quiet: flag("nothing on standard error but trouble", "q"),
} satisfies OptionTable;

export const SELFCHECK_OPTIONS = {
  output: once(choice("text", "json"), "text", "what is printed", { short: "o" }),
} satisfies OptionTable;

export const HELP_OPTIONS = {
  man: flag("print the man page, wire-probe(1)"),
} satisfies OptionTable;

export const HEATMAP_OPTIONS = {
  nodes: once(
    nodesPlace,
    null,
    "the mesh's nodes, as mesh has them: name=addr[:port] az=… key=value… a line, or a DNS name",
  ),
  metric: once(choice(...METRICS), "p50", "what is drawn"),
  "group-by": once(text("KEY", "a label's key"), "az", "label by which nodes are grouped"),
  html: once(file, null, "draw into one self-contained page"),
  svg: once(file, null, "draw into a picture"),
  json: flag("print the matrix as JSON"),
  triage: flag("name what stands out: node, group, direction, layer; exit 1 when something does"),
  watch: once(duration(1000, limits.MAX_INTERVAL_MS), null, "gather and draw again this often"),
  timeout: once(
    duration(1, limits.MAX_TIMEOUT_MS, { guarded: true }),
    3000,
    "for each node to give its row",
    {
      short: "t",
      shown: "3s",
    },
  ),
  "http-port": once(
    integer(1, 65_535, "PORT"),
    MESH_HTTP_PORT,
    "where nodes offer their row whose line has no http=PORT",
  ),
  "http-token": once(file, null, "the secret that the nodes ask for, in FILE"),
} satisfies OptionTable;

/** The original tool's spelling, `--mode probe|server`, has these beside the command's own. */
export const ORIGINAL_OPTIONS = {
  mode: once(choice("probe", "server"), null, "probe, or serve"),
  target: once(hostPort, null, "the target"),
  "target-name": once(text("NAME", "a name"), null, "the target's label"),
} satisfies OptionTable;

/** A command as help and completion see it. */
export interface CommandEntry {
  readonly summary: string;
  /** How operands are shown; empty for none. */
  readonly operands: string;
  readonly options: OptionTable;
}

export const COMMANDS = {
  probe: {
    summary: "measure TCP handshakes with targets, again and again",
    operands: "[NAME=]HOST:PORT|URL…",
    options: RUN_TABLES.probe,
  },
  serve: {
    summary: "answer handshakes: accept, close, nothing else",
    operands: "[PORT]",
    options: { ...SERVE_OPTIONS, ...RUNNING },
  },
  connections: {
    summary: "what this machine's own connections meet; sends nothing",
    operands: "",
    options: { ...CONNECTIONS_OPTIONS, ...RUNNING },
  },
  ping: {
    summary: "measure ICMP echoes, in the same way",
    operands: "[NAME=]HOST…",
    options: RUN_TABLES.ping,
  },
  knock: {
    summary: "measure a port by SYN alone; its application sees no connection",
    operands: "[NAME=]HOST:PORT|URL…",
    options: RUN_TABLES.knock,
  },
  trace: {
    summary: "the path to a host, hop by hop, by TCP, UDP or ICMP",
    operands: "HOST[:PORT]…",
    options: { ...TRACE_OPTIONS, ...RUNNING },
  },
  compare: {
    summary: "hold ping, handshake and knock of a target against one another",
    operands: "[NAME=]HOST:PORT|URL…",
    options: { ...COMPARE_OPTIONS, ...RUNNING },
  },
  mesh: {
    summary: "be one of many nodes that probe each other",
    operands: "",
    options: { ...MESH_OPTIONS, ...RUNNING },
  },
  heatmap: {
    summary: "a mesh as a matrix: which pair, node, zone or layer is slow",
    operands: "[ROWS_FILE…]",
    options: { ...HEATMAP_OPTIONS, ...RUNNING },
  },
  selfcheck: {
    summary: "what this tool adds on this machine, and what it may do here",
    operands: "",
    options: { ...SELFCHECK_OPTIONS, ...COMMON },
  },
  completions: {
    summary: "print a completion script for bash, zsh or fish",
    operands: "bash|zsh|fish",
    options: COMMON,
  },
  help: {
    summary: "show help, for a command too",
    operands: "[COMMAND]",
    options: { ...HELP_OPTIONS, ...COMMON },
  },
  version: { summary: "print the version", operands: "", options: COMMON },
} satisfies Record<string, CommandEntry>;

/** The question of a target without a command. It has no command name. */
export const QUESTION = {
  summary:
    "is it the network? An answer in ten seconds: a headline, three lines, what to type next",
  operands: "HOST:PORT|URL",
  options: { ...QUESTION_OPTIONS, ...RUNNING },
} satisfies CommandEntry;

/** The shells that completions are made for. */
export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = typeof SHELLS[number];

export type CommandName = keyof typeof COMMANDS;

export const COMMAND_NAMES = Object.keys(COMMANDS) as CommandName[];
