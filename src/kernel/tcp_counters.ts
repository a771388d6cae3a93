/** TCP's counters of this network namespace (/proc/net/snmp, /proc/net/netstat; RFC 4022 for the first). */
import { SystemFiles } from "./system_file.ts";

export interface TcpCounters {
  /** Connects begun, and connections accepted, since the namespace was made. */
  readonly activeOpens: number;
  readonly passiveOpens: number;
  /** Handshakes refused for a full accept queue, and for any reason, on all ports together. */
  readonly listenOverflows: number;
  readonly listenDrops: number;
}

/** Reads the counters; null where this system has none. To be opened before FFI is given up. */
export function openTcpCounters(): () => TcpCounters | null {
  const files = SystemFiles.open();
  return () => {
    // /proc/self/net is there under ProcSubset=pid too.
    const snmp = files?.read("/proc/self/net/snmp") ?? null;
    const netstat = files?.read("/proc/self/net/netstat") ?? null;
    return snmp === null || netstat === null ? null : parseTcpCounters(snmp, netstat);
  };
}

/** Null where a counter is missing. */
export function parseTcpCounters(snmp: string, netstat: string): TcpCounters | null {
  const tcp = valuesOf(snmp, "Tcp:");
  const extended = valuesOf(netstat, "TcpExt:");
  const [activeOpens, passiveOpens] = [tcp.get("ActiveOpens"), tcp.get("PassiveOpens")];
  const listenOverflows = extended.get("ListenOverflows");
  const listenDrops = extended.get("ListenDrops");
  if (activeOpens === undefined || passiveOpens === undefined) return null;
  if (listenOverflows === undefined || listenDrops === undefined) return null;
  return { activeOpens, passiveOpens, listenOverflows, listenDrops };
}

/** A line of names, then a line of values, both beginning with the same word. */
function valuesOf(text: string, start: string): Map<string, number> {
  const [names = [], values = []] = text.split("\n").filter((line) => line.startsWith(start))
    .map((line) => line.trim().split(/\s+/).slice(1));
  return new Map(names.map((name, i) => [name, Number(values[i])]));
}
