/** The prober under endurance: its results are read as they come and compared with the truth. */
import { BINARY } from "../../release/build.ts";
import { kill, sleep } from "../child.ts";

/** The cable's round trip is some µs and all disturbances last for seconds: no RTT lies between. */
const MAX_RTT_MS = 500;
const POLL_MS = 50;

/** Fields of wire-probe.probe.v1 that are looked at. */
interface Probe {
  readonly time: string;
  readonly outcome: string;
  readonly rtt_ms: number | null;
  readonly rtt_source: string | null;
  readonly syn_retransmits: number | null;
  readonly lag_ms: number;
}

/** What was seen during one phase. */
export interface Seen {
  probes: number;
  established: number;
  lost: number;
  errors: number;
  readonly lagsMs: number[];
}

function nothing(): Seen {
  return { probes: 0, established: 0, lost: 0, errors: 0, lagsMs: [] };
}

export class Prober implements AsyncDisposable {
  /** Of the phase under way. */
  seen = nothing();
  /** How many probes left this machine. */
  sent = 0;
  maxKernelRttMs = 0;
  /** False figures: a sentence each, few of them kept. */
  readonly falseFigures = new Set<string>();
  lastTimeMs = 0;
  alive = true;
  summary:
    | { readonly sent: number; readonly waiting: number; readonly skipped: number }
    | null = null;
  #child: Deno.ChildProcess;
  #read: Promise<void>;

  constructor(args: readonly string[], env: Record<string, string>) {
    this.#child = new Deno.Command(BINARY, {
      args: ["probe", "--output", "json", ...args],
      env,
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#child.status.then(() => this.alive = false);
    this.#read = this.#readResults();
  }

  get pid(): number {
    return this.#child.pid;
  }

  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** Starts a phase; the result is what was seen in the one before. */
  phase(): Seen {
    const before = this.seen;
    this.seen = nothing();
    return before;
  }

  /** Waits until so many further handshakes are established; false when they are not in time. */
  async established(count: number, withinMs: number): Promise<boolean> {
    const { seen } = this;
    const wanted = seen.established + count;
    const endMs = performance.now() + withinMs;
    while (seen.established < wanted && performance.now() < endMs && this.alive) {
      await sleep(POLL_MS);
    }
    return seen.established >= wanted;
  }

  /** Ends it; its exit code. */
  async stop(): Promise<number> {
    this.#child.kill("SIGTERM");
    await this.#read;
    return (await this.#child.status).code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    kill(this.#child);
    await this.#read;
    await this.#child.status;
  }

  async #readResults(): Promise<void> {
    let rest = "";
    for await (const chunk of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        const result = JSON.parse(line);
        if (result.schema === "wire-probe.summary.v1") this.summary = result;
        else this.#judge(result);
      }
    }
  }

  #judge(probe: Probe): void {
    const { seen } = this;
    if (probe.outcome !== "error") this.sent++;
    this.lastTimeMs = Date.parse(probe.time);
    seen.probes++;
    seen.lagsMs.push(probe.lag_ms);
    if (probe.outcome === "timeout" || probe.outcome === "unreachable") seen.lost++;
    else if (probe.outcome === "error") seen.errors++;
    else if (probe.outcome === "established") {
      seen.established++;
      this.#judgeRtt(probe);
    } else this.falseFigures.add(`an outcome that cannot be: ${probe.outcome}`);
  }

  #judgeRtt({ rtt_ms, rtt_source, syn_retransmits }: Probe): void {
    if (rtt_ms === null) this.falseFigures.add("established without an RTT");
    else if (rtt_source === "kernel") {
      this.maxKernelRttMs = Math.max(this.maxKernelRttMs, rtt_ms);
      if (rtt_ms > MAX_RTT_MS) this.falseFigures.add(`a kernel RTT of ${rtt_ms} ms`);
      if (syn_retransmits !== 0) this.falseFigures.add("a kernel RTT after a SYN retransmit");
    } else if (syn_retransmits === 0) {
      this.falseFigures.add("the clock's RTT where the kernel had one");
    }
  }
}
