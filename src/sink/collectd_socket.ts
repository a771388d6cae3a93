/**
 * PUTVAL lines to collectd's unixsock plugin. A line says "now", so it is sent soon or dropped:
 * without a connection at once, beyond what collectd has not answered after a short wait.
 */
import { messageOf, shown } from "../text/quote.ts";
import type { ProbeRecord } from "../domain/probe_record.ts";
import type { ReceiverState } from "../domain/receiver.ts";
import type { Target } from "../domain/target.ts";
import type { Window } from "../domain/summary.ts";
import type { RecordFormat, Step } from "../format/record_format.ts";
import { type Clock, sleepUntil } from "../time/clock.ts";
import { Backoff } from "./timers.ts";
import { Conversation, type LineStream } from "./collectd_conversation.ts";
import { type Drops, type Exporter, type Notice, Trouble } from "./exporter.ts";
import { WaitingLines } from "./waiting_lines.ts";

/** What waits while collectd answers: fewer than it may leave unanswered, so both overlap. */
const WAITING = {
  lines: 128,
  bytes: 16 * 1024,
  /** collectd reads into 1024 bytes, its terminating zero among them. */
  lineBytes: 1023,
  waitMs: 1000,
} as const;
/** The lines that some windows make together, and how often to look whether they fit. */
const ROOM_LINES = 64;
const ROOM_MS = 10;
const RECONNECT = { firstMs: 100, mostMs: 5000 } as const;

export interface CollectdSocketParts {
  readonly format: RecordFormat;
  readonly connect: () => Promise<LineStream>;
  readonly clock: Clock;
  readonly notice: Notice;
}

/** Connects to a unix socket; needs to read and to write its path. */
export function unixStream(path: string): () => Promise<LineStream> {
  return () => Deno.connect({ transport: "unix", path });
}

/**
 * `dropped` holds the lines that collectd refused and those whose answer never came: when a
 * connection breaks, lines that it took but had not answered are among them.
 */
export class CollectdSocket implements Exporter {
  #format: RecordFormat;
  #connect: () => Promise<LineStream>;
  #clock: Clock;
  #trouble: Trouble;
  #backoff: Backoff;
  #waiting = new WaitingLines(WAITING);
  #conversation: Conversation | null = null;
  #refusalSaid = false;
  #closed = false;
  #onIdle: (() => void) | null = null;
  /** Resolves when the first attempt to connect has ended, well or not. */
  readonly started: Promise<void>;

  /** `where` is the socket as notices name it. */
  constructor(where: string, { format, connect, clock, notice }: CollectdSocketParts) {
    this.#format = format;
    this.#connect = connect;
    this.#clock = clock;
    this.#trouble = new Trouble(where, notice);
    this.#backoff = new Backoff(clock, RECONNECT);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.started = promise;
    this.#run(resolve);
  }

  get dropped(): number {
    return this.drops.total;
  }

  get drops(): Drops {
    return this.#waiting.drops;
  }

  /** Lines whose fate is open: waiting, or sent and not answered. */
  get waiting(): number {
    return this.#waiting.lines + (this.#conversation?.unanswered ?? 0);
  }

  get receiver(): ReceiverState {
    return this.#trouble.state(this.waiting, this.drops);
  }

  check(target: Target): void {
    this.#format.check?.(target);
  }

  record(record: ProbeRecord): void {
    this.#format.record?.(this.#waiting.begin(this.#clock.now()), record);
    this.#commit();
  }

  window(window: Window): void {
    this.#format.window?.(this.#waiting.begin(this.#clock.now()), window);
    this.#commit();
  }

  write(steps: Iterable<Step>): void {
    for (const step of steps) {
      step(this.#waiting.begin(this.#clock.now()));
      this.#commit();
    }
  }

  async room(): Promise<void> {
    while (this.#conversation !== null && !this.#waiting.hasRoomFor(ROOM_LINES)) {
      await sleepUntil(this.#clock, this.#clock.now() + ROOM_MS);
    }
  }

  async close(withinMs: number): Promise<void> {
    this.#closed = true;
    this.#backoff.cut();
    const conversation = this.#conversation;
    if (conversation === null) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#clock.wakeAt(this.#clock.now() + withinMs, resolve);
    this.#onIdle = resolve;
    if (this.waiting > 0) await Promise.race([promise, conversation.ended]);
    cancel();
    conversation.close("given up");
    this.#over(conversation);
  }

  #commit(): void {
    this.#waiting.commit();
    if (this.#conversation === null) this.#waiting.drop("unsent");
    else this.#conversation.pump();
  }

  async #run(started: () => void): Promise<void> {
    while (!this.#closed) {
      const stream = await this.#attempt();
      if (stream !== null && !this.#closed) {
        const conversation = new Conversation(stream, {
          waiting: this.#waiting,
          clock: this.#clock,
          onAnswer: this.#onAnswer,
        });
        this.#conversation = conversation;
        started();
        const why = await conversation.ended;
        if (!this.#closed) this.#trouble.begins(`connection lost: ${why}`, this.dropped);
        this.#over(conversation);
        await conversation.written();
      } else stream?.close();
      started();
      if (!this.#closed) await this.#backoff.wait();
    }
  }

  async #attempt(): Promise<LineStream | null> {
    try {
      return await this.#connect();
    } catch (error) {
      const why = `cannot connect: ${shown(messageOf(error))}; trying again`;
      if (!this.#closed) this.#trouble.begins(why, this.dropped);
      return null;
    }
  }

  /** What was under way on this connection is lost. */
  #over(conversation: Conversation): void {
    if (this.#conversation !== conversation) return;
    this.#conversation = null;
    this.drops.add(conversation.unanswered, "unsent");
    this.#waiting.drop("unsent");
  }

  #onAnswer = (refusal: string | null): void => {
    this.#backoff.reset();
    this.#trouble.ends(this.dropped);
    if (refusal !== null) {
      this.drops.add(1, "refused");
      if (!this.#refusalSaid) this.#trouble.say(`a line was refused: ${refusal}`);
      this.#refusalSaid = true;
    }
    if (this.waiting === 0) this.#onIdle?.();
  };
}
