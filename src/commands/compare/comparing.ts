/** What `compare` and a question without a command share: the diagnostics opened, run and added up. */
import type { Comparison, Extra, LiveFigures } from "../../domain/comparison.ts";
import { SystemError } from "../../domain/exit.ts";
import type { ProbeRecord } from "../../domain/probe_record.ts";
import type { Endpoint, Target } from "../../domain/target.ts";
import type { SockDiag } from "../../kernel/sock_diag.ts";
import { TcpSockets } from "../../kernel/tcp_info.ts";
import { DEFAULT_ECHO_BYTES } from "../../domain/limits.ts";
import { openKnockProber } from "../../net/knock_prober.ts";
import { openPingProber } from "../../net/ping_prober.ts";
import type { Prober } from "../../net/prober.ts";
import type { Family, Resolver } from "../../net/resolver.ts";
import { TcpProber } from "../../net/tcp_prober.ts";
import { say } from "../../run/outbox.ts";
import type { ScheduledTarget } from "../../run/scheduled_target.ts";
import { messageOf } from "../../text/quote.ts";
import { systemClock } from "../../time/clock.ts";
import { NO_KERNEL_FIGURES } from "../../net/connector_choice.ts";
import { connectorFor } from "../../net/open_connector.ts";
import { type Diagnostics, Interleaved } from "./interleaved.ts";
import { LiveWatch, openLiveSource } from "./live_watch.ts";

/** What is compared, checked and typed. */
export interface ComparingOptions {
  readonly targets: readonly Target[];
  /** Number of slots; each slot has one turn of every diagnostic. */
  readonly count: number;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Handshakes in a row in each slot, the first of them cold. */
  readonly burst: number;
  readonly family: Family;
  /** The address to send from, or null for the kernel's choice. */
  readonly source: Endpoint | null;
}

/** What it needs beside its options. */
export interface ComparingPorts {
  readonly resolver: Resolver;
  /** Called with each handshake whose fate is known; the record is reused afterwards. */
  onHandshake(record: ProbeRecord): void;
}

type LeftOut = Partial<Record<Extra, string>>;

export class Comparing {
  readonly diagnostics: Diagnostics;
  /** Why the others could not be opened. */
  readonly leftOut: Readonly<LeftOut>;
  #targets: readonly Target[];
  #run: Interleaved;
  #sources: SockDiag[];
  #live = new Map<Target, LiveWatch>();
  #isStopped = false;

  /** Opens all that wants rights, which may be given up afterwards. */
  constructor(options: ComparingOptions, { resolver, onHandshake }: ComparingPorts) {
    const { diagnostics, leftOut } = openDiagnostics(options);
    this.diagnostics = diagnostics;
    this.leftOut = leftOut;
    this.#targets = options.targets;
    this.#run = new Interleaved(options, {
      clock: systemClock,
      resolver,
      diagnostics,
      onHandshake,
      onNotice: say,
    });
    this.#sources = options.targets.flatMap(() => openLiveSource() ?? []);
  }

  /** The targets' places, for their statistics by handshakes. */
  get entries(): readonly ScheduledTarget[] {
    return this.#run.entries;
  }

  /** Resolves the names; whether there is anything to probe. */
  async prepare(): Promise<boolean> {
    await this.#run.prepare(this.#targets);
    return this.#run.resolved;
  }

  /** Probes until every slot is over, or `stop` is called. */
  async run(): Promise<void> {
    for (const { target, endpoint } of this.entries) {
      const source = endpoint === undefined ? undefined : this.#sources.pop();
      if (endpoint === undefined || source === undefined) continue;
      const watch = new LiveWatch(endpoint, source, systemClock);
      this.#live.set(target, watch);
      await watch.start();
    }
    if (!this.#isStopped) await this.#run.run();
    await this.close();
  }

  /** Ends at once, also before it has begun. */
  stop(): void {
    this.#isStopped = true;
    this.#run.stop();
  }

  /** Ends the readings of live connections. */
  async close(): Promise<void> {
    await Promise.all([...this.#live.values()].map((watch) => watch.stop()));
    for (const source of this.#sources.splice(0)) source.close();
  }

  /** The results so far, one a target. */
  results(): Comparison[] {
    const liveOf = (target: Target): LiveFigures | null =>
      this.#live.get(target)?.figures.get() ?? null;
    return this.#run.results(liveOf).map((result) => ({ ...result, leftOut: this.leftOut }));
  }
}

/** Opens the diagnostics. Handshakes are possible everywhere; the others are tried. */
function openDiagnostics(
  { timeoutMs, source }: ComparingOptions,
): { diagnostics: Diagnostics; leftOut: LeftOut } {
  const sockets = TcpSockets.open();
  if (sockets === null) {
    say(`${NO_KERNEL_FIGURES}: delays are the clock's`);
  }
  const connector = connectorFor(
    { source, device: null, close: "fin", rate: 0, even: false },
    sockets,
  );
  const leftOut: LeftOut = {};
  const tried = (name: Extra, open: () => Prober): Prober | null => {
    try {
      return open();
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      leftOut[name] = messageOf(error);
      return null;
    }
  };
  const options = { timeoutMs, source, clock: "auto" } as const;
  const echo = { ...options, payloadBytes: DEFAULT_ECHO_BYTES, ttl: null };
  const diagnostics = {
    handshake: new TcpProber(connector, systemClock, timeoutMs, options.clock),
    ping: tried("ping", () => openPingProber(echo, systemClock)),
    knock: tried("knock", () => openKnockProber(options, systemClock)),
  };
  return { diagnostics, leftOut };
}
