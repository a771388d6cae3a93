/** The options of probe, ping and knock. They stand alone: what a command does not need is not read at its start. */
import * as limits from "../domain/limits.ts";
import { once, type OptionTable } from "./option.ts";
import { portOfTargets, RUN_OPTIONS, RUNNING } from "./shared_options.ts";
import { choice, integer } from "./value.ts";

export const PROBE_OPTIONS = {
  ...RUN_OPTIONS,
  port: portOfTargets,
  close: once(choice("fin", "rst"), "fin", "how a handshake is ended; rst leaves no TIME_WAIT"),
} satisfies OptionTable;

const PING_OPTIONS = {
  ...RUN_OPTIONS,
  size: once(
    integer(0, limits.MAX_ECHO_BYTES, "BYTES"),
    limits.DEFAULT_ECHO_BYTES,
    "payload of an echo",
    {
      short: "s",
    },
  ),
  ttl: once(integer(1, limits.MAX_HOPS), null, "time to live, or hop limit"),
} satisfies OptionTable;

/** By the command's name. */
export const RUN_TABLES = {
  probe: { ...PROBE_OPTIONS, ...RUNNING },
  ping: { ...PING_OPTIONS, ...RUNNING },
  knock: { ...RUN_OPTIONS, port: portOfTargets, ...RUNNING },
} satisfies Record<string, OptionTable>;
