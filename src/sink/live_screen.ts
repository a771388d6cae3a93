/**
 * A screen that redraws: content on a terminal at a bounded rate and cost, with keys, resizes and
 * Ctrl-Z. It gives the terminal back whatever happens. The content decides what is shown.
 */
import type { Key } from "./keys.ts";
import { KeyDecoder } from "./keys.ts";
import { Screen } from "./screen.ts";
import { ENTER_SCREEN, LEAVE_SCREEN, STAY_ON_SCREEN, type Terminal } from "./terminal.ts";
import type { Cancel, Clock } from "../time/clock.ts";

/** Between two frames when nobody presses a key. */
const REFRESH_MS = 250;
/** Between two frames however many keys and resizes come. */
const MIN_REFRESH_MS = 40;
/** Frames take at most this share of the process's time: a costly one is drawn less often. */
const MAX_SHARE = 1 / 20;
/** The size of a terminal that does not tell it any more. */
const USUAL_SIZE = { columns: 80, rows: 24 };

/** What a screen shows. */
export interface LiveContent {
  /** At most `rows` lines of at most `columns` columns each, from the top. */
  lines(columns: number, rows: number): readonly string[];
  /** A key that the screen itself has no use for. */
  key(key: Key): void;
}

export interface LivePorts {
  readonly clock: Clock;
  readonly terminal: Terminal;
  /** The user has seen enough, or something was thrown that nobody caught: end the run. */
  onQuit(): void;
  /** The terminal has gone away. */
  onBroken(error: unknown): void;
}

export class LiveScreen {
  #content: LiveContent;
  #ports: LivePorts;
  #screen: Screen;
  #decoder = new KeyDecoder();
  #endListening: () => void = () => {};
  #wake: Cancel = () => {};
  #drawnMs = -Infinity;
  #showing = false;
  #suspending = false;
  #crash: { readonly error: unknown } | null = null;

  constructor(content: LiveContent, ports: LivePorts) {
    this.#content = content;
    this.#ports = ports;
    this.#screen = new Screen(ports.terminal.write, (error) => {
      this.#showing = false;
      this.#wake();
      ports.onBroken(error);
    });
  }

  /** Takes the terminal over and draws, until `stop`. */
  start(): void {
    this.#endListening = this.#ports.terminal.listen({
      onKeys: (bytes) => {
        for (const key of this.#decoder.decode(bytes)) this.#key(key);
      },
      onResize: () => this.redraw(),
      onSuspend: () => this.#suspend(),
      onContinue: () => this.#continue(),
      onCrash: (error) => {
        this.#crash ??= { error };
        this.#ports.onQuit();
      },
    });
    this.#enter(ENTER_SCREEN);
  }

  /** Gives the terminal back; resolves once that is written, which a stuck terminal may prevent. */
  async stop(): Promise<void> {
    // Once is enough: leaving again would move the cursor back over what was printed since.
    if (this.#showing) await this.#leave();
    this.#endListening();
  }

  /** Throws what nobody caught while the screen was shown. */
  rethrow(): void {
    if (this.#crash !== null) throw this.#crash.error;
  }

  /** Draws anew, all of it. */
  redraw(): void {
    this.#screen.invalidate();
    this.#drawSoon();
  }

  #key(key: Key): void {
    if (!this.#showing) return;
    if (key === "q") return this.#ports.onQuit();
    if (key === "redraw") return this.redraw();
    this.#content.key(key);
    this.#drawSoon();
  }

  #enter(sequence: string): void {
    this.#showing = true;
    this.#ports.terminal.takeKeys();
    this.#screen.invalidate();
    this.#screen.control(sequence);
    this.#drawAt(this.#ports.clock.now());
  }

  async #leave(): Promise<void> {
    this.#showing = false;
    this.#wake();
    await this.#screen.control(LEAVE_SCREEN);
    // Not earlier: a change of modes waits for what is being written, and this process would wait
    // with it.
    this.#ports.terminal.giveKeysBack();
  }

  async #suspend(): Promise<void> {
    const { suspend } = this.#ports.terminal;
    if (suspend === null || !this.#showing) return;
    this.#suspending = true;
    await this.#leave();
    suspend();
  }

  #continue(): void {
    if (this.#suspending) {
      this.#suspending = false;
      this.#enter(ENTER_SCREEN);
    } else if (this.#showing) {
      // Stopped by someone else: the terminal may be in any state.
      this.#enter(STAY_ON_SCREEN);
    }
  }

  #drawSoon(): void {
    this.#drawAt(Math.max(this.#ports.clock.now(), this.#drawnMs + MIN_REFRESH_MS));
  }

  #drawAt(atMs: number): void {
    this.#wake();
    if (!this.#showing) return;
    this.#wake = this.#ports.clock.wakeAt(atMs, () => this.#draw());
  }

  /** One frame, or none while the terminal has not taken the one before. */
  #draw(): void {
    const { clock, terminal } = this.#ports;
    const startMs = clock.now();
    if (!this.#screen.busy) {
      const { columns, rows } = terminal.size() ?? USUAL_SIZE;
      // The last column stays free: a cursor behind it would erase what stands there.
      this.#screen.draw(this.#content.lines(Math.max(1, columns - 1), rows), rows);
      this.#drawnMs = startMs;
    }
    const costMs = clock.now() - startMs;
    this.#drawAt(startMs + Math.max(REFRESH_MS, costMs / MAX_SHARE));
  }
}
