/**
 * The sockets that traces are sent by: those of each address family are opened with its first
 * target.
 */
import type { Endpoint } from "../domain/target.ts";
import { KernelScope } from "../kernel/scope.ts";
import { TcpSockets } from "../kernel/tcp_info.ts";
import { DenoConnector } from "../net/deno_connector.ts";
import { openAddressFacts } from "../net/name_server.ts";
import type { Resolver } from "../net/resolver.ts";
import { TcpProber } from "../net/tcp_prober.ts";
import type { Clock } from "../time/clock.ts";
import type { HopProber } from "../trace/hop_prober.ts";
import { Lookups } from "../trace/names.ts";
import { openHopProber } from "../trace/open_prober.ts";
import { opening } from "./checks.ts";
import { Names } from "./names.ts";
import type { CheckedTracer } from "./trace_options.ts";

/** A prober, and what it opened. */
interface Opened<T> {
  readonly prober: T;
  readonly scope: KernelScope;
}

export class TraceSockets {
  readonly clock: Clock;
  readonly resolver: Resolver;
  /** Names and origins of the addresses on the way. */
  readonly lookups: Lookups;
  #options: CheckedTracer;
  #names: Names | null = null;
  #probers = new Map<4 | 6, Opened<HopProber>>();
  #handshakes: Opened<TcpProber> | null = null;

  constructor(options: CheckedTracer, resolver: Resolver | undefined) {
    const { clock, names, origins } = options;
    this.#options = options;
    this.clock = clock;
    this.resolver = resolver ?? (this.#names = new Names(clock));
    // The look-ups themselves are a few at a time.
    const facts = openAddressFacts(null, (lookUp) => lookUp());
    this.lookups = new Lookups(facts, clock, { names, origins });
  }

  /** Throws SystemError, with the remedy, where this process may not. */
  proberFor({ family }: Endpoint): HopProber {
    const known = this.#probers.get(family);
    if (known !== undefined) return known.prober;
    const scope = new KernelScope();
    const open = () => openHopProber(this.#options, family, this.clock);
    const prober = opening(() => scope.opening(open));
    this.#probers.set(family, { prober, scope });
    return prober;
  }

  /** Makes the handshake that tells of a silent end. */
  get handshakes(): TcpProber {
    if (this.#handshakes === null) {
      const scope = new KernelScope();
      const { timeoutMs } = this.#options;
      const prober = scope.opening(() => {
        const connector = new DenoConnector(TcpSockets.open(), "rst");
        return new TcpProber(connector, this.clock, timeoutMs, "auto");
      });
      this.#handshakes = { prober, scope };
    }
    return this.#handshakes.prober;
  }

  /** Frees everything. */
  async close(): Promise<void> {
    this.lookups.stop();
    this.#names?.stop();
    for (const { prober } of this.#probers.values()) prober.close();
    this.#handshakes?.prober.stop();
    for (const { scope } of this.#probers.values()) await scope.close();
    await this.#handshakes?.scope.close();
    this.#probers.clear();
    this.#handshakes = null;
  }
}
