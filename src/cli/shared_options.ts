/** Options that several commands have in common. */
import { MANY_BOUNDS_US } from "../stats/buckets.ts";
import * as limits from "../domain/limits.ts";
import { flag, many, once, type OptionTable } from "./option.ts";
import { exportUrl } from "./export_url.ts";
import {
  buckets,
  choice,
  duration,
  file,
  hostName,
  integer,
  label,
  milliseconds,
  onOff,
  percentage,
  text,
} from "./value.ts";
import { OUTPUT_NAMES } from "../format/record_format.ts";

export const ipAddress = text("ADDR", "an IP address");
export const portOfTargets = once(
  integer(1, 65_535, "PORT"),
  null,
  "port of targets that name none",
  {
    short: "p",
  },
);
export const hostPort = text("HOST:PORT", "host:port, 1.2.3.4:port or [v6]:port");

/** Options that every command has. */
export const COMMON = {
  help: flag("show this help", "h"),
  "no-color": flag("no colours, also on a terminal (as with NO_COLOR)"),
} satisfies OptionTable;

/** Options that every command has that measures or answers. */
export const RUNNING = {
  verbose: flag("say why on standard error: look-ups, retries, other addresses, drops", "v"),
  ...COMMON,
} satisfies OptionTable;

/** Options of every command that answers HTTP. */
export const HTTP_OPTIONS = {
  "http-host": many(
    hostName,
    "answer requests for this name too, beside own addresses; may be repeated",
  ),
  "http-token": once(file, null, "answer HTTP only to who knows the secret in FILE"),
} satisfies OptionTable;

/** Options of every command that runs probes on a schedule. */
export const RUN_OPTIONS = {
  count: once(integer(1, limits.MAX_COUNT), null, "stop after N probes of each target", {
    short: "c",
  }),
  duration: once(duration(1, limits.MAX_DURATION_MS), null, "stop after this long", { short: "w" }),
  interval: once(
    duration(1, limits.MAX_INTERVAL_MS, { guarded: true }),
    limits.DEFAULT_INTERVAL_MS,
    "between the probes of a target",
    {
      short: "i",
      shown: "1s",
    },
  ),
  timeout: once(
    duration(1, limits.MAX_TIMEOUT_MS, { guarded: true }),
    limits.DEFAULT_TIMEOUT_MS,
    "a probe not answered by then is lost",
    {
      short: "t",
      also: ["W"],
      shown: "5s",
    },
  ),
  burst: once(integer(1, 1_000_000), 1, "probes back to back in each interval; the first is cold"),
  targets: once(
    file,
    null,
    "read targets from FILE (- is standard input), one a line; read again on SIGHUP",
  ),
  az: once(text("ZONE", "a zone's name"), "default", "availability zone of the targets"),
  label: many(label, "label for the targets; may be repeated"),
  ipv4: flag("IPv4 only", "4"),
  ipv6: flag("IPv6 only", "6"),
  source: once(ipAddress, null, "send from this address"),
  interface: once(
    text("NAME", "an interface's name"),
    null,
    "send from this interface or address",
    {
      short: "I",
    },
  ),
  "all-addresses": flag("each address of a name is a target of its own, followed as it changes"),
  clock: once(
    choice("auto", "kernel", "userland"),
    "auto",
    "where rtt comes from; auto is the kernel, else the clock",
  ),
  output: once(
    choice(...OUTPUT_NAMES),
    null,
    "what is printed (default text); --json is --output json",
    { short: "o" },
  ),
  export: many(exportUrl, "where results go to beside that; may be repeated"),
  ...HTTP_OPTIONS,
  "collectd-types": once(
    choice("latency", "ping"),
    "latency",
    "collectd types: one latency a probe, or a window's ping, ping_stddev and ping_droprate",
  ),
  window: once(
    duration(100, limits.MAX_INTERVAL_MS),
    null,
    "aggregate over windows of this length",
  ),
  buckets: once(
    buckets,
    MANY_BOUNDS_US,
    "bounds of the histograms that Prometheus and OpenTelemetry get",
    { shown: "many" },
  ),
  "per-probe": once(onOff, true, "print and export single probes; false for windows alone"),
  quiet: flag("no line a probe; the summary is a line a target, for scripts", "q"),
  live: flag("a table that redraws, on a terminal; lines where there is none"),
  histogram: flag("a histogram of the round trips in the summary (text)"),
  timestamps: flag("start each line with the time it was sent", "D"),
  "resolve-after": once(
    integer(1, limits.MAX_RESOLVE_AFTER),
    limits.DEFAULT_RESOLVE_AFTER,
    "failures in a row after which the name is resolved again and the next address taken",
  ),
  "resolve-every": once(
    duration(1000, limits.MAX_INTERVAL_MS),
    null,
    "resolve names again this often",
  ),
  "fail-loss": once(
    percentage,
    null,
    "exit 1 when more than PCT percent of a target's due probes were lost, not sent or skipped",
  ),
  "fail-p50": once(milliseconds, null, "exit 1 when a target's p50 is above MS"),
  "fail-p99": once(milliseconds, null, "exit 1 when a target's p99 is above MS"),
  "fail-syn-loss": once(
    percentage,
    null,
    "exit 1 when more than PCT percent of a target's handshakes repeated their SYN",
  ),
  "fail-connect-p99": once(
    milliseconds,
    null,
    "exit 1 when the p99 of a target's connect times is above MS",
  ),
  "allow-refused": flag("a refusal is as good as a handshake: a test of the path alone"),
  "fail-on": once(
    choice("target", "total"),
    "target",
    "hold the thresholds against each target, or against all of them together",
  ),
  "max-in-flight": once(
    integer(1, limits.MAX_IN_FLIGHT),
    null,
    "probes under way at once; more wait, which shows as lag",
    { shown: "by the descriptor limit" },
  ),
} satisfies OptionTable;
