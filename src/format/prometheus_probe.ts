/** One probe's result as a page of gauges, under blackbox_exporter's names where it has one. */
import { type Outcome, OUTCOMES } from "../domain/outcome.ts";
import { hasSynCount, kernelRttOf, NONE, type ProbeRecord } from "../domain/probe_record.ts";
import type { Endpoint } from "../domain/target.ts";

export interface ProbeResult {
  readonly record: Readonly<ProbeRecord>;
  /** What was probed; null when the name did not resolve. */
  readonly endpoint: Endpoint | null;
  /** All of it, the resolver's time included, in ms. */
  readonly durationMs: number;
  readonly lookupMs: number;
}

const MICROS = 1_000_000;

/** The page, in text exposition format 0.0.4. */
export function probePage({ record, endpoint, durationMs, lookupMs }: ProbeResult): string {
  const { outcome, connectUs, synRetransmits } = record;
  const rttUs = kernelRttOf(record);
  const lines: string[] = [];
  const gauge = (name: string, help: string, value: number | null) => {
    if (value === null) return;
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, `${name} ${value}`);
  };
  gauge("probe_success", "Whether the handshake was completed.", yes(outcome === "established"));
  gauge(
    "probe_duration_seconds",
    "How long the probe took, the look-up included.",
    durationMs / 1e3,
  );
  gauge("probe_dns_lookup_time_seconds", "How long the look-up of the name took.", lookupMs / 1e3);
  gauge("probe_ip_protocol", "4 or 6; 0 when the name did not resolve.", endpoint?.family ?? 0);
  gauge(
    "probe_ip_addr_hash",
    "Changes when the address does.",
    endpoint === null ? 0 : fnv1(endpoint.bytes),
  );
  gauge("probe_failed_due_to_regex", "Always 0: nothing is read from the connection.", 0);
  gauge(
    "probe_tcp_rtt_seconds",
    "Handshake round trip as the kernel measured it; absent where it has no sample.",
    rttUs === NONE ? null : rttUs / MICROS,
  );
  gauge(
    "probe_tcp_connect_seconds",
    "Time waited for the answer; absent without one.",
    connectUs === NONE ? null : connectUs / MICROS,
  );
  gauge(
    "probe_tcp_syn_retransmits",
    "SYNs sent again; absent where nobody counted them.",
    hasSynCount(record) ? synRetransmits : null,
  );
  return `${lines.join("\n")}\n${outcomeLines(outcome)}`;
}

function outcomeLines(outcome: Outcome): string {
  const name = "probe_tcp_outcome";
  const lines = OUTCOMES.map((one) => `${name}{outcome="${one}"} ${yes(one === outcome)}\n`);
  return `# HELP ${name} 1 for what became of the probe.\n# TYPE ${name} gauge\n${lines.join("")}`;
}

function yes(value: boolean): number {
  return value ? 1 : 0;
}

/** FNV-1, 32 bits (draft-eastlake-fnv): a number for an address, not a secret. */
function fnv1(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = (Math.imul(hash, 0x01000193) ^ byte) >>> 0;
  return hash;
}
