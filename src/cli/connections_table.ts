/** The options of `connections`. */
import { GROUPINGS } from "../domain/connection.ts";
import * as limits from "../domain/limits.ts";
import { PEERS } from "../input/peer_prefix.ts";
import { flag, once, type OptionTable } from "./option.ts";
import { choice, duration, integer, milliseconds, percentage, text } from "./value.ts";
import { HTTP_OPTIONS, RUN_OPTIONS } from "./shared_options.ts";

export const CONNECTIONS_OPTIONS = {
  by: once(choice(...GROUPINGS), "peer", "what makes connections one line"),
  to: once(
    text("PEER", PEERS),
    null,
    "only connections with these peers: ADDR[/LEN][:PORT], HOST[:PORT] or a URL",
  ),
  port: once(
    integer(1, 65_535, "PORT"),
    null,
    "only this service: its port there where it was opened, here where it was accepted",
    { short: "p" },
  ),
  listening: flag("only connections that this machine accepted, and its listening ports"),
  top: once(integer(1, limits.MAX_TOP), limits.DEFAULT_TOP, "lines; all others are one line more"),
  interval: once(
    duration(limits.MIN_READING_MS, limits.MAX_READING_MS, { guarded: true }),
    null,
    "between two readings",
    {
      short: "i",
      shown: "1s, or 5s with --export",
    },
  ),
  count: once(integer(1, limits.MAX_COUNT), null, "end after N reports", {
    short: "c",
    shown: "1; no end with --live, --duration or --export",
  }),
  duration: once(duration(100, limits.MAX_DURATION_MS), null, "end after this long", {
    short: "w",
  }),
  process: flag("the programs' names, where they may be read"),
  names: flag("the peers' names, by reverse look-ups"),
  probe: flag("handshakes with the peers shown, beside"),
  live: RUN_OPTIONS.live,
  output: RUN_OPTIONS.output,
  export: RUN_OPTIONS.export,
  ...HTTP_OPTIONS,
  quiet: flag("no reports on standard output, only failures on standard error", "q"),
  timestamps: flag("start each report with its time"),
  "fail-rtt": once(
    milliseconds,
    null,
    "exit 1 when the network takes longer to a peer: round trips, or their minimum",
  ),
  "fail-retransmits": once(
    percentage,
    null,
    "exit 1 when more than PCT percent of a line's segments were sent again",
  ),
  "trace-above": once(
    milliseconds,
    null,
    "trace to a peer to which the network takes longer; each at most once in 5 minutes",
  ),
  "trace-retransmits": once(
    percentage,
    null,
    "trace to a peer when more than PCT percent of its segments were sent again",
  ),
} satisfies OptionTable;
