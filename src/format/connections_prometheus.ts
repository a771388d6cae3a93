/**
 * Connections as Prometheus metrics, `wire_probe_connections_…` in base units: counters added up from
 * one report to the next for the groups that are shown, so that the number of series is bounded.
 */
import {
  CONNECTION_VERDICTS,
  type ConnectionGroup,
  type ConnectionReport,
  type ConnectionVerdictName,
  type ListeningPort,
  type RttSpread,
} from "../domain/connection.ts";
import type { ByteWriter } from "./byte_writer.ts";
import { escapeValue } from "./prometheus.ts";

const PREFIX = "wire_probe_connections";
const MICROS = 1e6;
/** Listening ports on a page. */
const MAX_PORTS = 6;

/** What a group's series have come to while it was shown. */
interface Series {
  readonly labels: string;
  group: ConnectionGroup;
  readonly counts: Map<string, number>;
}

interface Family {
  readonly name: string;
  readonly help: string;
}

interface Gauge extends Family {
  of(group: ConnectionGroup): number | null;
}

/** Growth from one report to the next. */
interface Counter extends Family {
  of(group: ConnectionGroup): number;
}

const GAUGES: readonly Gauge[] = [
  { name: "open", help: "Connections now.", of: ({ connections }) => connections },
  {
    name: "connecting",
    help: "Connects that wait for their SYN-ACK.",
    of: ({ connecting }) => connecting,
  },
  {
    name: "close_wait",
    help: "Connections that the peer has closed and the process here has not.",
    of: ({ closeWait }) => closeWait,
  },
  {
    name: "min_rtt_seconds",
    help: "The least round trip of the last minutes that the kernel knows: the network's.",
    of: ({ minRttUs }) => minRttUs === null ? null : minRttUs / MICROS,
  },
];

const COUNTERS: readonly Counter[] = [
  { name: "opened_total", help: "Connections that were opened.", of: ({ opened }) => opened },
  { name: "closed_total", help: "Connections that were closed.", of: ({ closed }) => closed },
  {
    name: "sent_segments_total",
    help: "TCP segments sent, those sent again among them.",
    of: ({ segmentsOut }) => segmentsOut,
  },
  {
    name: "retransmitted_segments_total",
    help: "TCP segments sent again.",
    of: ({ segmentsRetransmitted }) => segmentsRetransmitted,
  },
  { name: "received_bytes_total", help: "Bytes received.", of: ({ bytesIn }) => bytesIn },
  {
    name: "sent_bytes_total",
    help: "Bytes sent, those sent again not among them.",
    of: ({ bytesOut }) => bytesOut,
  },
  {
    name: "busy_seconds_total",
    help: "Time with data to send or to be acknowledged, over all connections.",
    of: ({ busyUs }) => busyUs / MICROS,
  },
  {
    name: "receiver_limited_seconds_total",
    help: "Time held back by the receiver's window, over all connections.",
    of: ({ receiverLimitedUs }) => receiverLimitedUs / MICROS,
  },
  {
    name: "send_buffer_limited_seconds_total",
    help: "Time held back by the send buffer, over all connections.",
    of: ({ sendBufferLimitedUs }) => sendBufferLimitedUs / MICROS,
  },
];

/** Summaries without quantiles: what is spread over connections cannot be added up from quantiles. */
const SUMMARIES: readonly (Family & { of(group: ConnectionGroup): RttSpread | null })[] = [
  {
    name: "rtt_seconds",
    help: "Round trips by acknowledgements that came by themselves, one a connection and reading.",
    of: ({ rtt }) => rtt,
  },
  {
    name: "reply_rtt_seconds",
    help: "Round trips with the peer's thinking in them, one a connection and reading.",
    of: ({ replyRtt }) => replyRtt,
  },
  {
    name: "handshake_rtt_seconds",
    help: "Handshakes made beside the connections.",
    of: ({ handshake }) => handshake,
  },
];

export class ConnectionSeries {
  #series = new Map<string, Series>();
  #totals = new Map<string, number>();
  #verdicts = new Map<ConnectionVerdictName, number>();
  #ports: readonly ListeningPort[] = [];
  #drops = new Map<number, number>();
  #groups = 0;

  /** Adds a report; groups that are not in it any more lose their series. */
  add(report: ConnectionReport): void {
    const shown = new Set<string>();
    for (const group of report.groups) {
      const labels = labelsOf(group);
      const series = this.#series.get(labels) ?? { labels, group, counts: new Map() };
      series.group = group;
      for (const { name, of } of COUNTERS) grow(series.counts, name, of(group));
      for (const { name, of } of SUMMARIES) {
        const spread = of(group);
        if (spread === null) continue;
        grow(series.counts, `${name}_sum`, spread.sumUs / MICROS);
        grow(series.counts, `${name}_count`, spread.count);
      }
      this.#series.set(labels, series);
      shown.add(labels);
    }
    for (const labels of this.#series.keys()) if (!shown.has(labels)) this.#series.delete(labels);
    this.#addTotals(report);
  }

  /** A writing step a family. */
  *page(): Iterable<(out: ByteWriter) => void> {
    const series = [...this.#series.values()];
    for (const { name, help, of } of GAUGES) {
      yield (out) => {
        writeFamily(out, name, "gauge", help);
        for (const { labels, group } of series) writeSample(out, name, labels, of(group));
      };
    }
    for (const { name, help } of COUNTERS) {
      yield (out) => {
        writeFamily(out, name, "counter", help);
        for (const { labels, counts } of series) {
          writeSample(out, name, labels, counts.get(name) ?? 0);
        }
      };
    }
    for (const { name, help } of SUMMARIES) {
      const having = series.filter(({ counts }) => counts.has(`${name}_count`));
      if (having.length === 0) continue;
      yield (out) => {
        writeFamily(out, name, "summary", help);
        for (const { labels, counts } of having) {
          for (const part of [`${name}_sum`, `${name}_count`]) {
            writeSample(out, part, labels, counts.get(part) ?? 0);
          }
        }
      };
    }
    yield (out) => this.#writePorts(out);
    yield (out) => this.#writeTotals(out);
  }

  #addTotals({ totals, listening, groups }: ConnectionReport): void {
    grow(this.#totals, "active_opens_total", totals.activeOpens ?? 0);
    grow(this.#totals, "passive_opens_total", totals.passiveOpens ?? 0);
    grow(this.#totals, "listen_overflows_total", totals.listenOverflows ?? 0);
    for (const verdict of CONNECTION_VERDICTS) this.#verdicts.set(verdict, 0);
    for (const { verdicts } of groups) {
      for (const { verdict } of verdicts) {
        this.#verdicts.set(verdict, (this.#verdicts.get(verdict) ?? 0) + 1);
      }
    }
    this.#ports = listening.toSorted((a, b) => b.drops - a.drops || b.waiting - a.waiting)
      .slice(0, MAX_PORTS);
    const ports = new Set(listening.map(({ port }) => port));
    for (const { port, drops } of listening) {
      this.#drops.set(port, (this.#drops.get(port) ?? 0) + drops);
    }
    for (const port of this.#drops.keys()) if (!ports.has(port)) this.#drops.delete(port);
    this.#groups = totals.groups;
  }

  #writePorts(out: ByteWriter): void {
    const families = [
      ["accept_queue", "gauge", "Connections that wait to be accepted.", waiting],
      ["accept_queue_limit", "gauge", "How many of them there may be.", limit],
      [
        "listen_drops_total",
        "counter",
        "Connections that a listening port dropped.",
        ({ port }: ListeningPort) => this.#drops.get(port) ?? 0,
      ],
    ] as const;
    for (const [name, type, help, of] of families) {
      writeFamily(out, name, type, help);
      for (const port of this.#ports) writeSample(out, name, `local_port="${port.port}"`, of(port));
    }
  }

  #writeTotals(out: ByteWriter): void {
    for (const [name, help] of TOTALS) {
      writeFamily(out, name, "counter", help);
      writeSample(out, name, "", this.#totals.get(name) ?? 0);
    }
    writeFamily(out, "groups", "gauge", "Groups of connections, shown or not.");
    writeSample(out, "groups", "", this.#groups);
    writeFamily(out, "verdict_groups", "gauge", "Groups shown that a verdict stands on.");
    for (const [verdict, groups] of this.#verdicts) {
      writeSample(out, "verdict_groups", `verdict="${verdict}"`, groups);
    }
  }
}

/** The namespace's own counters, from the first reading on. */
const TOTALS = [
  ["active_opens_total", "Connections that this machine began, short ones too."],
  ["passive_opens_total", "Connections that this machine accepted, short ones too."],
  ["listen_overflows_total", "Handshakes refused for a full accept queue, on any port."],
] as const;

function waiting({ waiting }: ListeningPort): number {
  return waiting;
}

function limit({ limit }: ListeningPort): number {
  return limit;
}

function labelsOf(
  { group, direction, localPort, peer, peerPort, peerName, owner }: ConnectionGroup,
): string {
  const pairs: readonly (readonly [string, string | number | null])[] = [
    ["group", group],
    ["direction", direction],
    ["local_port", localPort],
    ["peer", peer],
    ["peer_port", peerPort],
    ["peer_name", peerName],
    ["process", owner],
  ];
  return pairs.filter(([, value]) => value !== null)
    .map(([key, value]) => `${key}="${escapeValue(String(value))}"`).join(",");
}

function grow(counts: Map<string, number>, name: string, by: number): void {
  counts.set(name, (counts.get(name) ?? 0) + by);
}

function writeFamily(out: ByteWriter, name: string, type: string, help: string): void {
  out.ascii(`# HELP ${PREFIX}_${name} ${help}\n# TYPE ${PREFIX}_${name} ${type}\n`);
}

function writeSample(out: ByteWriter, name: string, labels: string, value: number | null): void {
  if (value === null) return;
  out.utf8(`${PREFIX}_${name}${labels === "" ? "" : `{${labels}}`} ${value}\n`);
}
