/** A screen that is drawn line by line: only what changed is written, one write at a time. */
import type { WriteSome } from "./stream_output.ts";

// xterm's control sequences; a terminal that does not know ?2026 ignores it.
const BEGIN_FRAME = "\x1b[?2026h";
const END_FRAME = "\x1b[?2026l";
const ERASE_LINE_END = "\x1b[K";
const ERASE_BELOW = "\x1b[J";

export class Screen {
  #write: WriteSome;
  #onBroken: (error: unknown) => void;
  #encoder = new TextEncoder();
  /** What the screen shows; null when that is not known. */
  #shown: readonly string[] | null = null;
  #busy: Promise<void> | null = null;
  #broken = false;

  /** `onBroken` is told once when the terminal has gone away. */
  constructor(write: WriteSome, onBroken: (error: unknown) => void) {
    this.#write = write;
    this.#onBroken = onBroken;
  }

  /** Whether the frame before is still being written: a terminal may be slow. */
  get busy(): boolean {
    return this.#busy !== null;
  }

  /** Forgets what is shown: the next frame is written in full. */
  invalidate(): void {
    this.#shown = null;
  }

  /**
   * Shows these lines, from the top, on a screen of so many rows; each must be narrower than the
   * screen. False while the frame before is under way: then nothing happens.
   */
  draw(lines: readonly string[], rows: number): boolean {
    if (this.#busy !== null || this.#broken) return false;
    const shown = lines.slice(0, rows);
    const changes = this.#changes(shown, rows);
    this.#shown = shown;
    if (changes !== "") this.#send(`${BEGIN_FRAME}${changes}${END_FRAME}`);
    return true;
  }

  /** Resolves when no frame is under way. */
  async settled(): Promise<void> {
    while (this.#busy !== null) await this.#busy;
  }

  /** Writes a control sequence behind the frame under way. */
  async control(sequence: string): Promise<void> {
    await this.settled();
    if (!this.#broken) this.#send(sequence);
    await this.settled();
  }

  #changes(lines: readonly string[], rows: number): string {
    const before = this.#shown;
    let changes = "";
    for (const [i, line] of lines.entries()) {
      if (line !== before?.[i]) changes += `\x1b[${i + 1};1H${line}${ERASE_LINE_END}`;
    }
    const shorter = before === null || before.length > lines.length;
    if (shorter && lines.length < rows) changes += `\x1b[${lines.length + 1};1H${ERASE_BELOW}`;
    return changes;
  }

  #send(text: string): void {
    this.#busy = this.#deliver(this.#encoder.encode(text)).finally(() => {
      this.#busy = null;
    });
  }

  async #deliver(bytes: Uint8Array): Promise<void> {
    try {
      for (let sent = 0; sent < bytes.length;) sent += await this.#write(bytes.subarray(sent));
    } catch (error) {
      this.#broken = true;
      this.#onBroken(error);
    }
  }
}
