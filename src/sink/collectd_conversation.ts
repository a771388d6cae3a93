/**
 * One connection to collectd's unixsock plugin (collectd-unixsock(5)): lines out, a reply to each
 * in, both at once, with a bound on the lines that were sent and not answered.
 */
import { messageOf, shown } from "../text/quote.ts";
import type { Cancel, Clock } from "../time/clock.ts";
import type { WaitingLines } from "./waiting_lines.ts";

/** A connected stream; `Deno.Conn` is one. */
export interface LineStream {
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

/** What the conversations with one collectd share. */
export interface ConversationPorts {
  readonly waiting: WaitingLines;
  readonly clock: Clock;
  /** A line was answered; `refusal` is collectd's reason not to take it, else null. */
  onAnswer(refusal: string | null): void;
}

/** Lines sent and not answered, at most: 20 KiB as a rule, which a socket's buffer holds. */
export const MAX_UNANSWERED = 256;
/** After this long without a reply, collectd has stopped: further lines would bear a false time. */
const STALLED_MS = 1000;
/** After a write that failed, replies that are on their way get this long. */
const LAST_REPLIES_MS = 500;

export class Conversation {
  #stream: LineStream;
  #ports: ConversationPorts;
  #unanswered = 0;
  /** When a reply came last, or when the lines now unanswered began to be. */
  #progressMs = 0;
  #writing: Promise<void> | null = null;
  #broken = false;
  #lastReplies: Cancel | null = null;
  #ended = false;
  #end: (why: string) => void;
  /** Resolves with the reason when the connection is over; the stream is closed then. */
  readonly ended: Promise<string>;

  constructor(stream: LineStream, ports: ConversationPorts) {
    this.#stream = stream;
    this.#ports = ports;
    const { promise, resolve } = Promise.withResolvers<string>();
    this.ended = promise;
    this.#end = resolve;
    this.#listen();
  }

  /** Lines sent whose fate is open. */
  get unanswered(): number {
    return this.#unanswered;
  }

  /** Resolves when no write holds a buffer any more: the runtime cannot take one back. */
  async written(): Promise<void> {
    await this.#writing;
  }

  /** There may be lines to send. */
  pump(): void {
    // In a microtask, so that the lines of one turn leave in one write.
    if (this.#writing === null && this.#maySend()) {
      this.#writing = Promise.resolve().then(() => this.#send());
    }
  }

  /** Closes the stream; harmless when that was done. */
  close(why: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#lastReplies?.();
    this.#stream.close();
    this.#end(why);
  }

  #maySend(): boolean {
    const lines = this.#ports.waiting.lines;
    if (lines === 0 || this.#broken || this.#ended) return false;
    if (this.#unanswered === 0) return true;
    if (this.#unanswered + lines > MAX_UNANSWERED) return false;
    return this.#ports.clock.now() - this.#progressMs <= STALLED_MS;
  }

  async #send(): Promise<void> {
    try {
      for (;;) {
        this.#ports.waiting.expire(this.#ports.clock.now());
        if (!this.#maySend()) break;
        await this.#write();
      }
    } catch (error) {
      // Replies that came before the connection broke are still to be read.
      this.#broken = true;
      const atMs = this.#ports.clock.now() + LAST_REPLIES_MS;
      if (!this.#ended) {
        this.#lastReplies = this.#ports.clock.wakeAt(atMs, () => this.close(messageOf(error)));
      }
    }
    this.#writing = null;
  }

  async #write(): Promise<void> {
    if (this.#unanswered === 0) this.#progressMs = this.#ports.clock.now();
    this.#unanswered += this.#ports.waiting.lines;
    const bytes = this.#ports.waiting.take();
    for (let sent = 0; sent < bytes.length;) {
      sent += await this.#stream.write(sent === 0 ? bytes : bytes.subarray(sent));
    }
  }

  async #listen(): Promise<void> {
    const replies = new ReplyLines(MAX_REPLY_BYTES, (line) => this.#onReply(line));
    const into = new Uint8Array(READ_BYTES);
    try {
      while (!this.#ended) {
        const size = await this.#stream.read(into);
        if (size === null) return this.close("collectd closed the connection");
        replies.push(into, size);
        this.pump();
      }
    } catch (error) {
      this.close(messageOf(error));
    }
  }

  /** `0 Success: …`, `-1 …`; a positive number would announce further lines, which PUTVAL has not. */
  #onReply(line: string): void {
    if (this.#ended) return;
    const [, status, text] = /^(0|-[0-9]+)(?: (.*))?$/.exec(line) ?? [];
    if (status === undefined || this.#unanswered === 0) {
      return this.close(`unexpected reply: ${shown(line)}`);
    }
    this.#unanswered--;
    this.#progressMs = this.#ports.clock.now();
    this.#ports.onAnswer(status === "0" ? null : shown(text ?? ""));
  }
}

/** How much of a reply is kept; collectd's own buffer holds as much. */
const MAX_REPLY_BYTES = 1024;
const READ_BYTES = 4096;
const NEWLINE = 10;

export class ReplyLines {
  #line: Uint8Array;
  #length = 0;
  #decoder = new TextDecoder();
  #onLine: (line: string) => void;

  constructor(maxBytes: number, onLine: (line: string) => void) {
    this.#line = new Uint8Array(maxBytes);
    this.#onLine = onLine;
  }

  push(bytes: Uint8Array, size: number): void {
    for (let i = 0; i < size; i++) {
      if (bytes[i] === NEWLINE) {
        const line = this.#decoder.decode(this.#line.subarray(0, this.#length));
        this.#length = 0;
        this.#onLine(line);
      } else if (this.#length < this.#line.length) this.#line[this.#length++] = bytes[i];
    }
  }
}
