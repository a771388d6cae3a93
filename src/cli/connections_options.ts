/** Typed options of `connections`. */
import type { ConnectionsOptions } from "../commands/connections/options.ts";
import { UsageError } from "../domain/exit.ts";
import { parsePeers } from "../input/peer_prefix.ts";
import { checkLive, outputName } from "./run_options.ts";
import type { ValuesOf } from "./option.ts";
import type { COMMANDS } from "./table.ts";

type ConnectionsValues = ValuesOf<typeof COMMANDS.connections.options>;

/** Between two readings: for somebody who waits for it, and for a receiver. */
const INTERVAL_MS = 1000;
const EXPORT_INTERVAL_MS = 5000;

export function connectionsOptions(values: ConnectionsValues): ConnectionsOptions {
  const { to, count, duration, live } = values;
  const peers = to === null ? null : parsePeers(to, "--to");
  const output = outputName(values, values.export);
  checkLive(values, output);
  const exporting = values.export.length > 0;
  if (output === "none" && !exporting && !values.live && !fails(values)) {
    throw new UsageError("--output none wants --export, --fail-rtt or --fail-retransmits");
  }
  if (values.probe && values.listening) {
    throw new UsageError("--probe is for peers that this machine connects to, not for --listening");
  }
  const endless = live || exporting || duration !== null;
  return {
    by: values.by,
    filter: {
      peers: peers?.prefixes ?? null,
      port: values.port,
      listening: values.listening,
    },
    peerNames: peers?.names ?? [],
    top: values.top,
    intervalMs: values.interval ?? (exporting ? EXPORT_INTERVAL_MS : INTERVAL_MS),
    count: count ?? (endless ? null : 1),
    durationMs: duration,
    owners: values.process,
    names: values.names,
    probe: values.probe,
    output,
    exports: values.export,
    http: { names: values["http-host"], tokenFile: values["http-token"] },
    live,
    quiet: values.quiet,
    timestamps: values.timestamps,
    noColor: values["no-color"],
    fail: thresholds(values["fail-rtt"], values["fail-retransmits"]),
    trace: thresholds(values["trace-above"], values["trace-retransmits"]),
  };
}

function fails(values: ConnectionsValues): boolean {
  return values["fail-rtt"] !== null || values["fail-retransmits"] !== null;
}

function thresholds(ms: number | null, percent: number | null): ConnectionsOptions["fail"] {
  return {
    rttUs: ms === null ? null : ms * 1000,
    retransmittedRatio: percent === null ? null : percent / 100,
  };
}
