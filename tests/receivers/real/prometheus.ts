/** Prometheus, which scrapes a probe each second: its pages, and its probes on demand. */
import { freePort } from "../../../scripts/gate/command.ts";
import { type Folder, get, Program, programPath } from "./receiver.ts";

/** A sample: seconds since the epoch, and the value. */
export type Sample = readonly [at: number, value: number];

export interface SampledSeries {
  readonly metric: Readonly<Record<string, string>>;
  readonly samples: readonly Sample[];
}

export interface Alert {
  readonly labels: Readonly<Record<string, string>>;
  readonly state: "pending" | "firing";
}

interface Answer {
  readonly data: {
    readonly result: readonly {
      readonly metric: Readonly<Record<string, string>>;
      readonly values: readonly (readonly [number, string])[];
    }[];
  };
}

interface Targets {
  readonly data: { readonly activeTargets: readonly unknown[] };
}

/** Where Prometheus runs: here, or in a network namespace. */
export interface Place {
  start(program: string, args: readonly string[]): Program;
  /** The body of a GET that went well; null when the server is not ready. */
  get(url: string): Promise<string | null>;
}

export const HERE: Place = { start: (program, args) => new Program(program, args), get };

export class Prometheus implements AsyncDisposable {
  #port = freePort();
  #place: Place;
  #program: Program;
  #targets: number;

  /** Scrapes agents, and has the first one probe the others as blackbox_exporter would. */
  constructor(
    folder: Folder,
    agents: string | readonly string[],
    probed: readonly string[],
    rules: readonly string[] = [],
    place = HERE,
  ) {
    this.#place = place;
    const scraped = [agents].flat();
    this.#targets = scraped.length + probed.length;
    // JSON is YAML.
    const file = folder.write(
      "prometheus.yml",
      JSON.stringify(configuration(scraped, probed, rules)),
    );
    this.#program = place.start("prometheus", [
      `--config.file=${file}`,
      `--web.listen-address=127.0.0.1:${this.#port}`,
      `--storage.tsdb.path=${folder.path}/prometheus`,
      "--log.level=warn",
    ]);
  }

  /** Until it scrapes, which it begins to do 5 s after its start. */
  async ready(): Promise<void> {
    await this.#program.ready(async () => {
      const text = await this.#place.get(`${this.#url}/api/v1/targets?state=active`);
      if (text === null) return false;
      const { data }: Targets = JSON.parse(text);
      return data.activeTargets.length === this.#targets;
    });
  }

  /** What it has complained about so far. */
  get complaints(): string {
    return this.#program.log;
  }

  /** All samples of the series that a selector names. */
  async series(selector: string): Promise<SampledSeries[]> {
    const query = new URLSearchParams({ query: `${selector}[1h]` });
    const text = await this.#place.get(`${this.#url}/api/v1/query?${query}`);
    if (text === null) throw new Error(`Prometheus does not answer for ${selector}`);
    const { data }: Answer = JSON.parse(text);
    return data.result.map(({ metric, values }) => ({
      metric,
      samples: values.map(([at, value]): Sample => [at, Number(value)]),
    }));
  }

  /** The values that an expression has now. */
  async values(expression: string): Promise<readonly number[]> {
    const query = new URLSearchParams({ query: expression });
    const text = await this.#place.get(`${this.#url}/api/v1/query?${query}`);
    if (text === null) throw new Error(`Prometheus does not answer for ${expression}`);
    const { data }: { data: { result: { value: [number, string] }[] } } = JSON.parse(text);
    return data.result.map(({ value: [, value] }) => Number(value));
  }

  /** The alerts that are pending or firing. */
  async alerts(): Promise<readonly Alert[]> {
    const text = await this.#place.get(`${this.#url}/api/v1/alerts`);
    if (text === null) throw new Error("Prometheus does not answer for its alerts");
    return JSON.parse(text).data.alerts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program.stop();
  }

  get #url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }
}

function configuration(
  agents: readonly string[],
  probed: readonly string[],
  rules: readonly string[],
): unknown {
  return {
    global: { scrape_interval: "1s", scrape_timeout: "900ms", evaluation_interval: "1s" },
    rule_files: rules,
    scrape_configs: [
      // The alerts go by the name of the job.
      {
        job_name: rules.length === 0 ? "agent" : "wire-probe",
        static_configs: [{ targets: agents }],
      },
      {
        job_name: "on-demand",
        metrics_path: "/probe",
        static_configs: [{ targets: probed }],
        // blackbox_exporter's README, "Prometheus Configuration".
        relabel_configs: [
          { source_labels: ["__address__"], target_label: "__param_target" },
          { source_labels: ["__param_target"], target_label: "instance" },
          { target_label: "__address__", replacement: agents[0] },
        ],
      },
    ],
  };
}

/** What `promtool check metrics` has against a page; empty when it is clean. */
export async function promtoolComplaints(page: string): Promise<string> {
  const child = new Deno.Command(programPath("promtool") ?? "promtool", {
    args: ["check", "metrics"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(page));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  return code === 0 ? said : `${said}exit code ${code}`;
}
