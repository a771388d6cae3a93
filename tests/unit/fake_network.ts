/** A network by script: connector, prober and resolver on the fake clock. */
import type { Outcome } from "../../src/domain/outcome.ts";
import { NONE, type RttSource } from "../../src/domain/probe_record.ts";
import type { Endpoint } from "../../src/domain/target.ts";
import type { Connector, HandshakeObserver, HandshakeSample } from "../../src/net/connector.ts";
import type { PendingProbe, Prober } from "../../src/net/prober.ts";
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
  /** This machine refuses to send, with this error. */
  readonly notSent?: unknown;
  /** What the kernel holds though nothing was told. */
  readonly unread?: HandshakeSample;
  /** `cancel()` comes too late: the connection is established all the same. */
  readonly ignoresCancel?: boolean;
}

/** A connect that nobody was told of yet. */
interface FakeAttempt {
  readonly plan: ConnectPlan;
  readonly observer: HandshakeObserver;
  wake: Cancel;
}

export class FakeConnector implements Connector {
  readonly sendsATurn = 48;
  plan: ConnectPlan;
  started = 0;
  cancelled = 0;
  opened = 0;
  closed = 0;
  #clock: Clock;
  #attempts = new Map<number, FakeAttempt>();

  constructor(clock: Clock, plan: ConnectPlan) {
    this.#clock = clock;
    this.plan = plan;
  }

  connect(_endpoint: Endpoint, observer: HandshakeObserver): number {
    const handle = this.started++;
    const { plan } = this;
    const attempt: FakeAttempt = { plan, observer, wake: () => {} };
    this.#attempts.set(handle, attempt);
    if (plan.afterMs !== undefined) {
      attempt.wake = this.#clock.wakeAt(this.#clock.now() + plan.afterMs, () => {
        const told = this.#attempts.delete(handle);
        if (plan.notSent !== undefined && told) observer.notSent(plan.notSent);
        else if (plan.error === undefined) this.#establish(attempt, told, plan.sample);
        else if (told) observer.failed(plan.error);
      });
    }
    return handle;
  }

  poll(handle: number): boolean {
    const attempt = this.#attempts.get(handle);
    if (attempt?.plan.unread === undefined) return false;
    this.#attempts.delete(handle);
    this.#establish(attempt, true, attempt.plan.unread);
    return true;
  }

  cancel(handle: number): void {
    this.cancelled++;
    const attempt = this.#attempts.get(handle);
    this.#attempts.delete(handle);
    if (attempt?.plan.ignoresCancel !== true) attempt?.wake();
  }

  #establish({ observer }: FakeAttempt, told: boolean, sample = NO_SAMPLE): void {
    this.opened++;
    if (told) observer.established(sample);
    this.closed++;
  }
}

const NO_SAMPLE: HandshakeSample = { rttUs: NONE, synRetransmits: NONE };

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

  probe(endpoint: Endpoint, pending: PendingProbe): void {
    const { record } = pending;
    const sent: Sent = {
      atMs: this.#clock.now(),
      target: record.target.name,
      address: endpoint.address,
      seq: record.seq,
      cold: record.cold,
    };
    this.sent.push(sent);
    const fate = this.#fateOf(sent);
    const cancel = this.#clock.wakeAt(sent.atMs + fate.afterMs, () => {
      this.#wakes.delete(cancel);
      record.outcome = fate.outcome ?? "established";
      if (record.outcome === "established") {
        record.connectUs = Math.round(fate.afterMs * 1000);
        record.rttUs = fate.rttUs ?? record.connectUs;
        record.rttSource = fate.rttSource ?? "kernel";
      }
      pending.settled();
    });
    this.#wakes.add(cancel);
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
