/** Keys as a terminal sends them: bytes in, names out. */

/** A printable character as itself, a named key, or nothing else. */
export type Key = string;

const ESC = 0x1b;
const CTRL_L = 0x0c;
/** The longest sequence known here; a longer one is not ours. */
const MAX_SEQUENCE = 8;

/** What follows ESC (ECMA-48 and xterm's control sequences), in both cursor modes. */
const SEQUENCES: ReadonlyMap<string, Key> = new Map([
  ["[A", "up"],
  ["OA", "up"],
  ["[B", "down"],
  ["OB", "down"],
  ["[5~", "page-up"],
  ["[6~", "page-down"],
  ["[H", "home"],
  ["OH", "home"],
  ["[1~", "home"],
  ["[7~", "home"],
  ["[F", "end"],
  ["OF", "end"],
  ["[4~", "end"],
  ["[8~", "end"],
]);

export class KeyDecoder {
  /** What came of a sequence so far; null outside of one. */
  #sequence: string | null = null;

  /** The keys that these bytes complete; a sequence may go on in the next bytes. */
  decode(bytes: Uint8Array): Key[] {
    const keys: Key[] = [];
    for (const byte of bytes) {
      const key = this.#sequence === null ? this.#plain(byte) : this.#inSequence(byte);
      if (key !== null) keys.push(key);
    }
    return keys;
  }

  #plain(byte: number): Key | null {
    if (byte === ESC) this.#sequence = "";
    if (byte === CTRL_L) return "redraw";
    return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : null;
  }

  #inSequence(byte: number): Key | null {
    const text = this.#sequence + String.fromCharCode(byte);
    const introduced = text[0] === "[" || text[0] === "O";
    this.#sequence = null;
    // Escape by itself, and then something else.
    if (!introduced) return this.#plain(byte);
    const final = text.length > 1 && byte >= 0x40 && byte <= 0x7e;
    if (final) return SEQUENCES.get(text) ?? null;
    if (text.length < MAX_SEQUENCE) this.#sequence = text;
    return null;
  }
}
