/** A network by script: connector, prober and resolver on the fake clock. */
import type { Outcome } from "../../src/domain/outcome.ts";
import type { ProbeRecord, RttSource } from "../../src/domain/probe_record.ts";
import type { Endpoint } from "../../src/domain/target.ts";
import type { Attempt, Connection, Connector, HandshakeSample } from "../../src/net/connector.ts";
import type { Prober } from "../../src/net/prober.ts";
import type { Family, Resolver } from "../../src/net/resolver.ts";
import type { Cancel, Clock } from "../../src/time/clock.ts";

/** An error as the system gives it. */
export function systemError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

/** What becomes of one connect: established, failed, or (without `afterMs`) nothing at all. */
export interface ConnectPlan {
  readonly afterMs?: number;
  readonly sample?: HandshakeSample;
  readonly error?: unknown;
  /** What the kernel holds though nothing was told. */
  readonly unread?: HandshakeSample;
  /** `cancel()` comes too late: the connection is established all the same. */
  readonly ignoresCancel?: boolean;
}

export class FakeConnector implements Connector {
  plan: ConnectPlan;
  started = 0;
  cancelled = 0;
  opened = 0;
  closed = 0;
  #clock: Clock;

  constructor(clock: Clock, plan: ConnectPlan) {
    this.#clock = clock;
    this.plan = plan;
  }

  connect(_endpoint: Endpoint): Attempt {
    this.started++;
    const { plan } = this;
    const { promise, resolve, reject } = Promise.withResolvers<Connection>();
    let wake: Cancel = () => {};
    if (plan.afterMs !== undefined) {
      wake = this.#clock.wakeAt(this.#clock.now() + plan.afterMs, () => {
        if (plan.error !== undefined) reject(plan.error);
        else resolve(this.#open(plan.sample ?? { rttUs: -1, synRetransmits: -1 }));
      });
    }
    const cancel = () => {
      this.cancelled++;
      if (plan.ignoresCancel === true) return;
      wake();
      reject(new DOMException("cancelled", "AbortError"));
    };
    const answered = (out: HandshakeSample) => {
      Object.assign(out, plan.unread);
      return plan.unread !== undefined;
    };
    return { connection: promise, answered, cancel };
  }

  #open(sample: HandshakeSample): Connection {
    this.opened++;
    return {
      sample: (out) => Object.assign(out, sample),
      close: () => {
        this.closed++;
      },
    };
  }
}

/** What becomes of one probe. */
export interface Fate {
  readonly afterMs: number;
  readonly outcome?: Outcome;
  readonly rttUs?: number;
  readonly rttSource?: RttSource;
}

export interface Sent {
  readonly atMs: number;
  readonly target: string;
  readonly address: string;
  readonly seq: number;
  readonly cold: boolean;
}

export class FakeProber implements Prober {
  readonly sent: Sent[] = [];
  stopped = false;
  #clock: Clock;
  #fateOf: (sent: Sent) => Fate;
  #wakes = new Set<Cancel>();

  constructor(clock: Clock, fateOf: (sent: Sent) => Fate) {
    this.#clock = clock;
    this.#fateOf = fateOf;
  }

  probe(endpoint: Endpoint, record: ProbeRecord): Promise<void> {
    const sent: Sent = {
      atMs: this.#clock.now(),
      target: record.target.name,
      address: endpoint.address,
      seq: record.seq,
      cold: record.cold,
    };
    this.sent.push(sent);
    const fate = this.#fateOf(sent);
    return new Promise((resolve) => {
      const cancel = this.#clock.wakeAt(sent.atMs + fate.afterMs, () => {
        this.#wakes.delete(cancel);
        record.outcome = fate.outcome ?? "established";
        if (record.outcome === "established") {
          record.connectUs = Math.round(fate.afterMs * 1000);
          record.rttUs = fate.rttUs ?? record.connectUs;
          record.rttSource = fate.rttSource ?? "kernel";
        }
        resolve();
      });
      this.#wakes.add(cancel);
    });
  }

  stop(): void {
    this.stopped = true;
    for (const cancel of this.#wakes) cancel();
  }

  /** When the probes of a target were sent. */
  timesOf(target: string): number[] {
    return this.sent.filter((sent) => sent.target === target).map((sent) => sent.atMs);
  }
}

/** Answers from a table that tests change as they go; a text is an error's message. */
export class FakeResolver implements Resolver {
  readonly asked: string[] = [];
  delayMs = 0;
  #clock: Clock;
  #answers: Map<string, readonly string[] | string>;

  constructor(clock: Clock, answers: Record<string, readonly string[] | string> = {}) {
    this.#clock = clock;
    this.#answers = new Map(Object.entries(answers));
  }

  answer(host: string, answer: readonly string[] | string): void {
    this.#answers.set(host, answer);
  }

  async resolve(host: string, _family: Family): Promise<string[]> {
    this.asked.push(host);
    if (this.delayMs > 0) {
      const atMs = this.#clock.now() + this.delayMs;
      await new Promise<void>((resolve) => this.#clock.wakeAt(atMs, resolve));
    }
    const answer = this.#answers.get(host) ?? "name not known";
    if (typeof answer === "string") throw new Error(answer);
    return [...answer];
  }
}
