/** The terminal itself: whether there is one, its size, its modes, its keys, its signals. */
import type { WriteSome } from "./stream_output.ts";

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** What a terminal tells while a screen is shown on it. */
export interface TerminalEvents {
  onKeys(bytes: Uint8Array): void;
  onResize(): void;
  /** Ctrl-Z. */
  onSuspend(): void;
  /** This process goes on after it was stopped, by whomever. */
  onContinue(): void;
  /** Something was thrown that nobody caught. */
  onCrash(error: unknown): void;
}

/** A terminal as the screens need it. */
export interface Terminal {
  /** Whether keys can be had. */
  readonly keys: boolean;
  readonly write: WriteSome;
  /** Null when it does not tell. */
  size(): Size | null;
  /** Keys come one by one and are not echoed; Ctrl-C and its like stay signals. */
  takeKeys(): void;
  /** The keyboard as it was found. */
  giveKeysBack(): void;
  /** Starts telling; returns how to end that. */
  listen(events: TerminalEvents): () => void;
  /** Stops this process until it is continued; null where that cannot be done. */
  readonly suspend: (() => void) | null;
}

// xterm's control sequences: alternate screen, cursor, wrapping at the right edge, colours, frames.
const ALTERNATE_ON = "\x1b[?1049h";
const ALTERNATE_OFF = "\x1b[?1049l";
const CURSOR_ON = "\x1b[?25h";
const CURSOR_OFF = "\x1b[?25l";
const WRAP_ON = "\x1b[?7h";
const WRAP_OFF = "\x1b[?7l";
const PLAIN = "\x1b[0m";
const END_FRAME = "\x1b[?2026l";

/** From the user's screen to one of our own. */
export const ENTER_SCREEN = `${ALTERNATE_ON}${CURSOR_OFF}${WRAP_OFF}`;
/** The same on our own, whatever happened there. */
export const STAY_ON_SCREEN = `${CURSOR_OFF}${WRAP_OFF}`;
/** Back to the user's screen, also from the middle of a torn frame. */
export const LEAVE_SCREEN = `${END_FRAME}${PLAIN}${WRAP_ON}${CURSOR_ON}${ALTERNATE_OFF}`;

/** How many bytes of keys are read at once: a paste is cut into such pieces. */
const KEY_BYTES = 64;

/** Why no screen can be drawn on stdout, or null when one can. `term`: the environment's TERM. */
export function screenTrouble(term: string | null): string | null {
  if (!Deno.stdout.isTerminal()) return "standard output is not a terminal";
  if (term === null || term === "") return "TERM does not name the terminal";
  if (term === "dumb") return "a dumb terminal cannot be drawn on";
  return consoleSize() === null ? "the terminal does not tell its size" : null;
}

/** Stdout and stdin as a terminal. */
export class SystemTerminal implements Terminal {
  readonly keys = Deno.stdin.isTerminal();
  readonly suspend: (() => void) | null;
  /** A screen of ours is on it. */
  #taken = false;
  #reading = false;
  /** Writes that the terminal has not taken yet. */
  #writing = 0;

  constructor(suspend: (() => void) | null) {
    this.suspend = suspend;
  }

  readonly write = async (bytes: Uint8Array): Promise<number> => {
    this.#writing++;
    try {
      return await Deno.stdout.write(bytes);
    } finally {
      this.#writing--;
    }
  };

  size(): Size | null {
    return consoleSize();
  }

  takeKeys(): void {
    this.#taken = true;
    this.#setRaw(true);
  }

  giveKeysBack(): void {
    this.#taken = false;
    this.#setRaw(false);
  }

  #setRaw(raw: boolean): void {
    if (!this.keys) return;
    try {
      Deno.stdin.setRaw(raw, { cbreak: raw });
    } catch {
      // The terminal has gone away, and its modes with it.
    }
  }

  listen(events: TerminalEvents): () => void {
    const ends = [
      onSignal("SIGWINCH", () => events.onResize()),
      onSignal("SIGCONT", () => events.onContinue()),
      // Where the process cannot stop in an orderly way, the terminal and the process stay as they
      // are.
      onSignal("SIGTSTP", () => events.onSuspend()),
      onEvent("error", (event) => {
        event.preventDefault();
        events.onCrash((event as ErrorEvent).error);
      }),
      onEvent("unhandledrejection", (event) => {
        event.preventDefault();
        events.onCrash((event as PromiseRejectionEvent).reason);
      }),
      // An end of the process by other means does not leave a broken terminal behind.
      onEvent("unload", () => this.#restore()),
    ];
    if (this.keys && !this.#reading) this.#read(events);
    return () => {
      for (const end of ends) end();
    };
  }

  /** One reader for the process's life: a read cannot be taken back. */
  async #read(events: TerminalEvents): Promise<void> {
    this.#reading = true;
    const buffer = new Uint8Array(KEY_BYTES);
    try {
      for (;;) {
        const count = await Deno.stdin.read(buffer);
        if (count === null) return;
        if (this.#taken) events.onKeys(buffer.subarray(0, count));
      }
    } catch {
      // The terminal has gone away: there are no more keys.
    }
  }

  #restore(): void {
    // A terminal that takes nothing (Ctrl-S) would hold up the end: its modes stay as they are.
    if (!this.#taken || this.#writing > 0) return;
    this.giveKeysBack();
    try {
      Deno.stdout.writeSync(new TextEncoder().encode(LEAVE_SCREEN));
    } catch {
      // There is nothing left to restore.
    }
  }
}

function consoleSize(): Size | null {
  try {
    const { columns, rows } = Deno.consoleSize();
    return columns > 0 && rows > 0 ? { columns, rows } : null;
  } catch {
    return null;
  }
}

function onSignal(name: Deno.Signal, callback: () => void): () => void {
  try {
    Deno.addSignalListener(name, callback);
    return () => Deno.removeSignalListener(name, callback);
  } catch {
    // Not every system has every signal.
    return () => {};
  }
}

function onEvent(name: string, callback: (event: Event) => void): () => void {
  globalThis.addEventListener(name, callback);
  return () => globalThis.removeEventListener(name, callback);
}
