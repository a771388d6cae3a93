/** Texts of help and the man page beside the option table: groups, examples, exit codes. */
import type { CommandName } from "./table.ts";

/** Options by what they are about, in the order of help; what is in none of them comes last. */
export const GROUPS: readonly (readonly [title: string, options: readonly string[]])[] = [
  ["what is probed", [
    "targets",
    "nodes",
    "port",
    "all-addresses",
    "ipv4",
    "ipv6",
    "source",
    "interface",
    "az",
    "label",
    "name",
    "resolve-after",
    "resolve-every",
    "resolver",
  ]],
  ["when", ["count", "duration", "interval", "timeout", "burst", "repeat", "window", "watch"]],
  ["how", [
    "clock",
    "close",
    "size",
    "ttl",
    "udp",
    "icmp",
    "queries",
    "first-hop",
    "max-hops",
    "paths",
    "mtu",
    "fanout",
    "max-in-flight",
  ]],
  ["what is shown", [
    "output",
    "quiet",
    "verbose",
    "live",
    "histogram",
    "timestamps",
    "per-probe",
    "stats-every",
    "no-color",
  ]],
  ["where results go", ["export", "collectd-types", "buckets"]],
  ["when it fails", [
    "fail-loss",
    "fail-syn-loss",
    "fail-p50",
    "fail-p99",
    "fail-connect-p99",
    "fail-on",
    "allow-refused",
  ]],
];

/** The first group of a command that listens: its port is not one that is probed. */
export const LISTENING: typeof GROUPS[number] = [
  "where it listens",
  ["port", "bind", "backlog", "reuse-port"],
];

/** Three ways to use each command. */
export const EXAMPLES: Readonly<Record<CommandName, readonly string[]>> = {
  probe: [
    "wire-probe probe db-host:5432",
    "wire-probe probe -q -c 20 -i 0.1 --fail-p99 20 postgres://db/app",
    "wire-probe probe --targets hosts.txt -o none --export prometheus://:9273",
  ],
  serve: [
    "wire-probe serve",
    "wire-probe serve 7000 --bind 10.0.0.5",
    "wire-probe serve --stats-every 10s",
  ],
  connections: [
    "wire-probe connections",
    "wire-probe connections --live --by service",
    "wire-probe connections --to 10.0.0.5:5432 -o json",
  ],
  ping: [
    "wire-probe ping db-host",
    "wire-probe ping -c 5 -i 0.2 10.0.0.5 2001:db8::5",
    "wire-probe ping --size 1400 --json db-host",
  ],
  knock: [
    "wire-probe knock db-host:5432",
    "wire-probe knock -c 100 -i 20ms db-host:postgresql",
    "wire-probe knock -q --fail-loss 1% db-host:5432",
  ],
  trace: [
    "wire-probe trace db-host:5432",
    "wire-probe trace -U -n 10.0.0.5",
    "wire-probe trace -r 10 --paths 8 db-host:5432",
  ],
  compare: [
    "wire-probe compare db-host:5432",
    "wire-probe compare -c 60 --burst 5 db-host:5432",
    "wire-probe compare --json a=10.0.0.5:5432 b=10.0.0.6:5432",
  ],
  mesh: [
    "wire-probe mesh --nodes nodes.txt",
    "wire-probe mesh --nodes nodes.txt --fanout 16 -q",
    "wire-probe mesh --nodes nodes.txt --name n1 --icmp",
  ],
  heatmap: [
    "wire-probe heatmap --nodes nodes.txt",
    "wire-probe heatmap --nodes nodes.txt --triage",
    "wire-probe heatmap --nodes nodes.txt --html page.html",
  ],
  selfcheck: [
    "wire-probe selfcheck",
    "wire-probe selfcheck --json",
    "wire-probe selfcheck --no-color | grep -A1 '^  no'",
  ],
  completions: [
    'eval "$(wire-probe completions bash)"',
    'eval "$(wire-probe completions zsh)"',
    "wire-probe completions fish | source",
  ],
  help: ["wire-probe help", "wire-probe help probe", "wire-probe help --man | man -l -"],
  version: ["wire-probe version", "wire-probe --version", "wire-probe -V"],
};

/** Notes beside the options: a term and what it means, by command. */
export const NOTES: Partial<Record<CommandName, readonly ExitMeaning[]>> = {
  probe: [
    ["exports", "each has one bounded queue; what it drops is counted by its reason"],
    [
      "telegraf-udp",
      "a name that moves is followed within 10 s; what a full receiver loses nobody sees",
    ],
    [
      "influx-http",
      "while it is away 1 MiB waits, then the oldest go; what is refused is sent in parts",
    ],
    ["collectd", "while it is away lines are dropped at once, since N: means now"],
    [
      "otlp-http",
      "sums each --window, else each OTEL_METRIC_EXPORT_INTERVAL (60s), and at the end",
    ],
    [
      "prometheus",
      "?probe allows the run's targets, ?probe=10.0.0.0/8:5432,… a list, ?probe=any all",
    ],
    [
      "host",
      "Influx lines name the prober in this tag, unless a label does; with --mode none does",
    ],
  ],
  trace: [
    [
      "hops",
      "up to -m, three beyond the farthest that answered or is overdue; 16 probes at the end",
    ],
    ["udp", "each probe has a source port of its own, unless --paths or --sport holds it"],
    ["mtu", "the longest that arrived, the shortest that did not, who refused and what it named"],
    [
      "shown",
      "MPLS labels, interfaces, NAT, the hops of the way back; a silent end's port by a SYN",
    ],
    [
      "json",
      "in an address of a hop: nat{source,destination} mpls[]{label,traffic_class,ttl} " +
      "interfaces[]{role,index,address,name,mtu} rtt_ms{count,min,avg,max,stddev,last} " +
      "jitter_ms{last,avg,max}; in a hop: probes[]{flow,query,address,rtt_ms,rtt_source}; beside: " +
      "end.syn_ack{mss,window,window_scale} handshake{port,outcome,rtt_ms,rtt_source} " +
      "mtu{bytes,steps[]{hop,address,bytes}} " +
      "mtu_search{arrived_bytes not_arrived_bytes first_link_bytes hop address}",
    ],
  ],
  mesh: [
    ["/", "the live page; the rows of others are gathered when somebody looks, once in 10 s"],
    [
      "/row",
      "this node's last minutes as JSON; /metrics for Prometheus, /healthz for a supervisor",
    ],
    ["/api/matrix", "as heatmap --json"],
    [
      "/api/pair",
      "?from=A&to=B: a pair's last day, wire-probe.mesh-pair.v1: from to window_ms " +
      "windows[]{time,mean_ms,sent,established}",
    ],
    ["SIGTERM", "tells the peers, so that leaving is no alarm; SIGHUP reads the nodes again"],
  ],
  connections: [
    ["~", "acknowledgements rode on replies: the peer's thinking is in it; min is the network's"],
    ["loss", "3 segments lost, and 1% of those with data; what the peer had already is not lost"],
    [
      "queueing",
      "half of the bulk senders, or 3 handshakes beside, at twice the minimum and 5 ms above it",
    ],
    ["receiver", "a connection held back by the peer's window for half of the interval"],
    ["sender", "a connection held back by this side's send buffer for half of the interval"],
    [
      "accept_queue",
      "more waiting than the limit, or drops of a port while accept queues overflowed",
    ],
    ["connect", "connects that wait for an answer, their SYNs sent again twice or more in all"],
    ["close_wait", "10 connections that stay in CLOSE_WAIT for an interval"],
  ],
  selfcheck: [
    [
      "json",
      "wire-probe.selfcheck.v1: handshakes rtt_ms{p50,p99} connect_ms{p50,p99} " +
      "timer_lag_ms{p50,p99} encoder{ns_per_line,heap_bytes_per_line} rss_mib " +
      "pressure{cpu,memory,io,steal,throttled} findings[]{name,ok,detail,remedy}",
    ],
    ["pressure", "shares of the last ten seconds that tasks waited; steal and throttled meanwhile"],
  ],
  compare: [
    [
      "loss",
      "handshakes lost, or answered after a repeated SYN; sure from two on, beyond 1 in 1,000",
    ],
    [
      "tails",
      "spikes: 2 ms and a quarter above the lower quartile; sure from three on, beyond 1 in 100",
    ],
    ["medians", "the same within 0.3 ms or 5 %, whichever is more; 2 ms by the clock"],
    [
      "sure",
      "what chance makes once in 500 runs is no difference; -c is named where it is too few",
    ],
    ["connections", "those to the target that were there at the start, read once a second"],
    ["gate", "lost SYNs do not change the exit code here: probe --fail-syn-loss 5 does"],
  ],
};

/** Of a target without a command. */
export const QUESTION_EXAMPLES: readonly string[] = [
  "wire-probe db-host:5432",
  "wire-probe https://shop.example/",
  "wire-probe --json db-host 5432",
];

/** An exit code and what it means. */
export type ExitMeaning = readonly [code: string, meaning: string];

const OK: ExitMeaning = ["0", "it did what was asked"];
const USAGE: ExitMeaning = ["3", "the command line or a file is wrong: one line says what"];
const SYSTEM: ExitMeaning = ["4", "the system refuses: a port in use, no permission"];
const UNRESOLVED: ExitMeaning = ["2", "a name did not resolve"];
const RUN: readonly ExitMeaning[] = [
  ["0", "every target answered, no threshold was crossed; lost exports do not count"],
  ["1", "a target had no handshake (no echo), or a threshold was crossed"],
  UNRESOLVED,
  USAGE,
  SYSTEM,
];
/** The exit codes of commands without thresholds. */
const ANSWER: readonly ExitMeaning[] = [
  ["0", "every target had a handshake, whatever the answer says"],
  ["1", "a target had none: refused, lost or not sent"],
  UNRESOLVED,
  USAGE,
  SYSTEM,
];
const PLAIN: readonly ExitMeaning[] = [OK, USAGE, SYSTEM];

/** The exit codes that each command has. */
export const EXIT_CODES: Readonly<Record<CommandName, readonly ExitMeaning[]>> = {
  probe: RUN,
  ping: RUN,
  knock: RUN,
  compare: ANSWER,
  serve: [["0", "a signal ended it"], USAGE, SYSTEM],
  connections: [
    ["0", "nothing that was asked for was crossed"],
    ["1", "a threshold was crossed"],
    ["2", "the name in --to did not resolve"],
    USAGE,
    SYSTEM,
  ],
  trace: [["0", "the target answered"], ["1", "it did not"], UNRESOLVED, USAGE, SYSTEM],
  mesh: [["0", "a signal ended it"], USAGE, SYSTEM],
  heatmap: [
    ["0", "every node's row is there, new, and has figures"],
    ["1", "a row missing, too old or empty, a peer unprobed, or an alarm of --triage"],
    USAGE,
    SYSTEM,
  ],
  selfcheck: PLAIN,
  completions: PLAIN,
  help: PLAIN,
  version: PLAIN,
};
