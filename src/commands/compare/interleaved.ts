/** The diagnostics of a comparison interleaved: a loop for each, on one schedule and one clock. */
import type {
  Comparison,
  ComparisonSchedule,
  Extra,
  LiveFigures,
} from "../../domain/comparison.ts";
import type { ProbeRecord } from "../../domain/probe_record.ts";
import type { Summary } from "../../domain/summary.ts";
import type { Target } from "../../domain/target.ts";
import type { Prober } from "../../net/prober.ts";
import type { Family, Resolver } from "../../net/resolver.ts";
import type { Clock } from "../../time/clock.ts";
import type { ScheduledTarget } from "../../run/scheduled_target.ts";
import type { LoopPorts } from "../../run/loop_options.ts";
import { ProbeLoop } from "../../run/probe_loop.ts";
import { Samples } from "./samples.ts";
import { decide } from "./decision/conclusion.ts";
import type { Measured } from "./decision/sides.ts";

/** Places in an interval, one a diagnostic, whether or not a diagnostic is left out. */
const DIAGNOSTICS = 3;
/** Probes under way at once, of each diagnostic; more wait, which shows as lag. */
const MAX_IN_FLIGHT = 256;
/** No name is resolved again while it is compared. */
const NEVER = Number.MAX_SAFE_INTEGER;

/** One way of probing each, null where it is left out. */
export interface Diagnostics extends Readonly<Record<Extra, Prober | null>> {
  readonly handshake: Prober;
}

export interface InterleavedOptions extends ComparisonSchedule {
  readonly family: Family;
}

/** What a comparison needs of the world. */
export interface InterleavedPorts {
  readonly clock: Clock;
  readonly resolver: Resolver;
  readonly diagnostics: Diagnostics;
  /** Called with each handshake whose fate is known; the record is reused afterwards. */
  onHandshake(record: ProbeRecord): void;
  /** Something worth a line on stderr. */
  onNotice(text: string): void;
}

/** A comparison without the reasons for what was left out: those are known where the diagnostics are opened. */
export type Result = Omit<Comparison, "leftOut">;

export class Interleaved {
  #schedule: ComparisonSchedule;
  #handshake: DiagnosticLoop;
  #ping: DiagnosticLoop | null;
  #knock: DiagnosticLoop | null;

  constructor(options: InterleavedOptions, ports: InterleavedPorts) {
    const { count, intervalMs, burst } = options;
    const { diagnostics: { handshake, ping, knock }, onHandshake, onNotice } = ports;
    this.#schedule = { count, intervalMs, burst };
    const same = { ...ports, resolver: new CachingResolver(ports.resolver) };
    // The other loops fail to resolve a name for the reason that was told before.
    const quiet = { ...same, onRecord: () => {}, onNotice: () => {} };
    const extra = (prober: Prober | null, place: number) =>
      prober === null
        ? null
        : new DiagnosticLoop({ ...options, burst: 1 }, place, { ...quiet, prober });
    // The handshakes come first, before other probes have set up the flows that should be cold.
    const loud = { ...same, onRecord: onHandshake, onNotice };
    this.#handshake = new DiagnosticLoop(options, 0, { ...loud, prober: handshake });
    this.#ping = extra(ping, 1);
    this.#knock = extra(knock, 2);
  }

  /** The targets' places, for their statistics by handshakes. */
  get entries(): readonly ScheduledTarget[] {
    return this.#handshake.loop.entries;
  }

  /** Whether there is anything to probe. */
  get resolved(): boolean {
    return this.entries.some(({ endpoint }) => endpoint !== undefined);
  }

  /** Resolves the targets' names; call before `run`. */
  async prepare(targets: readonly Target[]): Promise<void> {
    for (const { loop } of this.#loops()) await loop.prepare(targets);
  }

  /** Probes until every slot is over, or `stop` is called. */
  async run(): Promise<void> {
    await Promise.all(this.#loops().map(({ loop }) => loop.run()));
  }

  /** Ends at once; probes whose fate is not known yet are not counted. */
  stop(): void {
    for (const { loop } of this.#loops()) loop.stop();
  }

  /** The results so far, one a target; `liveOf` tells of the target's live connections. */
  results(liveOf: (target: Target) => LiveFigures | null): Result[] {
    return this.entries.map(({ target, endpoint }) => {
      const { summary, cold, steady } = this.#handshake.of(target);
      const address = endpoint?.address ?? "";
      const [ping, knock] = [this.#ping, this.#knock].map((diagnostic) =>
        diagnostic === null || address === "" ? null : diagnostic.of(target)
      );
      const measured: Measured = {
        cold,
        steady,
        ping: ping?.steady ?? null,
        knock: knock?.steady ?? null,
        live: address === "" ? null : liveOf(target),
      };
      const { sides, findings, conclusion } = decide(measured);
      return {
        target,
        address,
        schedule: this.#schedule,
        handshake: summary,
        ping: ping?.summary ?? null,
        knock: knock?.summary ?? null,
        live: measured.live,
        sides,
        findings: address === "" ? [] : findings,
        conclusion: address === "" ? null : conclusion,
      };
    });
  }

  #loops(): DiagnosticLoop[] {
    return [this.#handshake, this.#ping, this.#knock].filter((diagnostic) => diagnostic !== null);
  }
}

/** Each name is asked for once: all diagnostics have to mean the same address. */
class CachingResolver implements Resolver {
  #resolver: Resolver;
  #answers = new Map<string, Promise<string[]>>();

  constructor(resolver: Resolver) {
    this.#resolver = resolver;
  }

  resolve(host: string, family: Family): Promise<string[]> {
    const answer = this.#answers.get(host) ?? this.#resolver.resolve(host, family);
    this.#answers.set(host, answer);
    return answer;
  }
}

interface DiagnosticPorts extends Pick<LoopPorts, "clock" | "prober" | "resolver" | "onNotice"> {
  onRecord(record: ProbeRecord): void;
}

/** One diagnostic's loop, and what it found of each target. */
class DiagnosticLoop {
  readonly loop: ProbeLoop;
  #slots: number;
  #steadyPerSlot: number;
  #samples = new Map<Target, { readonly cold: Samples; readonly steady: Samples }>();

  constructor(
    { count, intervalMs, burst, family }: InterleavedOptions,
    place: number,
    ports: DiagnosticPorts,
  ) {
    this.#slots = count;
    this.#steadyPerSlot = Math.max(1, burst - 1);
    const offsetMs = intervalMs * place / DIAGNOSTICS;
    const onRecord = (record: ProbeRecord) => {
      const { cold, steady } = this.#samplesOf(record.target);
      // The first of single probes is a sample as good as the others.
      (burst > 1 && record.cold ? cold : steady).add(record);
      ports.onRecord(record);
    };
    this.loop = new ProbeLoop({
      count: count * burst,
      // Handshakes that time out one after the other add no slots at the end.
      durationMs: offsetMs + count * intervalMs,
      intervalMs,
      offsetMs,
      burst,
      family,
      resolveAfter: NEVER,
      resolveEveryMs: null,
      maxInFlight: MAX_IN_FLIGHT,
      idle: false,
    }, { ...ports, onRecord, onSkip: () => {} });
  }

  /** A target's figures. Throws RangeError for a target that was never prepared. */
  of(target: Target): { summary: Summary; cold: Samples; steady: Samples } {
    const entry = this.loop.entries.find((entry) => entry.target === target);
    if (entry === undefined) throw new RangeError(`${target.name} is not compared`);
    return { summary: entry.stats.summary(0), ...this.#samplesOf(target) };
  }

  #samplesOf(target: Target): { readonly cold: Samples; readonly steady: Samples } {
    const found = this.#samples.get(target) ??
      { cold: new Samples(this.#slots), steady: new Samples(this.#slots, this.#steadyPerSlot) };
    this.#samples.set(target, found);
    return found;
  }
}
