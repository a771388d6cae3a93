/** A terminal that keeps what it is told and tells what a test wants. */
import type { Size, Terminal, TerminalEvents } from "../../../src/sink/terminal.ts";

export class FakeTerminal implements Terminal {
  readonly keys = true;
  /** What was written and done to it, in order. */
  readonly log: string[] = [];
  size: () => Size | null = () => ({ columns: 40, rows: 10 });
  /** Writes wait for `take` when they are slow. */
  slow = false;
  broken: unknown = null;
  suspend: (() => void) | null = () => void this.log.push("suspend");
  #events: TerminalEvents | null = null;
  #waiting: (() => void)[] = [];

  readonly write = (bytes: Uint8Array): Promise<number> => {
    if (this.broken !== null) return Promise.reject(this.broken);
    this.log.push(new TextDecoder().decode(bytes));
    if (!this.slow) return Promise.resolve(bytes.length);
    return new Promise((resolve) => this.#waiting.push(() => resolve(bytes.length)));
  };

  takeKeys(): void {
    this.log.push("take keys");
  }

  giveKeysBack(): void {
    this.log.push("give keys back");
  }

  listen(events: TerminalEvents): () => void {
    this.#events = events;
    return () => {
      this.#events = null;
    };
  }

  get listening(): boolean {
    return this.#events !== null;
  }

  get events(): TerminalEvents {
    if (this.#events === null) throw new Error("nobody listens");
    return this.#events;
  }

  press(text: string): void {
    this.events.onKeys(new TextEncoder().encode(text));
  }

  take(): void {
    this.slow = false;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Frames written since the last call: what stands between their marks. */
  frames(): string[] {
    const frames = this.log.splice(0).filter((entry) => entry.startsWith("\x1b[?2026h"));
    return frames.map((frame) => frame.slice("\x1b[?2026h".length, -"\x1b[?2026l".length));
  }
}
