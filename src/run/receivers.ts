/** The exporters of a run whose results are reports, not probes: lines that others make, or metrics that they keep. */
import type { MetricFamily } from "../format/metric_family.ts";
import { NAMING } from "../format/naming.ts";
import type { Step } from "../format/record_format.ts";
import type { Connector } from "../net/connector.ts";
import type { HttpOptions } from "../net/http_access.ts";
import type { Exporter } from "../sink/exporter.ts";
import type { ExportRun, ExportTarget } from "./options.ts";
import { outbox } from "./outbox.ts";

export type LineFormat = "influx" | "collectd";

/** The lines that each kind of receiver wants; null for those that ask for metrics. */
const LINES: Readonly<Record<ExportTarget["kind"], LineFormat | null>> = {
  "telegraf-udp": "influx",
  "influx-http": "influx",
  "collectd-exec": "collectd",
  "collectd-uds": "collectd",
  prometheus: null,
  otlp: null,
};

export interface ReceiverPorts {
  readonly connector: Connector;
  readonly version: string;
  /** The metrics as they are now. */
  readonly families: () => Iterable<MetricFamily>;
}

interface Receiver {
  readonly exporter: Exporter;
  readonly lines: LineFormat | null;
}

export class Receivers {
  #receivers: readonly Receiver[];

  private constructor(receivers: readonly Receiver[]) {
    this.#receivers = receivers;
  }

  /** Opens the exporters; throws SystemError when one cannot be had at all. */
  static async open(run: ExportRun, ports: ReceiverPorts): Promise<Receivers> {
    const { openExporters } = await import("./exports.ts");
    await openExporters(run, {
      ...ports,
      naming: NAMING.probe,
      dropped: () => outbox.dropped,
    });
    // Standard output takes collectd-exec's lines. The other exporters keep their order.
    const others = run.exports.targets.filter(({ kind }) => kind !== "collectd-exec");
    return new Receivers(
      others.map(({ kind }, i) => ({ exporter: outbox.exporters[i], lines: LINES[kind] })),
    );
  }

  /** Hands the lines to every receiver of such lines; they are made anew for each. */
  write(format: LineFormat, steps: () => Iterable<Step>): void {
    for (const { exporter, lines } of this.#receivers) {
      if (lines === format) exporter.write?.(steps());
    }
  }

  /** Delivers what is left, within the outbox's patience. */
  async close(): Promise<void> {
    await outbox.deliver((leftMs) =>
      Promise.all(this.#receivers.map(({ exporter }) => exporter.close(leftMs())))
    );
    await outbox.flush();
  }
}

/** The run that such exporters are opened for: a report is neither a probe nor a window. */
export function reportRun(
  exports: readonly ExportTarget[],
  http: HttpOptions,
  intervalMs: number,
): ExportRun {
  return {
    exports: {
      targets: exports,
      collectdTypes: "latency",
      windowMs: null,
      perProbe: true,
      boundsUs: [],
      hostTag: true,
      http,
    },
    schedule: { intervalMs },
  };
}
