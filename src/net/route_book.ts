/**
 * Source address and interface for packets of our own making, as the kernel would choose them for a
 * connected socket of the same flow. Kept for a moment, since a look-up costs as much as a send.
 */
import type { Endpoint } from "../domain/target.ts";
import type { Route, Routes } from "../kernel/route.ts";
import type { Clock } from "../time/clock.ts";

/**
 * How many flows are looked up to find out whether there are several next hops. Two next hops are
 * missed once in 2^15 times.
 */
const SAMPLES = 16;
const SAMPLE_PORT = 40_000;

export interface FlowRoute {
  /** 4 or 16 bytes. */
  readonly source: Uint8Array;
  /** The interface that the packet must be sent by; 0 where the kernel finds the way itself. */
  readonly interfaceIndex: number;
}

export interface RouteBookOptions {
  /** IANA's number of the protocol whose flows these are. */
  readonly protocol: number;
  /** The source that is asked for; null for the routes' choice. */
  readonly source: Endpoint | null;
  /** The interface that is asked for; 0 for the routes' choice. */
  readonly interfaceIndex: number;
  readonly tos: number;
}

/** Where the book looks routes up; `Routes`, except in tests. */
export interface RouteSource {
  lookUp: Routes["lookUp"];
}

interface Entry {
  readonly route: FlowRoute;
  readonly untilMs: number;
  /** By port and label; null where all flows take one next hop. */
  readonly byFlow: Map<number, FlowRoute> | null;
  readonly nextHopsUntilMs: number;
}

/** How long a route is believed. */
const KEPT_MS = 2000;
/** How long it is believed that a target has one next hop, or several. */
const NEXT_HOPS_KEPT_MS = 60_000;
/** More targets than this are forgotten together. */
const MAX_KEPT = 8192;

export class RouteBook {
  #routes: RouteSource;
  #clock: Clock;
  #options: RouteBookOptions;
  #entries = new Map<string, Entry>();
  #unsteerable = false;

  constructor(routes: RouteSource, clock: Clock, options: RouteBookOptions) {
    this.#routes = routes;
    this.#clock = clock;
    this.#options = options;
  }

  /**
   * Whether some target has several next hops behind one interface: then packets of our own all take
   * the first of these, and not the one that a connection would.
   */
  get isUnsteerable(): boolean {
    return this.#unsteerable;
  }

  /** The way of a flow, or the errno that a connect would give. */
  choose(to: Endpoint, sourcePort: number, flowLabel: number): FlowRoute | number {
    const now = this.#clock.now();
    let entry = this.#entries.get(to.address);
    if (entry === undefined || entry.untilMs <= now) {
      const found = this.#find(to, entry, now);
      if (typeof found === "number") return found;
      entry = found;
    }
    if (entry.byFlow === null) return entry.route;
    const key = flowLabel * 65_536 + sourcePort;
    let route = entry.byFlow.get(key);
    if (route === undefined) {
      const found = this.#ask(to, entry.route.source, sourcePort, flowLabel);
      if (typeof found === "number") return found;
      route = { source: entry.route.source, interfaceIndex: found.interfaceIndex };
      entry.byFlow.set(key, route);
    }
    return route;
  }

  /** The next choice for a target asks the kernel anew. */
  forget(to: Endpoint): void {
    this.#entries.delete(to.address);
  }

  #find(to: Endpoint, earlier: Entry | undefined, now: number): Entry | number {
    const { source, interfaceIndex } = this.#options;
    const first = this.#ask(to, source?.bytes ?? null, 0, 0);
    if (typeof first === "number") return first;
    const own = source?.bytes ?? first.source;
    const route = { source: own, interfaceIndex };
    if (this.#entries.size >= MAX_KEPT) this.#entries.clear();
    const isKnown = earlier !== undefined && earlier.nextHopsUntilMs > now;
    const several = isKnown ? earlier.byFlow !== null : this.#hasSeveral(to, own);
    const entry = {
      route,
      untilMs: now + KEPT_MS,
      byFlow: several ? new Map() : null,
      nextHopsUntilMs: isKnown ? earlier.nextHopsUntilMs : now + NEXT_HOPS_KEPT_MS,
    };
    this.#entries.set(to.address, entry);
    return entry;
  }

  /** Whether flows to a target take several next hops; notes where these share an interface. */
  #hasSeveral(to: Endpoint, source: Uint8Array): boolean {
    const gateways = new Map<number, string>();
    for (let i = 0; i < SAMPLES; i++) {
      const found = this.#ask(to, source, SAMPLE_PORT + 97 * i, to.family === 6 ? 1 + 97 * i : 0);
      if (typeof found === "number") continue;
      const earlier = gateways.get(found.interfaceIndex);
      if (earlier !== undefined && earlier !== found.gateway) this.#unsteerable = true;
      gateways.set(found.interfaceIndex, found.gateway);
    }
    return gateways.size > 1;
  }

  #ask(
    to: Endpoint,
    source: Uint8Array | null,
    sourcePort: number,
    flowLabel: number,
  ): Route | number {
    const { protocol, interfaceIndex, tos } = this.#options;
    return this.#routes.lookUp({
      to,
      source,
      interfaceIndex,
      protocol,
      sourcePort,
      flowLabel,
      tos,
    });
  }
}
