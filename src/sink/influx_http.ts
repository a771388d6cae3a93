/**
 * Influx line protocol in batches to InfluxDB's write API, v1 or v2, or to whatever speaks it. A
 * batch is sent until it is answered: the same points twice are one point. A batch that is refused for
 * its size or its content is sent again in parts, so that what can be stored is.
 */
import { messageOf, shown } from "../text/quote.ts";
import type { ProbeRecord } from "../domain/probe_record.ts";
import type { ReceiverState } from "../domain/receiver.ts";
import type { Target } from "../domain/target.ts";
import type { Window } from "../domain/summary.ts";
import type { RecordFormat, Step } from "../format/record_format.ts";
import { type Clock, sleepUntil } from "../time/clock.ts";
import { Backoff, type BackoffBounds, FlushTimer } from "./timers.ts";
import {
  type Batch,
  countLines,
  type Output,
  type OutputQueue,
  type QueueBounds,
} from "./output_queue.ts";
import { type Drops, type Exporter, type Trouble } from "./exporter.ts";
import { GIVEN_UP, type Post, type Reply } from "./http_post.ts";

export interface InfluxHttpBounds {
  /** How long the first line of a batch waits for others. */
  readonly flushMs: number;
  /** How long an answer may take. */
  readonly timeoutMs: number;
  readonly backoff: BackoffBounds;
}

/** What waits for the server at most: 1 MiB, some 5000 lines. */
export const INFLUX_QUEUE: QueueBounds = { batches: 16, batchBytes: 64 * 1024 };

const BOUNDS: InfluxHttpBounds = {
  flushMs: 1000,
  timeoutMs: 10_000,
  backoff: { firstMs: 1000, mostMs: 30_000 },
};

export interface InfluxHttpParts {
  readonly format: RecordFormat;
  readonly post: Post;
  readonly clock: Clock;
  /** From the outbox, with INFLUX_QUEUE. */
  readonly output: Output;
}

/** Whole lines of a batch, as a range of its bytes. */
interface Part {
  readonly from: number;
  readonly to: number;
}

/** What an answer means for the lines that were sent. `failed` is an answer of 500, `again` any other. */
type Verdict =
  | { readonly kind: "stored"; readonly lost: number; readonly why: string }
  | { readonly kind: "too_large" | "refused" | "failed" | "again"; readonly why: string };

/** Refusals for their content in a row that parts of one batch may meet: enough to find one line in 600. */
const MAX_REFUSALS = 24;
/** After this many answers of 500 to one batch, the next batch is tried first. */
const SUSPECT_TRIES = 3;

export class InfluxHttp implements Exporter {
  #format: RecordFormat;
  #post: Post;
  #clock: Clock;
  #timeoutMs: number;
  #queue: OutputQueue;
  #timer: FlushTimer;
  #backoff: Backoff;
  #trouble: Trouble;
  #refusalSaid = false;
  /** The batch that is being filled has waited long enough. */
  #due = false;
  /** Delivery while there is something to deliver; one request at a time. */
  #delivery: Promise<void> | null = null;
  #request: AbortController | null = null;
  #closed = false;
  /** The longest request: the server has refused a larger one as too large. */
  #mostBytes = Infinity;
  /** Answers of 500 to a batch, while it has had some. */
  #failures = new WeakMap<Batch, { tries: number; storedBefore: number }>();
  /** Batches that were stored so far. */
  #stored = 0;

  constructor(parts: InfluxHttpParts, bounds: Partial<InfluxHttpBounds> = {}) {
    const { flushMs, timeoutMs, backoff } = { ...BOUNDS, ...bounds };
    this.#format = parts.format;
    this.#post = parts.post;
    this.#clock = parts.clock;
    this.#timeoutMs = timeoutMs;
    this.#queue = parts.output.queue;
    this.#trouble = parts.output.trouble;
    this.#backoff = new Backoff(parts.clock, backoff);
    this.#timer = new FlushTimer(parts.clock, flushMs, () => this.#flush());
  }

  get drops(): Drops {
    return this.#queue.drops;
  }

  get dropped(): number {
    return this.#queue.dropped;
  }

  /** Lines whose fate is open: in the queue or in flight. */
  get waiting(): number {
    return this.#queue.lines;
  }

  get receiver(): ReceiverState {
    return this.#trouble.state(this.waiting, this.drops);
  }

  check(target: Target): void {
    this.#format.check?.(target);
  }

  record(record: ProbeRecord): void {
    this.#format.record?.(this.#queue.begin(), record);
    this.#commit();
  }

  window(window: Window): void {
    this.#format.window?.(this.#queue.begin(), window);
    this.#commit();
  }

  write(steps: Iterable<Step>): void {
    for (const step of steps) {
      step(this.#queue.begin());
      this.#commit();
    }
  }

  async room(): Promise<void> {
    while (!this.#queue.hasRoom && !this.#closed) {
      await sleepUntil(this.#clock, this.#clock.now() + ROOM_MS);
    }
  }

  async close(withinMs: number): Promise<void> {
    this.#timer.stop();
    this.#flush();
    const cancel = this.#clock.wakeAt(this.#clock.now() + withinMs, () => this.#giveUp());
    // An attempt that waits for its turn has no better time than now.
    this.#backoff.cut();
    await this.#delivery;
    cancel();
    this.#giveUp();
    this.#queue.dropAll();
  }

  #commit(): void {
    this.#queue.commit();
    if (this.#closed) this.#queue.dropAll();
    if (!this.#queue.open) {
      this.#due = false;
      this.#timer.emptied();
    } else if (!this.#due) this.#timer.started();
    this.#deliver();
  }

  /** The batch in hand is to go as soon as it can; until then it goes on being filled. */
  #flush(): void {
    this.#due = true;
    this.#deliver();
  }

  #deliver(): void {
    const ready = this.#queue.ready || (this.#due && this.#queue.open);
    if (ready && this.#delivery === null) this.#delivery = this.#run();
  }

  async #run(): Promise<void> {
    for (let batch = this.#next(); batch !== null; batch = this.#next()) {
      // A batch whose fate is open stays in flight, for `close()` to count.
      if (!await this.#send(batch)) return;
    }
    this.#delivery = null;
  }

  #next(): Batch | null {
    if (this.#closed) return null;
    if (this.#due && !this.#queue.ready) {
      this.#queue.seal();
      this.#due = false;
    }
    return this.#queue.take();
  }

  /** Sends a batch until its fate is known, or another is to be tried first; false when closed before. */
  async #send(batch: Batch): Promise<boolean> {
    const parts = this.#cut(batch, { from: 0, to: batch.out.length });
    const whole = parts.length;
    let refusals = MAX_REFUSALS;
    for (let part = parts.at(-1); part !== undefined; part = parts.at(-1)) {
      const verdict = await this.#attempt(batch, part);
      if (verdict.kind === "stored") {
        parts.pop();
        if (verdict.lost > 0) this.#sayRefusal(verdict.why);
        this.#settle(batch, part, verdict.lost);
        refusals = MAX_REFUSALS;
        this.#stored++;
        this.#backoff.reset();
        this.#trouble.ends(this.dropped);
        continue;
      }
      const poison = verdict.kind === "failed" && this.#isPoison(batch);
      if (verdict.kind === "refused" || verdict.kind === "too_large" || poison) {
        parts.pop();
        this.#refuse(batch, part, verdict.why, verdict.kind === "too_large" || refusals-- > 0)
          .forEach((half) => parts.push(half));
        continue;
      }
      if (!this.#closed) {
        this.#trouble.begins(`cannot write: ${verdict.why}; trying again`, this.dropped);
      }
      this.#trouble.detail(this.#closed ? GIVEN_UP : `trying again: ${verdict.why}`);
      if (!this.#closed) await this.#backoff.wait();
      if (this.#closed) return false;
      if (verdict.kind === "failed" && parts.length === whole && this.#isSuspect(batch)) {
        if (this.#queue.defer()) return true;
      }
    }
    this.#failures.delete(batch);
    this.#queue.settle();
    return true;
  }

  /** Counts a part's lines as lost, or returns its halves, which are to be sent, the first one last. */
  #refuse(batch: Batch, part: Part, why: string, again: boolean): Part[] {
    this.#sayRefusal(why);
    this.#backoff.reset();
    const lines = linesOf(batch, part);
    if (lines <= 1 || !again) {
      this.#settle(batch, part, lines);
      return [];
    }
    this.#trouble.detail(`${lines} lines refused, sending them in halves: ${why}`);
    return halves(batch, part);
  }

  #sayRefusal(why: string): void {
    if (!this.#refusalSaid) this.#trouble.say(`lines refused: ${why}`);
    this.#refusalSaid = true;
  }

  #settle(batch: Batch, part: Part, lost: number): void {
    const lines = linesOf(batch, part);
    this.#queue.settlePart(lines, Math.min(lost, lines), "refused");
  }

  /** Parts no longer than the server takes, as far as that is known, the first one last. */
  #cut(batch: Batch, part: Part): Part[] {
    if (part.to - part.from <= this.#mostBytes || linesOf(batch, part) <= 1) return [part];
    return halves(batch, part).flatMap((half) => this.#cut(batch, half));
  }

  /** An answer of 500 may be this batch's fault: then others fare better. */
  #isSuspect(batch: Batch): boolean {
    const known = this.#failures.get(batch);
    if (known === undefined || known.tries < SUSPECT_TRIES) return false;
    known.storedBefore = this.#stored;
    return true;
  }

  #isPoison(batch: Batch): boolean {
    const known = this.#failures.get(batch) ?? { tries: 0, storedBefore: Infinity };
    known.tries++;
    this.#failures.set(batch, known);
    return this.#stored > known.storedBefore;
  }

  async #attempt({ out }: Batch, { from, to }: Part): Promise<Verdict> {
    const request = new AbortController();
    this.#request = request;
    const cancel = this.#clock.wakeAt(this.#clock.now() + this.#timeoutMs, () => {
      request.abort(new Error(`no answer within ${this.#timeoutMs / 1000} s`));
    });
    try {
      const reply = await this.#post(out.bytes.subarray(from, to), request.signal);
      const verdict = verdictOf(reply);
      if (verdict.kind === "too_large") {
        this.#mostBytes = Math.min(this.#mostBytes, Math.ceil((to - from) / 2));
      }
      return verdict;
    } catch (error) {
      return { kind: "again", why: shown(messageOf(error)) };
    } finally {
      cancel();
      this.#request = null;
    }
  }

  #giveUp(): void {
    this.#closed = true;
    this.#request?.abort(new Error(GIVEN_UP));
    this.#backoff.cut();
  }
}

/** Bad lines stay bad. All other causes (no such database, wrong token, overload) may pass. */
function verdictOf({ status, message }: Reply): Verdict {
  if (status >= 200 && status < 300) return { kind: "stored", lost: 0, why: "" };
  const why = shown(`HTTP ${status} ${message}`);
  // InfluxDB stores the other points of such a batch, and says so with 400 or with 500.
  const partial = /partial write.*?(?:dropped=(\d+))?$/s.exec(message.replace(/["}\s]+$/, ""));
  if (partial !== null && (status === 400 || status >= 500)) {
    const unparsed = message.match(/unable to parse/g)?.length ?? 0;
    return { kind: "stored", lost: Math.max(Number(partial[1] ?? 0), unparsed, 1), why };
  }
  if (status === 413) return { kind: "too_large", why };
  if (status === 400 || status === 422) return { kind: "refused", why };
  return { kind: status === 500 ? "failed" : "again", why };
}

function linesOf({ out }: Batch, { from, to }: Part): number {
  return countLines(out.bytes, from, to);
}

/** Two parts of whole lines, about as long as each other, the first one last. */
function halves({ out }: Batch, { from, to }: Part): Part[] {
  const middle = from + Math.ceil((to - from) / 2);
  const before = out.bytes.lastIndexOf(NEWLINE, middle - 1);
  const at = before >= from ? before + 1 : out.bytes.indexOf(NEWLINE, middle) + 1;
  return [{ from: at, to }, { from, to: at }];
}

const NEWLINE = 10;
/** How often to look whether the queue has room. */
const ROOM_MS = 20;
