/**
 * Influx line protocol in batches to InfluxDB's write API, v1 or v2, or to whatever speaks it. A
 * batch is sent until it is answered: the same points twice are one point.
 */
import { messageOf, shown } from "../text/quote.ts";
import type { ProbeRecord } from "../domain/probe_record.ts";
import type { Target } from "../domain/target.ts";
import type { Window } from "../domain/summary.ts";
import type { RecordFormat } from "../format/record_format.ts";
import type { Clock } from "../time/clock.ts";
import { Backoff, type BackoffBounds, FlushTimer } from "./timers.ts";
import { type Batch, BatchQueue, type QueueBounds } from "./batch_queue.ts";
import { type Exporter, type Notice, Trouble } from "./exporter.ts";
import type { Post, Reply } from "./http_post.ts";

export interface InfluxHttpBounds {
  /** What waits for the server at most: 1 MiB, some 5000 lines. */
  readonly queue: QueueBounds;
  /** How long the first line of a batch waits for others. */
  readonly flushMs: number;
  /** How long an answer may take. */
  readonly timeoutMs: number;
  readonly backoff: BackoffBounds;
}

const BOUNDS: InfluxHttpBounds = {
  queue: { batches: 16, batchBytes: 64 * 1024 },
  flushMs: 1000,
  timeoutMs: 10_000,
  backoff: { firstMs: 1000, mostMs: 30_000 },
};

export interface InfluxHttpParts {
  readonly format: RecordFormat;
  readonly post: Post;
  readonly clock: Clock;
  readonly notice: Notice;
}

/** What an answer means for the batch that was sent. */
type Verdict = "stored" | "refused" | "again";

export class InfluxHttp implements Exporter {
  #format: RecordFormat;
  #post: Post;
  #clock: Clock;
  #timeoutMs: number;
  #queue: BatchQueue;
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

  /** `where` is the server as notices name it. */
  constructor(where: string, parts: InfluxHttpParts, bounds: Partial<InfluxHttpBounds> = {}) {
    const { queue, flushMs, timeoutMs, backoff } = { ...BOUNDS, ...bounds };
    this.#format = parts.format;
    this.#post = parts.post;
    this.#clock = parts.clock;
    this.#timeoutMs = timeoutMs;
    this.#queue = new BatchQueue(queue);
    this.#backoff = new Backoff(parts.clock, backoff);
    this.#trouble = new Trouble(where, parts.notice);
    this.#timer = new FlushTimer(parts.clock, flushMs, () => this.#flush());
  }

  get dropped(): number {
    return this.#queue.dropped;
  }

  /** Lines whose fate is open: in the queue or in flight. */
  get waiting(): number {
    return this.#queue.lines;
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
      while (!await this.#attempt(batch)) {
        if (!this.#closed) await this.#backoff.wait();
        // The batch stays in flight, for `close()` to count.
        if (this.#closed) return;
      }
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

  /** True when the batch's fate is known. */
  async #attempt({ out, lines }: Batch): Promise<boolean> {
    const request = new AbortController();
    this.#request = request;
    const cancel = this.#clock.wakeAt(this.#clock.now() + this.#timeoutMs, () => {
      request.abort(new Error(`no answer within ${this.#timeoutMs / 1000} s`));
    });
    try {
      return this.#judge(
        await this.#post(out.bytes.subarray(0, out.length), request.signal),
        lines,
      );
    } catch (error) {
      this.#tryAgain(shown(messageOf(error)));
      return false;
    } finally {
      cancel();
      this.#request = null;
    }
  }

  #judge(reply: Reply, lines: number): boolean {
    const verdict = verdictOf(reply.status);
    switch (verdict) {
      case "stored":
        this.#queue.settle(0);
        this.#backoff.reset();
        this.#trouble.ends(this.dropped);
        return true;
      case "refused":
        if (!this.#refusalSaid) this.#trouble.say(`lines refused: ${said(reply)}`);
        this.#refusalSaid = true;
        this.#queue.settle(refusedLines(reply.message, lines));
        this.#backoff.reset();
        return true;
      case "again":
        this.#tryAgain(said(reply));
        return false;
      default:
        return verdict satisfies never;
    }
  }

  #tryAgain(why: string): void {
    if (!this.#closed) this.#trouble.begins(`cannot write: ${why}; trying again`, this.dropped);
  }

  #giveUp(): void {
    this.#closed = true;
    this.#request?.abort(new Error("given up"));
    this.#backoff.cut();
  }
}

/** Bad lines stay bad; all else (no such database, wrong token, overload) may be mended. */
function verdictOf(status: number): Verdict {
  if (status >= 200 && status < 300) return "stored";
  return status === 400 || status === 413 || status === 422 ? "refused" : "again";
}

/** InfluxDB says of a "partial write" how many points it did not store; the others it did. */
function refusedLines(message: string, lines: number): number {
  const dropped = Number(/partial write: .*dropped=(\d+)/.exec(message)?.[1] ?? 0);
  return dropped > 0 && dropped < lines ? dropped : lines;
}

function said({ status, message }: Reply): string {
  return shown(`HTTP ${status} ${message}`);
}
