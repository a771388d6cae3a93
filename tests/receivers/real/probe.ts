/** dist/wire-probe as the tests run it: `probe --output json`, whose lines say what it did. */
import type { HostPressure } from "../../../src/domain/host_pressure.ts";
import type { Counts, ProbeFigures } from "../../wan/printed.ts";
import { untilTrue } from "./receiver.ts";

export const BINARY = new URL("../../../dist/wire-probe", import.meta.url).pathname;

/** How long a run that has been told to end may take. */
const END_MS = 60_000;
const WITH_PARENT = ["--pdeathsig", "KILL"];

/** Fields of wire-probe.probe.v1 that the tests look at. */
export interface ProbeLine extends ProbeFigures {
  readonly schema: "wire-probe.probe.v1";
  readonly time: string;
  readonly target: string;
  readonly az: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly lag_ms: number;
}

/** Counts and distributions that a window and a summary have in common. */
export interface Figures extends Counts {
  readonly target: string;
  readonly unreachable: number;
  readonly rtt_ms: Readonly<Record<string, number | null>>;
  readonly export_dropped: number;
}

export interface WindowLine extends Figures {
  readonly schema: "wire-probe.window.v1";
  readonly time: string;
  readonly pressure: HostPressure | null;
}

export interface SummaryLine extends Figures {
  readonly schema: "wire-probe.summary.v1";
  /** Sent, and their fate not known when the run ended. */
  readonly waiting: number;
}

type Line = ProbeLine | WindowLine | SummaryLine;

/** A run; what it has printed so far grows in its lists. */
export class Probe implements AsyncDisposable {
  readonly probes: ProbeLine[] = [];
  readonly windows: WindowLine[] = [];
  readonly summaries: SummaryLine[] = [];
  #child: Deno.ChildProcess;
  #stderr = "";
  #ended = false;
  #read: Promise<unknown>;
  /** Resolves when stdout is to be read again; null while it is read. */
  #paused: PromiseWithResolvers<void> | null = null;

  /** Arguments, and before them variables of its environment where a test sets some. */
  constructor(...words: (string | Readonly<Record<string, string>>)[]) {
    const args = words.filter((word) => typeof word === "string");
    const env = Object.assign({}, ...words.filter((word) => typeof word !== "string"));
    this.#child = new Deno.Command("setpriv", {
      args: [...WITH_PARENT, BINARY, "probe", "--output", "json", ...args],
      env,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#child.status.then(() => this.#ended = true);
    this.#read = Promise.all([this.#readLines(), this.#readErrors()]);
  }

  /** What it said on stderr so far. */
  get stderr(): string {
    return this.#stderr;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Probes with a result, by all summaries: what was sent and settled, and what could not be sent. */
  get made(): number {
    return this.summaries.reduce(
      (sum, { sent, waiting, not_sent }) => sum + sent - waiting + not_sent,
      0,
    );
  }

  /** Lines that it says it could not deliver; throws before its end. */
  get dropped(): number {
    return this.summaries[0].export_dropped;
  }

  /** Its resident set in bytes. */
  get residentBytes(): number {
    const status = Deno.readTextFileSync(`/proc/${this.#child.pid}/status`);
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  }

  /** Leaves its stdout unread from now on: a reader that is stopped. */
  stopReading(): void {
    this.#paused ??= Promise.withResolvers();
  }

  readOn(): void {
    this.#paused?.resolve();
    this.#paused = null;
  }

  /** Until it has ended by itself and all it printed was read. */
  async end(limitMs = END_MS): Promise<void> {
    await untilTrue(`the probe ends; it said: ${this.#stderr}`, () => this.#ended, limitMs);
    await this.#read;
  }

  /** Ends it as a shell would, summary included. */
  async stop(): Promise<void> {
    if (!this.#ended) this.#child.kill("SIGTERM");
    await this.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.readOn();
    if (!this.#ended) this.#child.kill("SIGKILL");
    await this.#child.status;
    await this.#read;
  }

  async #readLines(): Promise<void> {
    const decoder = new TextDecoder();
    let text = "";
    for await (const chunk of this.#child.stdout) {
      const lines = (text + decoder.decode(chunk, { stream: true })).split("\n");
      text = lines.pop()!;
      for (const line of lines) this.#keep(JSON.parse(line));
      if (this.#paused !== null) await this.#paused.promise;
    }
    if (text !== "") throw new Error(`a line without its end: ${text}`);
  }

  #keep(line: Line): void {
    if (line.schema === "wire-probe.probe.v1") this.probes.push(line);
    else if (line.schema === "wire-probe.window.v1") this.windows.push(line);
    // Several targets' totals count their probes once more.
    else if (line.schema === "wire-probe.summary.v1") this.summaries.push(line);
  }

  async #readErrors(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#child.stderr) {
      this.#stderr += decoder.decode(chunk, { stream: true });
    }
  }
}
