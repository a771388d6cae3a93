/** How receivers fare: as metrics for Prometheus and OTLP, as lines for Influx (`wire_probe_receiver`). */
import { DROP_REASONS, droppedLines, type ReceiverState } from "../domain/receiver.ts";
import type { WallTime } from "../time/wall_anchor.ts";
import type { Step } from "./record_format.ts";
import { countField, writeInfluxLine } from "./influx_line.ts";
import { type MetricFamily, metricFamily, type MetricSample } from "./metric_family.ts";

const PREFIX = "wire_probe_receiver";

/** The families of these receivers, whose counters count since `start`; all reasons are there from the start. */
export function receiverFamilies(
  states: readonly ReceiverState[],
  start: Readonly<WallTime>,
): readonly MetricFamily[] {
  const gauge = (name: string, help: string, of: (state: ReceiverState) => number) => {
    const samples = states.map((state): MetricSample => ({
      labels: [["receiver", state.where]],
      start,
      value: of(state),
    }));
    return metricFamily(PREFIX, "gauge", { name, unit: null, help }, samples);
  };
  const drops = states.flatMap(({ where, drops }) =>
    DROP_REASONS.map((reason): MetricSample => ({
      labels: [["receiver", where], ["reason", reason]],
      start,
      value: drops.find(([of]) => of === reason)?.[1] ?? 0,
    }))
  );
  const dropped = {
    name: "dropped_lines",
    unit: null,
    help: "Lines that did not arrive, by reason.",
  };
  return [
    gauge(
      "up",
      "Whether the receiver took what was sent to it last: 1 or 0.",
      (of) => of.delivering ? 1 : 0,
    ),
    gauge(
      "waiting_lines",
      "Lines queued, or sent and not answered.",
      (of) => of.waiting,
    ),
    metricFamily(PREFIX, "counter", dropped, drops),
  ];
}

/** A line a receiver; the prober's host is a tag, as in its other lines. */
export function* receiversInflux(
  states: readonly ReceiverState[],
  host: string,
  at: Readonly<WallTime>,
): Iterable<Step> {
  for (const { where, delivering, waiting, drops } of states) {
    const fields = [
      ["up", countField(delivering ? 1 : 0)],
      ["waiting", countField(waiting)],
      ["dropped", countField(droppedLines(drops))],
    ] as const;
    const tags = [["host", host], ["receiver", where]] as const;
    yield (out) => writeInfluxLine(out, PREFIX, tags, fields, at);
  }
}
