/**
 * Memory for many small rows of numbers, cut from large pieces. Ten thousand arrays of their own would cost
 * more than what is in them, and the garbage collector would have to move or count each. A piece lives as
 * long as somebody holds one of its views.
 */

/** The first piece is for a run of few targets; each further one is twice as large, up to a limit. */
const BYTES = { first: 4096, most: 65_536 };

/** The same bytes as numbers of each kind. */
export class Piece {
  readonly bytes: Uint8Array;
  readonly words: Uint16Array;
  readonly longs: Uint32Array;
  readonly doubles: Float64Array;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.words = new Uint16Array(this.bytes.buffer);
    this.longs = new Uint32Array(this.bytes.buffer);
    this.doubles = new Float64Array(this.bytes.buffer);
  }
}

export class Pieces {
  #piece = new Piece(0);
  #used = 0;

  /** The piece that the last row was cut from. */
  get piece(): Piece {
    return this.#piece;
  }

  /**
   * Cuts a row of so many bytes, all 0; returns the byte of `piece` that it begins at, which suits
   * numbers of any kind.
   */
  cut(bytes: number): number {
    const widest = Float64Array.BYTES_PER_ELEMENT;
    const size = Math.ceil(bytes / widest) * widest;
    if (this.#used + size > this.#piece.bytes.length) {
      const next = Math.min(BYTES.most, Math.max(BYTES.first, 2 * this.#piece.bytes.length));
      this.#piece = new Piece(Math.max(size, next));
      this.#used = 0;
    }
    const at = this.#used;
    this.#used += size;
    return at;
  }
}
