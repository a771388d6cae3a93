/**
 * The outbox owns all that leaves this process: results on stdout, notices on stderr, the run's
 * exporters. Each output has one bounded queue (see OutputQueue). So a reader that has stopped
 * never holds up a probe, an accept, or the end of the process.
 */
import { SystemError } from "../domain/exit.ts";
import { dropsText, namedApart, type ReceiverState, receiverText } from "../domain/receiver.ts";
import { onSignal } from "../kernel/process.ts";
import { Drops, type Exporter, type Notice, Trouble } from "../sink/exporter.ts";
import { type Output, OutputQueue, type QueueBounds } from "../sink/output_queue.ts";
import { endProcess, isBrokenPipe, writeStderr, writeStdout } from "../sink/stdio.ts";
import { StreamOutput, type WriteSome } from "../sink/stream_output.ts";
import { showable } from "../text/columns.ts";
import { messageOf } from "../text/quote.ts";
import { counted } from "../text/words.ts";
import { type Cancel, type Clock, systemClock } from "../time/clock.ts";

/** How many notices wait for a slow reader of stderr: 128 KiB. */
const STDERR_BOUNDS: QueueBounds = { batches: 4, batchBytes: 32 * 1024 };
/** The exit code of a process that a second signal ends, as a shell has it: 128 + SIGINT. */
const INTERRUPTED = 130;

export interface OutboxPorts {
  readonly clock: Clock;
  readonly stdout: WriteSome;
  readonly stderr: WriteSome;
  /** Calls back on each arrival of the signal. */
  onSignal(name: "SIGINT" | "SIGTERM", callback: () => void): void;
  /** Ends the process at once. */
  exit(code: number): void;
}

/** From the first SIGINT or SIGTERM to the end of the process, at most, in ms. */
const END_MS = 1800;
/** What outputs may take to deliver what is left, in ms: after a signal, and at an end of the run's own. */
const DELIVER_MS = 1200;
const USUAL_DELIVER_MS = 2000;
/** The part of it that is kept for the results on stdout after the exporters' end, in ms. */
const RESULTS_MS = 300;
/** How long stderr's reader is waited for in any case, for a line about what was lost, in ms. */
const LAST_WORDS_MS = 150;
const UNREAD = "standard output was not read in time";
/** The time for everything that is not delivery, in ms. */
const END_SLACK_MS = 200;

/** Signals that end a process: a user's Ctrl-C, and what a service manager sends. */
const END_SIGNALS = ["SIGINT", "SIGTERM"] as const;
export type EndSignal = typeof END_SIGNALS[number];

export class Outbox {
  /** Results. */
  readonly stdout: StreamOutput;
  /** Whether details are said: one line an event. */
  verbose = false;
  #ports: OutboxPorts;
  #stderr: StreamOutput;
  #exporters: Exporter[] = [];
  #elsewhere: Notice | null = null;
  #endMs = Infinity;
  #deliverByMs: number | null = null;
  #code = INTERRUPTED;
  #watchdog: Cancel | null = null;

  constructor(ports: OutboxPorts) {
    this.#ports = ports;
    this.#stderr = new StreamOutput({
      write: ports.stderr,
      bounds: STDERR_BOUNDS,
      trouble: new Trouble("standard error", (text) => this.sayNow(text)),
    });
    this.stdout = new StreamOutput({
      write: ports.stdout,
      trouble: new Trouble("standard output", (text) => this.say(text)),
    });
  }

  /** A notice: one line on stderr, unless it is diverted. */
  say(text: string): void {
    if (this.#elsewhere === null) this.sayNow(text);
    else this.#elsewhere(text);
  }

  /** One line on stderr, under the tool's name, whatever is in the text. Nobody reading it is no reason to stop. */
  sayNow(text: string): void {
    this.line(`wire-probe: ${text}`);
  }

  /** One line on stderr without the tool's name: a verdict, a line of a summary. */
  line(text: string): void {
    this.#stderr.text(`${showable(text)}\n`);
  }

  /** A line of detail, printed only with `-v`. */
  detail(text: string): void {
    if (this.verbose) this.say(text);
  }

  /** Notices go there from now on; null for stderr again. */
  divert(to: Notice | null): void {
    this.#elsewhere = to;
  }

  /** Bytes for stderr's terminal as they are: a line that is redrawn in place. */
  status(text: string): void {
    this.#stderr.text(text);
  }

  /** Resolves when stderr has taken all that was written to it. */
  stderrFlushed(): Promise<void> {
    return this.#stderr.flushed();
  }

  /**
   * A text of any length on stdout; resolves when it has left. A closed pipe is no error; throws
   * SystemError when it cannot be written for another reason.
   */
  async print(text: string): Promise<void> {
    await this.stdout.print(text);
    const error = this.stdout.broken?.error ?? null;
    if (error !== null && !isBrokenPipe(error)) {
      throw new SystemError(`cannot write to standard output: ${messageOf(error)}`);
    }
  }

  /** Where a receiver's troubles are said. */
  trouble(where: string): Trouble {
    return new Trouble(where, (text) => this.say(text), (text) => this.detail(text));
  }

  /** The queue and the notices of an exporter; `where` names its receiver. */
  output(where: string, bounds: QueueBounds): Output {
    const trouble = this.trouble(where);
    const queue = new OutputQueue(bounds, (droppedBefore) => {
      trouble.begins("the queue is full: dropping the oldest lines", droppedBefore);
    });
    return { queue, trouble };
  }

  /** Takes charge of an exporter until the end. */
  add(exporter: Exporter): void {
    this.#exporters.push(exporter);
  }

  get exporters(): readonly Exporter[] {
    return this.#exporters;
  }

  /** Lines that stdout or an exporter lost so far. */
  get dropped(): number {
    return this.#exporters.reduce((sum, { dropped }) => sum + dropped, this.stdout.dropped);
  }

  /** What exporters lost, in words: `12 (7 no room, 5 refused)`; null for nothing. */
  exportLosses(): string | null {
    const total = this.dropped - this.stdout.dropped;
    if (total === 0) return null;
    const all = new Drops();
    for (const { drops } of this.#exporters) {
      for (const [reason, lines] of drops.entries()) all.add(lines, reason);
    }
    return dropsText(all.entries());
  }

  /** Standard output is read by a receiver: its state is told with the exporters'. */
  exportsByStdout = false;

  /** How each receiver fares, under a name of its own. */
  receivers(): readonly ReceiverState[] {
    const own = this.exportsByStdout ? [this.stdout.receiver] : [];
    const states = [...own, ...this.#exporters.map(({ receiver }) => receiver ?? null)];
    return namedApart(states.filter((state) => state !== null));
  }

  /** The same on stderr, a line each: what SIGQUIT asks for. */
  sayReceivers(): void {
    for (const state of this.receivers()) this.line(receiverText(state));
  }

  /**
   * Calls `stop` on SIGINT and SIGTERM. From then on the process has END_MS to end by itself, even
   * if readers have stopped; a second signal ends it at once.
   */
  onEnd(stop: (signal: EndSignal) => void): void {
    const { clock, exit, onSignal } = this.#ports;
    for (const signal of END_SIGNALS) {
      onSignal(signal, () => {
        if (this.#watchdog !== null) return exit(this.#code);
        this.#endMs = clock.now() + END_MS;
        this.#watchdog = clock.wakeAt(this.#endMs, () => exit(this.#code));
        stop(signal);
      });
    }
  }

  /** The exit code that is known by now, for a process whose outputs do not let it end. */
  set exitCode(code: number) {
    this.#code = code;
  }

  /** How long outputs may still take to deliver what is left, in ms. */
  get patienceMs(): number {
    if (this.#endMs === Infinity) {
      // All waits at the end of a run share one time.
      const now = this.#ports.clock.now();
      this.#deliverByMs ??= now + USUAL_DELIVER_MS;
      return Math.max(0, this.#deliverByMs - now);
    }
    return Math.max(0, Math.min(DELIVER_MS, this.#endMs - END_SLACK_MS - this.#ports.clock.now()));
  }

  /**
   * Waits for a promise, but no longer than the outputs' patience. At an end of the run's own, that is
   * the time without a byte taken: a slow reader is waited for, one that has stopped is not.
   */
  async within(promise: Promise<unknown>): Promise<void> {
    const { clock } = this.#ports;
    let cancel: Cancel = () => {};
    await new Promise<void>((resolve, reject) => {
      const wait = (written: number) => {
        cancel = clock.wakeAt(clock.now() + this.patienceMs, () => {
          if (this.#endMs < Infinity || this.#written === written) return resolve();
          this.renew();
          wait(this.#written);
        });
      };
      wait(this.#written);
      promise.then(() => resolve(), reject);
    }).finally(() => cancel());
  }

  /**
   * Begins the outputs' patience again, except after a signal: something other than a reader took
   * the time.
   */
  renew(): void {
    this.#deliverByMs = null;
  }

  get #written(): number {
    return this.stdout.written + this.#stderr.written;
  }

  /**
   * Has exporters deliver what is left. Their time ends before the outputs' patience does: what they
   * then drop is counted before the summary is written, and the summary has time of its own. `leftMs`
   * tells how much of it is left; as in `within`, it begins anew while a reader takes something.
   */
  async deliver(close: (leftMs: () => number) => Promise<unknown>): Promise<void> {
    let seen = this.#written;
    await this.within(close(() => {
      if (this.#written !== seen) this.renew();
      seen = this.#written;
      return Math.max(0, this.patienceMs - RESULTS_MS);
    }));
  }

  /** Waits until both streams have taken what was written, within the outputs' patience. */
  async flush(): Promise<void> {
    await this.within(Promise.all([this.stdout.flushed(), this.#stderr.flushed()]));
  }

  /** The end of all outputs: as `flush`, and says what was lost. */
  async finish(): Promise<void> {
    await this.within(this.stdout.flushed());
    for (const text of this.#losses()) this.sayNow(text);
    const { clock } = this.#ports;
    let cancel: Cancel = () => {};
    const longest = new Promise<void>((resolve) => {
      cancel = clock.wakeAt(clock.now() + Math.max(LAST_WORDS_MS, this.patienceMs), resolve);
    });
    await Promise.race([this.#stderr.flushed(), longest]);
    cancel();
  }

  /** The losses of stdout and the exporters. A stdout whose reader has gone is left out. */
  #losses(): string[] {
    const { broken, dropped, left } = this.stdout;
    if (broken !== null) return [];
    const losses = this.exportLosses();
    const lines = dropped + left;
    return [
      ...(lines === 0 ? [] : [
        `${left === 0 ? "" : "at least "}${counted(lines, "line")} ${
          lines === 1 ? "was" : "were"
        } dropped: ${UNREAD}`,
      ]),
      ...(losses === null ? [] : [`lines that could not be exported: ${losses}`]),
    ];
  }
}

/** This process's outbox. */
export const outbox = new Outbox({
  clock: systemClock,
  stdout: writeStdout,
  stderr: writeStderr,
  onSignal,
  exit: endProcess,
});

/** A notice of this process: one line on stderr. */
export function say(text: string): void {
  outbox.say(text);
}
