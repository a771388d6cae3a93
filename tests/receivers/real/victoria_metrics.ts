/** VictoriaMetrics, written to as an InfluxDB, and asked for all it holds. */
import { freePort } from "../../../scripts/gate/command.ts";
import { type Folder, get, Program } from "./receiver.ts";

/** One line of its export: a series, its values and their times in ms since the epoch. */
export interface ExportedSeries {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly number[];
  readonly timestamps: readonly number[];
}

export class VictoriaMetrics implements AsyncDisposable {
  #port = freePort();
  #program: Program;

  constructor(folder: Folder) {
    this.#program = new Program("victoria-metrics", [
      `-httpListenAddr=127.0.0.1:${this.#port}`,
      `-storageDataPath=${folder.path}/victoria`,
      "-memory.allowedBytes=64MB",
    ]);
  }

  get exportUrl(): string {
    return `influx-http://127.0.0.1:${this.#port}/?db=lab`;
  }

  async ready(): Promise<void> {
    await this.#program.ready(async () => await get(`${this.#url}/health`) !== null);
  }

  /** Every series whose name matches, those included that were written just now. */
  async series(name: string): Promise<ExportedSeries[]> {
    await get(`${this.#url}/internal/force_flush`);
    const match = new URLSearchParams({ "match[]": `{__name__=~${JSON.stringify(name)}}` });
    const text = await get(`${this.#url}/api/v1/export?${match}`);
    return (text ?? "").split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program.stop();
  }

  get #url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }
}
