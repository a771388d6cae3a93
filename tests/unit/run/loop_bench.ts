/** A probe loop on the fake clock and network, with what it reported. */
import type { LoopOptions } from "../../../src/run/loop_options.ts";
import { ProbeLoop } from "../../../src/run/probe_loop.ts";
import type { ProbeRecord } from "../../../src/domain/probe_record.ts";
import type { Summary } from "../../../src/domain/summary.ts";
import type { Target } from "../../../src/domain/target.ts";
import { FakeClock } from "../fake_clock.ts";
import { FakeProber, FakeResolver, type Fate, type Sent } from "../fake_network.ts";
import { target } from "../fixtures.ts";

export const LOOP_DEFAULTS: LoopOptions = {
  count: null,
  durationMs: null,
  intervalMs: 1000,
  burst: 1,
  family: 0,
  resolveAfter: 5,
  resolveEveryMs: null,
  maxInFlight: 1000,
  idle: false,
};

export class LoopBench {
  readonly clock = new FakeClock(0);
  readonly resolver = new FakeResolver(this.clock);
  readonly prober: FakeProber;
  readonly loop: ProbeLoop;
  /** Copies: the loop uses its records again. */
  readonly records: ProbeRecord[] = [];
  readonly notices: string[] = [];
  readonly details: string[] = [];
  /** Probes reported as skipped, by target. */
  readonly skipped = new Map<string, number>();
  finishedMs = -1;
  /** Called after each record. */
  afterRecord: () => void = () => {};

  constructor(
    options: Partial<LoopOptions> = {},
    fateOf: (sent: Sent) => Fate = () => ({ afterMs: 1 }),
  ) {
    this.prober = new FakeProber(this.clock, fateOf);
    this.loop = new ProbeLoop({ ...LOOP_DEFAULTS, ...options }, {
      clock: this.clock,
      prober: this.prober,
      resolver: this.resolver,
      onRecord: (record) => {
        this.records.push({ ...record });
        this.afterRecord();
      },
      onSkip: (of, probes) => {
        this.skipped.set(of.name, (this.skipped.get(of.name) ?? 0) + probes);
      },
      onNotice: (text) => this.notices.push(text),
      onDetail: (text) => this.details.push(text),
      lookUpPauseMs: () => 1500,
    });
  }

  /** Prepares, then runs without waiting for the end; moments count from here. */
  async start(...targets: readonly Target[]): Promise<void> {
    const prepared = this.loop.prepare(targets);
    await this.clock.advance(0);
    await prepared;
    this.loop.run().then(() => this.finishedMs = this.clock.now());
  }

  get finished(): boolean {
    return this.finishedMs >= 0;
  }

  summaryOf(name: string): Summary {
    const entry = this.loop.entries.find((each) => each.target.name === name);
    if (entry === undefined) throw new Error(`no entry ${name}`);
    return entry.stats.summary(0);
  }
}

/** Targets with literal addresses that differ. */
export function literals(...names: readonly string[]): Target[] {
  return names.map((name, i) => target(name, { host: `192.0.2.${i + 1}` }));
}

/** A target whose host is a name for the resolver. */
export function byName(name: string): Target {
  return target(name, { host: `${name}.example` });
}

export const LOST: Fate = { afterMs: 900, outcome: "timeout" };
