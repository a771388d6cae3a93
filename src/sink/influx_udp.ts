/**
 * Influx line protocol over UDP, as Telegraf's socket_listener and InfluxDB's UDP service take it:
 * a datagram a probe, or several lines to one below the path MTU.
 */
import type { ProbeRecord } from "../domain/probe_record.ts";
import type { ReceiverState } from "../domain/receiver.ts";
import type { Target } from "../domain/target.ts";
import type { Window } from "../domain/summary.ts";
import { ByteWriter } from "../format/byte_writer.ts";
import { MAX_RECORD_BYTES, type RecordFormat, type Step } from "../format/record_format.ts";
import type { DatagramSocket, Sent } from "../kernel/udp_socket.ts";
import type { Clock } from "../time/clock.ts";
import { Drops, type Exporter, type Notice, Trouble } from "./exporter.ts";
import { FlushTimer } from "./timers.ts";
import { countLines } from "./output_queue.ts";

/** Payload that an Ethernet path takes whole: 1500 less IP and UDP headers, less room for a tunnel. */
export const BATCH_BYTES_V4 = 1432;
export const BATCH_BYTES_V6 = 1412;
/** How long the first line of a batch waits for others. */
const FLUSH_MS = 1000;
/** Refusals may be rate-limited: the receiver counts as back only after this long without one. */
const QUIET_MS = 5000;
/** What waits until it is known where the receiver is, in bytes: the lines of a second of 1,000 targets. */
export const EARLY_BYTES = 256 * 1024;

/** A copy of a datagram, and how many lines are in it. */
interface Datagram {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly lines: number;
}

export interface InfluxUdpOptions {
  /** The receiver as notices name it. */
  readonly where: string;
  /** Lines share a datagram up to this many bytes of payload; null for a datagram a record. */
  readonly batchBytes: number | null;
  readonly flushMs?: number;
}

export interface InfluxUdpParts {
  readonly format: RecordFormat;
  readonly socket: DatagramSocket;
  readonly clock: Clock;
  readonly notice: Notice;
}

/**
 * `dropped` holds what the kernel tells of: no room, no route, and datagrams refused by ICMP, of
 * which it learns with the next send or at the close. A receiver that reads too slowly loses
 * datagrams without a word, as UDP does. Datagrams made before the receiver's name was looked up wait
 * for that, the newest that have room.
 */
export class InfluxUdp implements Exporter {
  #format: RecordFormat;
  #socket: DatagramSocket;
  #clock: Clock;
  #trouble: Trouble;
  #timer: FlushTimer;
  #batchBytes: number;
  /** Room for a record behind a batch that is all but full. */
  #out: ByteWriter;
  /** Lines in the buffer, and in the last datagram sent. */
  #lines = 0;
  #lastLines = 0;
  readonly drops = new Drops();
  #lastLossMs = 0;
  /** Datagrams that were too early, in their order. */
  #early: Datagram[] = [];
  #earlyBytes = 0;
  #earlyLines = 0;

  constructor(options: InfluxUdpOptions, parts: InfluxUdpParts) {
    const { format, socket, clock, notice } = parts;
    this.#format = format;
    this.#socket = socket;
    this.#clock = clock;
    this.#batchBytes = options.batchBytes ?? 0;
    this.#out = new ByteWriter(this.#batchBytes + MAX_RECORD_BYTES);
    this.#trouble = new Trouble(options.where, notice);
    this.#timer = new FlushTimer(clock, options.flushMs ?? FLUSH_MS, () => this.#flush());
    socket.known?.then(() => this.#sendEarly());
  }

  get dropped(): number {
    return this.drops.total;
  }

  get receiver(): ReceiverState {
    return this.#trouble.state(this.#lines + this.#earlyLines, this.drops);
  }

  check(target: Target): void {
    this.#format.check?.(target);
  }

  record(record: ProbeRecord): void {
    const start = this.#out.length;
    this.#out.begin();
    this.#format.record?.(this.#out, record);
    this.#commit(start);
  }

  window(window: Window): void {
    const start = this.#out.length;
    this.#out.begin();
    this.#format.window?.(this.#out, window);
    this.#commit(start);
  }

  write(steps: Iterable<Step>): void {
    for (const step of steps) {
      const start = this.#out.length;
      this.#out.begin();
      step(this.#out);
      this.#commit(start);
    }
  }

  async close(withinMs: number): Promise<void> {
    this.#timer.stop();
    this.#flush();
    if (this.#earlyLines > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const cancel = this.#clock.wakeAt(this.#clock.now() + withinMs, resolve);
      await Promise.race([promise, this.#socket.known]);
      cancel();
      this.#sendEarly();
    }
    if (this.#socket.lastIsLost()) this.#loseLast();
    this.#socket.close();
  }

  #commit(start: number): void {
    const out = this.#out;
    if (!out.end()) {
      this.drops.add(1, "full");
      return;
    }
    const lines = countLines(out.bytes, start, out.length);
    if (out.length > this.#batchBytes && start > 0) {
      this.#send(start, this.#lines);
      out.bytes.copyWithin(0, start, out.length);
      out.length -= start;
      this.#lines = 0;
    }
    this.#lines += lines;
    if (out.length >= this.#batchBytes) this.#flush();
    else if (this.#lines > 0) this.#timer.started();
  }

  #flush(): void {
    if (this.#lines > 0) this.#send(this.#out.length, this.#lines);
    this.#out.length = 0;
    this.#lines = 0;
  }

  #send(length: number, lines: number): void {
    this.#timer.emptied();
    const sent = this.#transmit(this.#out.bytes, length);
    if (sent !== "early") return this.#settle(sent, lines);
    while (this.#earlyBytes + length > EARLY_BYTES) this.#settle("failed", this.#takeEarly().lines);
    this.#early.push({ bytes: this.#out.bytes.slice(0, length), lines });
    this.#earlyBytes += length;
    this.#earlyLines += lines;
  }

  /** The oldest of those that wait. */
  #takeEarly(): Datagram {
    const oldest = this.#early.shift()!;
    this.#earlyBytes -= oldest.bytes.length;
    this.#earlyLines -= oldest.lines;
    return oldest;
  }

  #sendEarly(): void {
    while (this.#early.length > 0) {
      const { bytes, lines } = this.#takeEarly();
      const sent = this.#transmit(bytes, bytes.length);
      this.#settle(sent === "early" ? "failed" : sent, lines);
    }
  }

  /** Sends the first `length` bytes, once more when an error was about an earlier datagram. */
  #transmit(bytes: Uint8Array<ArrayBuffer>, length: number): Sent {
    const sent = this.#socket.send(bytes, length);
    if (sent !== "earlier_lost") return sent;
    this.#loseLast();
    return this.#socket.send(bytes, length);
  }

  /** Counts what became of a datagram of so many lines. */
  #settle(sent: Exclude<Sent, "early">, lines: number): void {
    switch (sent) {
      case "sent":
        this.#lastLines = lines;
        if (this.#trouble.active) this.#recover();
        return;
      case "earlier_lost":
        return this.#lose("refused: nobody listens there", lines);
      case "full":
        return this.#lose("the socket's send buffer is full", lines);
      case "failed":
        return this.#lose(`cannot send: ${this.#socket.failure}`, lines);
      default:
        sent satisfies never;
    }
  }

  #loseLast(): void {
    this.#lose("refused: nobody listens there", this.#lastLines);
    this.#lastLines = 0;
  }

  #lose(why: string, lines: number): void {
    this.#trouble.begins(why, this.dropped);
    this.#lastLossMs = this.#clock.now();
    this.drops.add(lines, "unsent");
  }

  #recover(): void {
    if (this.#clock.now() - this.#lastLossMs >= QUIET_MS) this.#trouble.ends(this.dropped);
  }
}
