/** What a run says at its start: what it probes, how often, and where its results are; and of a reload. */
import { hostPort, type Target } from "../domain/target.ts";
import { type Naming, textIntroduction } from "../format/naming.ts";
import { redacted } from "../input/connection_text.ts";
import { durationText } from "../text/duration.ts";
import { counted } from "../text/words.ts";
import type { ExportTarget, RunOptions } from "./options.ts";

/** What is probed, and how often. */
export function introduction(
  targets: readonly Target[],
  options: RunOptions,
  naming: Naming,
): string {
  const { intervalMs, burst } = options.schedule;
  const every = `${burst === 1 ? "" : `${burst} `}every ${durationText(intervalMs)}`;
  return textIntroduction(targets, `${every}, timeout ${durationText(options.timeoutMs)}`, naming);
}

/** Where an export's results are; credentials and parameters of its URL are left out. */
export function placeOf(target: ExportTarget): string[] {
  switch (target.kind) {
    case "prometheus":
      return [`metrics at http://${hostPort(target.address, target.port)}/metrics`];
    case "telegraf-udp":
      return [`to telegraf-udp://${hostPort(target.host, target.port)}`];
    case "influx-http":
    case "otlp":
      return [`to ${redacted(target.url).split("?")[0]}`];
    case "collectd-uds":
      return [`to collectd-uds://${target.path}`];
    case "collectd-exec":
      return [];
    default:
      return target satisfies never;
  }
}

/** What a reload of the targets did: how many there are now, how many came and how many left. */
export function reloadText(
  file: string | null,
  now: number,
  added: number,
  removed: number,
): string {
  return `${file} read again: ${counted(now, "target")}, ${added} added, ${removed} removed`;
}
