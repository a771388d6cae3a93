/** The output formats by name: adding one is a file, a line here, its name in record_format.ts and a golden. */
import type { Target } from "../domain/target.ts";
import type { CollectdOptions } from "../format/collectd.ts";
import type { Naming } from "../format/naming.ts";
import type { OutputName, RecordFormat } from "../format/record_format.ts";
import type { TextStyle } from "../format/text.ts";

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

/** Each is a module that only a run with that format reads: to read one takes up to 1 ms at start. */
export const FORMATS = {
  async text({ targets, style, naming }: FormatOptions): Promise<RecordFormat> {
    const { TextFormat } = await import("../format/text.ts");
    return new TextFormat(targets, style, naming);
  },
  async json({ naming }: FormatOptions): Promise<RecordFormat> {
    const { JsonFormat } = await import("../format/json.ts");
    return new JsonFormat(naming);
  },
  async csv({ windowsOnly, style }: FormatOptions): Promise<RecordFormat> {
    const { CsvFormat } = await import("../format/csv.ts");
    return new CsvFormat(windowsOnly, style.brief);
  },
  async influx({ naming, host }: FormatOptions): Promise<RecordFormat> {
    const { InfluxFormat } = await import("../format/influx.ts");
    return new InfluxFormat(naming, host);
  },
  async collectd({ collectd, naming }: FormatOptions): Promise<RecordFormat> {
    const { CollectdFormat } = await import("../format/collectd.ts");
    return new CollectdFormat(collectd, naming);
  },
  none: (): Promise<RecordFormat> => Promise.resolve({}),
} satisfies Record<OutputName, (options: FormatOptions) => Promise<RecordFormat>>;
