/** Many deadlines of the same span behind one timer, in a linked list by time. */
import type { Cancel, Clock } from "./clock.ts";

/**
 * When this process was not scheduled for a while, a deadline may have passed although the reply
 * arrived in time and waits to be read. Replies get this long to be read before the deadline counts.
 */
export const GRACE_MS = 2;

/** A place in the list; may be set again once it has expired or was cleared. */
export class Deadline<T> {
  /** What the deadline is for. */
  readonly value: T;
  atMs = 0;
  previous: Deadline<T> | null = null;
  next: Deadline<T> | null = null;
  set = false;

  constructor(value: T) {
    this.value = value;
  }
}

export class Deadlines<T> {
  #clock: Clock;
  #spanMs: number;
  #expired: (value: T) => void;
  #head: Deadline<T> | null = null;
  #tail: Deadline<T> | null = null;
  #timer: Cancel | null = null;
  #graceGiven = false;
  /** The callbacks of expired deadlines may set further ones, which the wake-up arms at its end. */
  #waking = false;

  constructor(clock: Clock, spanMs: number, expired: (value: T) => void) {
    this.#clock = clock;
    this.#spanMs = spanMs;
    this.#expired = expired;
  }

  /** `expired` is called once, the span after `fromMs`, unless it is cleared before. */
  set(fromMs: number, value: T): Deadline<T> {
    const deadline = new Deadline(value);
    this.start(fromMs, deadline);
    return deadline;
  }

  /** The same for a deadline object that its owner keeps. It must not be set already. */
  start(fromMs: number, deadline: Deadline<T>): void {
    const tail = this.#tail;
    deadline.atMs = fromMs + this.#spanMs;
    deadline.set = true;
    deadline.previous = tail;
    if (tail === null) this.#head = deadline;
    else tail.next = deadline;
    this.#tail = deadline;
    if (this.#timer === null && !this.#waking) this.#arm(deadline.atMs);
  }

  /** Takes a deadline back; harmless when it has expired. */
  clear(deadline: Deadline<T>): void {
    if (!deadline.set) return;
    deadline.set = false;
    if (deadline.previous === null) this.#head = deadline.next;
    else deadline.previous.next = deadline.next;
    if (deadline.next === null) this.#tail = deadline.previous;
    else deadline.next.previous = deadline.previous;
    // A cleared deadline that is not collected yet would keep all later ones alive.
    deadline.previous = deadline.next = null;
  }

  /** Takes back all deadlines, and the timer behind them; returns what waited. */
  stop(): T[] {
    this.#timer?.();
    this.#timer = null;
    const waited: T[] = [];
    while (this.#head !== null) {
      waited.push(this.#head.value);
      this.clear(this.#head);
    }
    return waited;
  }

  #arm(atMs: number): void {
    this.#timer = this.#clock.wakeAt(atMs + GRACE_MS, () => this.#wake());
  }

  #wake(): void {
    this.#timer = null;
    const now = this.#clock.now();
    // After a stall the timer runs before the sockets are read. One more turn lets them be read first.
    const stalled = this.#head !== null && now - this.#head.atMs > 2 * GRACE_MS;
    if (stalled && !this.#graceGiven) {
      this.#graceGiven = true;
      this.#timer = this.#clock.wakeAt(now + GRACE_MS, () => this.#wake());
      return;
    }
    this.#graceGiven = false;
    this.#waking = true;
    while (this.#head !== null && this.#head.atMs <= now - GRACE_MS) {
      const expired = this.#head;
      this.clear(expired);
      this.#expired(expired.value);
    }
    this.#waking = false;
    if (this.#head !== null && this.#timer === null) this.#arm(this.#head.atMs);
  }
}
