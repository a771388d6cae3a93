/** The output formats by name: adding one is a file, a line here, its name in record_format.ts and a golden. */
import type { Target } from "../domain/target.ts";
import { CollectdFormat, type CollectdOptions } from "./collectd.ts";
import { CsvFormat } from "./csv.ts";
import { InfluxFormat } from "./influx.ts";
import { JsonFormat } from "./json.ts";
import type { Naming } from "./naming.ts";
import type { OutputName, RecordFormat } from "./record_format.ts";
import { TextFormat, type TextStyle } from "./text.ts";

/** The options of a run that formats need. */
export interface FormatOptions {
  readonly targets: readonly Target[];
  readonly style: TextStyle;
  readonly collectd: CollectdOptions;
  readonly naming: Naming;
  /** The host named in Influx lines; null for none. */
  readonly host: string | null;
  /** Windows are what is printed, not single probes. */
  readonly windowsOnly: boolean;
}

export const FORMATS = {
  text: ({ targets, style, naming }: FormatOptions): RecordFormat => {
    return new TextFormat(targets, style, naming);
  },
  json: ({ naming }: FormatOptions): RecordFormat => new JsonFormat(naming),
  csv: ({ windowsOnly, style }: FormatOptions): RecordFormat => {
    return new CsvFormat(windowsOnly, style.brief);
  },
  influx: ({ naming, host }: FormatOptions): RecordFormat => new InfluxFormat(naming, host),
  collectd: ({ collectd, naming }: FormatOptions): RecordFormat => {
    return new CollectdFormat(collectd, naming);
  },
  none: (): RecordFormat => ({}),
} satisfies Record<OutputName, (options: FormatOptions) => RecordFormat>;
