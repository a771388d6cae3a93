/** The man page, wire-probe(1), from the option table: man(7) requests that groff and mandoc read alike. */
import { OTEL_VARIABLES } from "../sink/otlp_request.ts";
import { wrap } from "../text/words.ts";
import { groupsOf } from "./help.ts";
import { EXAMPLES as EXAMPLES_OF, NOTES } from "./help_texts.ts";
import type { Option } from "./option.ts";
import { COMMAND_NAMES, type CommandEntry, type CommandName, COMMANDS } from "./table.ts";

/** Longer input lines make mandoc complain. */
const LINE_BYTES = 79;

/** A term and what it means. */
type Entry = readonly [term: string, meaning: string];

const EXIT_STATUS: readonly Entry[] = [
  ["0", "every target had a handshake, and no --fail-… threshold was crossed"],
  ["1", "a target had none, or a threshold was crossed; a line FAIL NAME: says why"],
  ["2", "a name did not resolve"],
  ["3", "the command line or a targets file is wrong: one line on standard error says what"],
  ["4", "the system refuses: port in use, no permission"],
];

const SIGNALS: readonly Entry[] = [
  ["SIGINT, SIGTERM", "end a run with its summary, and its verdict as exit status"],
  ["SIGQUIT", "prints the summary, or the counters, so far"],
  [
    "SIGHUP",
    "has the --targets file of probe, ping and knock read again, and the nodes of mesh; a bad file " +
    "changes nothing. Without --targets it ends the run",
  ],
];

const ENVIRONMENT: readonly Entry[] = [
  ["NO_COLOR", "when it is set, no colours"],
  ["COLLECTD_HOSTNAME, COLLECTD_INTERVAL", "host and interval of what collectd is told"],
  ["INFLUX_TOKEN", "authorizes writes to an influx-http:// export"],
  ["INFLUX_PASSWORD", "the password of its u=USER, which a URL would show in ps"],
  ...OTEL_VARIABLES,
];

const EXPORTS: readonly Entry[] = [
  ["telegraf-udp://host:port", "Influx line protocol, a datagram a probe; ?batch fills datagrams"],
  ["influx-http://host:port/?db=NAME", "batches to the v1 write API; influx-https:// over TLS"],
  ["influx-http://host:port/?org=ORG&bucket=BUCKET", "batches to the v2 write API"],
  ["otlp-http://host:4318[/path]", "OpenTelemetry metrics in protobuf; otlp-https:// over TLS"],
  [
    "collectd-exec",
    "PUTVAL lines on standard output; with windows alone also the host's pressure, as " +
    "gauge-host_cpu_ratio, host_memory_ratio, host_io_ratio, host_steal_ratio, host_throttled_ratio",
  ],
  ["collectd-uds:///path", "PUTVAL lines to collectd's unix socket"],
  [
    "prometheus://addr:port",
    "/metrics and /healthz over HTTP; with ?probe also /probe?target=host:port",
  ],
];

const TARGETS =
  "A target is host:port, 1.2.3.4:port or [v6]:port, with a label in front where one " +
  "is wanted: name=host:port. A targets file has one a line, key=value labels behind it; # begins " +
  "a comment. A URL or a connection string names its hosts and ports; a port may be a service's " +
  "name. Durations are 250ms, 1.5s, 1m30s or 2h; a bare number is seconds.";

const MEASURED = "rtt is the handshake's round trip, SYN to SYN-ACK, as the kernel measured it; " +
  "connect is what a client waited, this machine's scheduling included. Where the kernel has no " +
  "figure, rtt is the clock's, and the output says so.";

const QUESTION_TEXT =
  "A target without a command asks: is it the network? It is answered within ten " +
  "seconds by handshakes, echoes, knocks, live connections and a trace: a headline, three lines, and " +
  "the command for more. It takes -4, -6, --json, -v and --no-color.";

const EXAMPLES: readonly Entry[] = [
  ["wire-probe db-host:5432", "is it the network? an answer in ten seconds"],
  ["wire-probe serve", "answers handshakes on port 9999"],
  ["wire-probe probe db-host:9999", "measures them, once a second"],
  ["wire-probe probe -q -c 20 -i 100ms --fail-p99 20 db:5432", "a check for a script"],
];

/** The page for the tool as a whole; it bears no date, so that a version has one page. */
export function manPage(version: string): string {
  return [
    `.TH WIRE\\-PROBE 1 "" "wire\\-probe ${roff(version)}" "User Commands"`,
    ".SH NAME",
    "wire\\-probe \\- TCP handshake latency as the kernel measured it",
    ".SH SYNOPSIS",
    ".B wire\\-probe",
    ".I command",
    "[\\fIoption\\fR \\[u2026]] [\\fItarget\\fR \\[u2026]]",
    ".br",
    ".B wire\\-probe",
    ".I host:port",
    ".SH DESCRIPTION",
    ...paragraph(MEASURED),
    ...paragraph(QUESTION_TEXT),
    ".SH COMMANDS",
    ...COMMAND_NAMES.flatMap(commandSection),
    ".SH TARGETS",
    ...paragraph(TARGETS),
    ".SH EXPORTS",
    ...entries(EXPORTS),
    ".SH EXIT STATUS",
    ...entries(EXIT_STATUS),
    ".SH SIGNALS",
    ...entries(SIGNALS),
    ".SH ENVIRONMENT",
    ...entries(ENVIRONMENT),
    ".SH EXAMPLES",
    ...entries(EXAMPLES),
    ".SH SEE ALSO",
    ".BR ping (8),",
    ".BR ss (8),",
    ".BR tcp (7)",
    "",
  ].join("\n");
}

function commandSection(name: CommandName): string[] {
  const entry: CommandEntry = COMMANDS[name];
  const { summary, operands } = entry;
  const usage = [name, "[OPTION…]", operands].filter((word) => word !== "").join(" ");
  return [
    `.SS ${roff(name)}`,
    `.B wire\\-probe ${roff(usage)}`,
    ".PP",
    ...paragraph(`${summary[0].toUpperCase()}${summary.slice(1)}.`),
    ...groupsOf(entry).flatMap(([title, options]) => [
      ".PP",
      `.I ${roff(title)}`,
      ...options.flatMap(([option, of]) => optionEntry(option, of)),
    ]),
    ...notesOf(name),
    ".PP",
    ".I examples",
    ".RS 4",
    ".nf",
    ...EXAMPLES_OF[name].map(roff),
    ".fi",
    ".RE",
  ];
}

/** The words of a command's output, and what they mean. */
function notesOf(name: CommandName): string[] {
  const notes = NOTES[name];
  return notes === undefined ? [] : [".PP", ".I notes", ...entries(notes)];
}

function optionEntry(name: string, option: Option<unknown>): string[] {
  const spellings = option.short === null ? [`--${name}`] : [`-${option.short}`, `--${name}`];
  const value = option.kind === null ? "" : ` \\fI${roff(option.kind.placeholder)}\\fR`;
  const fallback = option.shownFallback === "" ? "" : ` (default ${option.shownFallback})`;
  const terms = spellings.map((spelling) => `\\fB${roff(spelling)}\\fR`);
  return [".TP", terms.join(", ") + value, ...paragraph(option.help + fallback)];
}

function entries(list: readonly Entry[]): string[] {
  return list.flatMap(([term, meaning]) => [
    ".TP",
    `\\fB${roff(term)}\\fR`,
    ...paragraph(meaning),
  ]);
}

/** A text in lines that fit, none of which is taken for a request. */
function paragraph(text: string): string[] {
  return wrap(text.split(" ").map(roff), LINE_BYTES);
}

/** Text as roff reads it: no request at its start, no escape within, all of it ASCII. */
export function roff(text: string): string {
  const escaped = text
    .replaceAll("\\", "\\e")
    // A plain one would be set as a hyphen, which cannot be copied into a shell.
    .replaceAll("-", "\\-")
    .replaceAll("'", "\\(aq")
    // A plain one would be set as an accent.
    .replaceAll("^", "\\(ha")
    .replaceAll(/[^\0-\x7f]/gu, (character) => `\\[u${codePoint(character)}]`);
  return escaped.startsWith(".") ? `\\&${escaped}` : escaped;
}

/** groff_char(7): at least four digits, upper case. */
function codePoint(character: string): string {
  return character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0");
}
