/** InfluxDB 1.x, written to over HTTP and UDP, and asked by InfluxQL. */
import { freePort } from "../../../scripts/gate/command.ts";
import { type Folder, get, Program } from "./receiver.ts";

/** The databases: one for writes over HTTP, one that its UDP listener writes to. */
export const DATABASE = "http";
export const UDP_DATABASE = "udp";

type Cell = string | number | boolean | null;

/** A point: its tags and its fields, and its time to the nanosecond. */
export interface Point {
  readonly time: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly fields: Readonly<Record<string, Cell>>;
}

interface Series {
  readonly tags?: Readonly<Record<string, string>>;
  readonly columns: readonly string[];
  readonly values: readonly (readonly Cell[])[];
}

interface Answer {
  readonly results: readonly { readonly series?: readonly Series[]; readonly error?: string }[];
}

export class InfluxDb implements AsyncDisposable {
  readonly port = freePort();
  readonly udpPort = freePort();
  #internalPort = freePort();
  #folder: Folder;
  #program: Program | null = null;

  constructor(folder: Folder) {
    this.#folder = folder;
  }

  get exportUrl(): string {
    return `influx-http://127.0.0.1:${this.port}/?db=${DATABASE}`;
  }

  get program(): Program {
    if (this.#program === null) throw new Error("influxd has not been started");
    return this.#program;
  }

  /** Starts it, or starts it again with the data it has. */
  async start(): Promise<void> {
    const file = this.#folder.write("influxdb.conf", this.#configuration());
    this.#program = new Program("influxd", ["run", "-config", file]);
    await this.program.ready(async () => await get(`${this.#url}/ping`) !== null);
    await this.#ask(`CREATE DATABASE "${DATABASE}"`, "");
  }

  /** How many points of a measurement hold a field, from a time on (ms since the epoch). */
  async count(
    database: string,
    measurement: string,
    field: string,
    sinceMs = 0,
  ): Promise<number> {
    const query = `SELECT COUNT("${field}") FROM "${measurement}" WHERE time >= ${sinceMs}ms`;
    const [series] = await this.#ask(query, database);
    return series === undefined ? 0 : Number(series.values[0][1]);
  }

  /** All points of a measurement, by time within each series. */
  async points(database: string, measurement: string): Promise<Point[]> {
    const series = await this.#ask(`SELECT * FROM "${measurement}" GROUP BY *`, database);
    return series.flatMap(({ tags = {}, columns, values }) =>
      values.map((row) => {
        const cells = columns.map((column, i): [string, Cell] => [column, row[i]]);
        // A field that this point lacks and another has comes as null.
        const fields = cells.filter(([name, cell]) => name !== "time" && cell !== null);
        return { time: inFull(String(row[0])), tags, fields: Object.fromEntries(fields) };
      })
    );
  }

  /** The last column of a query's rows. */
  async values(query: string): Promise<readonly Cell[]> {
    const series = await this.#ask(query, DATABASE);
    return series.flatMap(({ values }) => values.map((row) => row[row.length - 1]));
  }

  /** Stores lines of the line protocol in the database for HTTP; throws when it has not taken all. */
  async write(lines: string): Promise<void> {
    const response = await fetch(`${this.#url}/write?db=${DATABASE}`, {
      method: "POST",
      body: lines,
    });
    const said = await response.text();
    if (response.status !== 204) throw new Error(`InfluxDB: ${response.status} ${said}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program?.stop();
  }

  get #url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async #ask(query: string, database: string): Promise<readonly Series[]> {
    const body = new URLSearchParams({ q: query, db: database });
    const response = await fetch(`${this.#url}/query`, { method: "POST", body });
    const { results: [result] }: Answer = await response.json();
    // A database or measurement that nothing was written to yet is none that is wrong.
    if (result.error !== undefined && !/not found/.test(result.error)) {
      throw new Error(result.error);
    }
    return result.series ?? [];
  }

  #configuration(): string {
    const { path } = this.#folder;
    // Its usage statistics would go to another machine.
    return `
      reporting-disabled = true
      bind-address = "127.0.0.1:${this.#internalPort}"
      [meta]
        dir = "${path}/meta"
      [data]
        dir = "${path}/data"
        wal-dir = "${path}/wal"
        query-log-enabled = false
      [monitor]
        store-enabled = false
      [continuous_queries]
        enabled = false
      [http]
        bind-address = "127.0.0.1:${this.port}"
        log-enabled = false
      [[udp]]
        enabled = true
        bind-address = "127.0.0.1:${this.udpPort}"
        database = "${UDP_DATABASE}"
        batch-size = 100
        batch-timeout = "200ms"
    `.replaceAll(/^ {6}/gm, "");
  }
}

/** RFC 3339 with all nine digits, of which InfluxDB leaves out zeros at the end. */
export function inFull(time: string): string {
  const [, seconds, digits = ""] = /^(.*T[0-9:]+)(?:\.([0-9]+))?Z$/.exec(time) ?? [];
  return `${seconds}.${digits.padEnd(9, "0")}Z`;
}
