/** A prober and all that it opened, for any number of streams at the same time. */
import { DEFAULT_TIMEOUT_MS, MAX_TIMEOUT_MS } from "../domain/limits.ts";
import type { Endpoint, Target } from "../domain/target.ts";
import { aside, KernelScope } from "../kernel/scope.ts";
import type { ClockChoice, Prober } from "../net/prober.ts";
import type { Resolver } from "../net/resolver.ts";
import { type Clock, systemClock } from "../time/clock.ts";
import { opening, sourceOf, within } from "./checks.ts";
import { Names } from "./names.ts";
import {
  type OpenProber,
  type ProbeStream,
  probeStream,
  type ScheduleOptions,
} from "./probe_stream.ts";

/** What sockets are opened with. */
export interface SocketOptions {
  /** A probe that is not answered within so many milliseconds is lost: 1 to 60,000; 5000 unless given. */
  readonly timeoutMs?: number;
  /** An IP address of this machine to send from; the routes' choice unless given. */
  readonly source?: string;
  /** The interface that everything goes through, by its name; the routes' choice unless given. */
  readonly interfaceName?: string;
  /**
   * Where round trips come from. `auto`: from the kernel, else from this program's clock. `kernel`,
   * `userland`: from one of them alone.
   */
  readonly rttFrom?: ClockChoice;
  /** The clock and its timers; the machine's unless given. */
  readonly clock?: Clock;
  /** Looks names up; the system's resolver unless given. */
  readonly resolver?: Resolver;
}

/** The same, checked. */
export interface CheckedSocketOptions {
  readonly timeoutMs: number;
  readonly source: Endpoint | null;
  readonly device: string | null;
  readonly rttFrom: ClockChoice;
  readonly clock: Clock;
}

/** Throws UsageError. */
export function checkedSocketOptions(options: SocketOptions): CheckedSocketOptions {
  const { timeoutMs, source, interfaceName = null, rttFrom = "auto", clock = systemClock } =
    options;
  return {
    timeoutMs: within("timeoutMs", timeoutMs, 1, MAX_TIMEOUT_MS, DEFAULT_TIMEOUT_MS),
    source: sourceOf(source),
    device: interfaceName,
    rttFrom,
    clock,
  };
}

/** How a prober of a kind is opened. */
export interface ProberKind {
  /** Throws SystemError where this process may not, or the system cannot. */
  open(): Prober;
  /** Probes under way at once where nobody says. */
  maxInFlight(): number;
}

export class SharedProber implements OpenProber {
  readonly prober: Prober;
  readonly clock: Clock;
  readonly resolver: Resolver;
  readonly maxInFlight: number;
  #scope: KernelScope;
  #source: Endpoint | null;
  #names: Names | null = null;
  #streams = new Set<ProbeStream>();
  #isClosed = false;

  private constructor(
    prober: Prober,
    maxInFlight: number,
    scope: KernelScope,
    { clock = systemClock, resolver, source }: SocketOptions,
  ) {
    this.prober = prober;
    this.maxInFlight = maxInFlight;
    this.clock = clock;
    this.#scope = scope;
    this.#source = sourceOf(source);
    this.resolver = resolver ?? (this.#names = new Names(clock));
  }

  /** Throws what the kind throws; nothing stays open then. */
  static open(kind: ProberKind, options: SocketOptions): SharedProber {
    const scope = new KernelScope();
    const prober = opening(() => scope.opening(() => kind.open()));
    return new SharedProber(prober, aside(() => kind.maxInFlight()), scope, options);
  }

  /** A stream that ends with its own probes, or when this prober is closed. */
  stream(targets: readonly Target[], options: ScheduleOptions): ProbeStream {
    const stream = probeStream(targets, options, this.#source, () => {
      if (this.#isClosed) throw new Error("closed: open another one");
      this.#streams.add(stream);
      return { ...this.#parts(), close: () => this.#left(stream) };
    });
    return stream;
  }

  /** Ends its streams and frees everything. Harmless when done twice. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#streams].map((stream) => stream.return?.()));
    this.#names?.stop();
    this.prober.stop();
    await this.#scope.close();
  }

  #parts(): Omit<OpenProber, "close"> {
    const { prober, clock, resolver, maxInFlight } = this;
    return { prober, clock, resolver, maxInFlight };
  }

  #left(stream: ProbeStream): Promise<void> {
    this.#streams.delete(stream);
    return Promise.resolve();
  }
}
