/** A line at the foot of stderr's terminal, redrawn in place; other lines push in above it. */

// ECMA-48: to the line's start, erase to its end.
const RETURN_AND_ERASE = "\r\x1b[K";
/** Columns of a terminal that does not tell them, or says 0. */
const USUAL_COLUMNS = 80;

/** What the line is written to. */
export interface StatusTerminal {
  /** Resolves when the terminal has taken it, which may be never. */
  write(text: string): Promise<void>;
  writeNow(text: string): void;
  /** How wide it is; a longer line would wrap, and stay. */
  columns(): number;
}

export class StatusLine {
  #terminal: StatusTerminal;
  #shown = "";
  #busy: Promise<void> | null = null;

  constructor(terminal: StatusTerminal) {
    this.#terminal = terminal;
  }

  /** Shows a text without line ends; left out while the one before is on its way. */
  show(text: string): void {
    if (this.#busy !== null) return;
    this.#shown = text.slice(0, Math.max(0, this.#terminal.columns() - 1));
    this.#busy = this.#terminal.write(RETURN_AND_ERASE + this.#shown).finally(() => {
      this.#busy = null;
    });
  }

  /** Lets something else write whole lines in its place, then stands below them. */
  above(write: () => void): void {
    this.#terminal.writeNow(RETURN_AND_ERASE);
    write();
    this.#terminal.writeNow(this.#shown);
  }

  /** Takes the line away. */
  async clear(): Promise<void> {
    await this.#busy;
    this.#shown = "";
    this.#terminal.writeNow(RETURN_AND_ERASE);
  }
}

/** How wide this process's terminal is. */
export function terminalColumns(): number {
  try {
    return Deno.consoleSize().columns || USUAL_COLUMNS;
  } catch {
    return USUAL_COLUMNS;
  }
}
