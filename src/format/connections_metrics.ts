/**
 * Connections as metrics, `wire_probe_connections_…` in base units: counters added up from one report
 * to the next for the groups that are shown, so that the number of series is bounded.
 */
import {
  CONNECTION_VERDICTS,
  type ConnectionGroup,
  type ConnectionReport,
  type ConnectionVerdictName,
  type ListeningPort,
  type RttSpread,
} from "../domain/connection.ts";
import {
  type DescribedMetric as Described,
  type MetricFamily,
  metricFamily,
  type MetricLabel,
  type MetricSample,
  plainMetric,
} from "./metric_family.ts";

const PREFIX = "wire_probe_connections";
const family = metricFamily.bind(null, PREFIX);
const MICROS = 1e6;
/** Listening ports that are shown. */
const MAX_PORTS = 6;

type Start = MetricSample["start"];

/** What a group's series have come to while it was shown. */
interface Series {
  readonly labels: readonly MetricLabel[];
  readonly start: Start;
  group: ConnectionGroup;
  readonly counts: Map<string, number>;
}

const GAUGES: readonly (Described & { of(group: ConnectionGroup): number | null })[] = [
  { name: "open", unit: null, help: "Connections now.", of: ({ connections }) => connections },
  {
    name: "connecting",
    unit: null,
    help: "Connects that wait for their SYN-ACK.",
    of: ({ connecting }) => connecting,
  },
  {
    name: "close_wait",
    unit: null,
    help: "Connections that the peer has closed and the process here has not.",
    of: ({ closeWait }) => closeWait,
  },
  {
    name: "min_rtt",
    unit: "seconds",
    help: "The least round trip of the last minutes that the kernel knows: the network's.",
    of: ({ minRttUs }) => minRttUs === null ? null : minRttUs / MICROS,
  },
];

/** Growth from one report to the next. */
const COUNTERS: readonly (Described & { of(group: ConnectionGroup): number })[] = [
  { name: "opened", unit: null, help: "Connections that were opened.", of: ({ opened }) => opened },
  { name: "closed", unit: null, help: "Connections that were closed.", of: ({ closed }) => closed },
  {
    name: "sent_segments",
    unit: null,
    help: "TCP segments sent, those sent again among them.",
    of: ({ segmentsOut }) => segmentsOut,
  },
  {
    name: "retransmitted_segments",
    unit: null,
    help: "TCP segments sent again.",
    of: ({ segmentsRetransmitted }) => segmentsRetransmitted,
  },
  { name: "received", unit: "bytes", help: "Bytes received.", of: ({ bytesIn }) => bytesIn },
  {
    name: "sent",
    unit: "bytes",
    help: "Bytes sent, those sent again not among them.",
    of: ({ bytesOut }) => bytesOut,
  },
  {
    name: "busy",
    unit: "seconds",
    help: "Time with data to send or to be acknowledged, over all connections.",
    of: ({ busyUs }) => busyUs / MICROS,
  },
  {
    name: "receiver_limited",
    unit: "seconds",
    help: "Time held back by the receiver's window, over all connections.",
    of: ({ receiverLimitedUs }) => receiverLimitedUs / MICROS,
  },
  {
    name: "send_buffer_limited",
    unit: "seconds",
    help: "Time held back by the send buffer, over all connections.",
    of: ({ sendBufferLimitedUs }) => sendBufferLimitedUs / MICROS,
  },
];

/** Without quantiles: those of several connections or times cannot be put together. */
const SUMMARIES: readonly (Described & { of(group: ConnectionGroup): RttSpread | null })[] = [
  {
    name: "rtt",
    unit: "seconds",
    help: "Round trips by acknowledgements that came by themselves, one a connection and reading.",
    of: ({ rtt }) => rtt,
  },
  {
    name: "reply_rtt",
    unit: "seconds",
    help: "Round trips with the peer's thinking in them, one a connection and reading.",
    of: ({ replyRtt }) => replyRtt,
  },
  {
    name: "handshake_rtt",
    unit: "seconds",
    help: "Handshakes made beside the connections.",
    of: ({ handshake }) => handshake,
  },
];

/** The namespace's own counters, from the first reading on. */
const TOTALS = [
  ["active_opens", "Connections that this machine began, short ones too."],
  ["passive_opens", "Connections that this machine accepted, short ones too."],
  ["listen_overflows", "Handshakes refused for a full accept queue, on any port."],
] as const;

export class ConnectionSeries {
  #series = new Map<string, Series>();
  #totals = new Map<string, number>();
  #verdicts = new Map<ConnectionVerdictName, number>();
  #ports: readonly ListeningPort[] = [];
  #drops = new Map<number, { readonly start: Start; count: number }>();
  #groups = 0;
  /** When the first report's interval began; null before there is one. */
  #start: Start | null = null;

  /** Adds a report; groups that are not in it any more lose their series. */
  add(report: ConnectionReport): void {
    const began = startOf(report);
    this.#start ??= began;
    const shown = new Set<string>();
    for (const group of report.groups) {
      const labels = labelsOf(group);
      const key = JSON.stringify(labels);
      const series = this.#series.get(key) ?? { labels, start: began, group, counts: new Map() };
      series.group = group;
      for (const { name, of } of COUNTERS) grow(series.counts, name, of(group));
      for (const { name, of } of SUMMARIES) {
        const spread = of(group);
        if (spread === null) continue;
        grow(series.counts, `${name} sum`, spread.sumUs / MICROS);
        grow(series.counts, `${name} count`, spread.count);
      }
      this.#series.set(key, series);
      shown.add(key);
    }
    for (const key of this.#series.keys()) if (!shown.has(key)) this.#series.delete(key);
    this.#addTotals(report, began);
  }

  /** All metrics as they are now; none before the first report. */
  *families(): Iterable<MetricFamily> {
    const start = this.#start;
    if (start === null) return;
    const series = [...this.#series.values()];
    for (const { of, ...described } of GAUGES) {
      const samples = series.flatMap(({ labels, start, group }) => {
        const value = of(group);
        return value === null ? [] : [{ labels, start, value }];
      });
      yield family("gauge", described, samples);
    }
    for (const { of: _, ...described } of COUNTERS) {
      yield family("counter", described, countsOf(series, described.name));
    }
    for (const { of: _, ...described } of SUMMARIES) {
      const { name } = described;
      const having = series.filter(({ counts }) => counts.has(`${name} count`));
      const sums = countsOf(having, `${name} sum`);
      yield { ...family("summary", described, countsOf(having, `${name} count`)), sums };
    }
    yield* this.#portFamilies();
    yield* this.#totalFamilies(start);
  }

  #addTotals({ totals, listening, groups }: ConnectionReport, began: Start): void {
    grow(this.#totals, "active_opens", totals.activeOpens ?? 0);
    grow(this.#totals, "passive_opens", totals.passiveOpens ?? 0);
    grow(this.#totals, "listen_overflows", totals.listenOverflows ?? 0);
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
      const known = this.#drops.get(port) ?? { start: began, count: 0 };
      known.count += drops;
      this.#drops.set(port, known);
    }
    for (const port of this.#drops.keys()) if (!ports.has(port)) this.#drops.delete(port);
    this.#groups = totals.groups;
  }

  *#portFamilies(): Iterable<MetricFamily> {
    const of = (value: (port: ListeningPort) => number) =>
      this.#ports.map((port) => ({
        labels: [["local_port", port.port]] as const,
        start: this.#drops.get(port.port)?.start ?? NO_TIME,
        value: value(port),
      }));
    const waiting = "Connections that wait to be accepted.";
    yield family("gauge", plainMetric("accept_queue", waiting), of((port) => port.waiting));
    const limit = "How many connections may wait to be accepted.";
    yield family("gauge", plainMetric("accept_queue_limit", limit), of((port) => port.limit));
    const drops = "Connections that a listening port dropped.";
    const dropped = of(({ port }) => this.#drops.get(port)?.count ?? 0);
    yield family("counter", plainMetric("listen_drops", drops), dropped);
  }

  *#totalFamilies(start: Start): Iterable<MetricFamily> {
    const one = (value: number) => [{ labels: [], start, value }];
    for (const [name, help] of TOTALS) {
      yield family("counter", plainMetric(name, help), one(this.#totals.get(name) ?? 0));
    }
    const groups = "Groups of connections, shown or not.";
    yield family("gauge", plainMetric("groups", groups), one(this.#groups));
    const verdicts = [...this.#verdicts].map(([verdict, value]) => ({
      labels: [["verdict", verdict]] as const,
      start,
      value,
    }));
    const help = "Groups shown that a verdict stands on.";
    yield family("gauge", plainMetric("verdict_groups", help), verdicts);
  }
}

const NO_TIME: Start = { wallSeconds: 0, wallNanos: 0 };

/** When a report's interval began. */
function startOf({ wallSeconds, wallNanos, intervalMs }: ConnectionReport): Start {
  const micros = Math.round(wallSeconds * MICROS + wallNanos / 1000 - intervalMs * 1000);
  const seconds = Math.floor(micros / MICROS);
  return { wallSeconds: seconds, wallNanos: (micros - seconds * MICROS) * 1000 };
}

function countsOf(series: readonly Series[], name: string): MetricSample[] {
  return series.map(({ labels, start, counts }) => ({
    labels,
    start,
    value: counts.get(name) ?? 0,
  }));
}

function labelsOf(
  { group, direction, localPort, peer, peerPort, peerName, owner }: ConnectionGroup,
): readonly MetricLabel[] {
  const pairs: readonly (readonly [string, string | number | null])[] = [
    ["group", group],
    ["direction", direction],
    ["local_port", localPort],
    ["peer", peer],
    ["peer_port", peerPort],
    ["peer_name", peerName],
    ["process", owner],
  ];
  return pairs.flatMap(([key, value]): MetricLabel[] => value === null ? [] : [[key, value]]);
}

function grow(counts: Map<string, number>, name: string, by: number): void {
  counts.set(name, (counts.get(name) ?? 0) + by);
}
