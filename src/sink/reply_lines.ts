/** A stream of bytes as lines of bounded length: of a longer one only the beginning is kept. */

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
