/** The output formats by name: adding one is a file, a line here and a golden. */
import type { Target } from "../domain/target.ts";
import { CollectdFormat, type CollectdOptions } from "./collectd.ts";
import { CsvFormat } from "./csv.ts";
import { InfluxFormat } from "./influx.ts";
import { JsonFormat } from "./json.ts";
import type { RecordFormat } from "./record_format.ts";
import { TextFormat, type TextStyle } from "./text.ts";

/** What some format or other needs to know of a run. */
export interface FormatOptions {
  readonly targets: readonly Target[];
  readonly style: TextStyle;
  readonly collectd: CollectdOptions;
  /** Windows are what is printed, not single probes. */
  readonly windowsOnly: boolean;
}

export const FORMATS = {
  text: ({ targets, style }: FormatOptions): RecordFormat => new TextFormat(targets, style),
  json: (): RecordFormat => new JsonFormat(),
  csv: ({ windowsOnly }: FormatOptions): RecordFormat => new CsvFormat(windowsOnly),
  influx: (): RecordFormat => new InfluxFormat(),
  collectd: ({ collectd }: FormatOptions): RecordFormat => new CollectdFormat(collectd),
  none: (): RecordFormat => ({}),
} satisfies Record<string, (options: FormatOptions) => RecordFormat>;
