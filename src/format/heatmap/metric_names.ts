/** The figures of a pair that a heatmap can show, by name: the command line knows no more of it. */

export const METRICS = ["p50", "p99", "loss", "cold", "retransmits"] as const;
export type Metric = typeof METRICS[number];

/** In a legend or a title. */
export const METRIC_TITLES: Readonly<Record<Metric, string>> = {
  p50: "handshake RTT, p50",
  p99: "handshake RTT, p99",
  loss: "probes lost",
  cold: "cold handshake RTT, p50",
  retransmits: "SYN retransmits per probe",
};

/** On a button. */
export const METRIC_NAMES: Readonly<Record<Metric, string>> = {
  p50: "p50",
  p99: "p99",
  loss: "loss",
  cold: "cold",
  retransmits: "SYN retransmits",
};

/** Whether a metric is a share, from 0 to 1 as a rule, and not a time in µs. */
export function isShare(metric: Metric): boolean {
  return metric === "loss" || metric === "retransmits";
}
