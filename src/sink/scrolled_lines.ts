/** Lines that may be more than a screen has, with a foot that stays: up and down scroll. */
import { cut } from "../text/columns.ts";
import type { Key } from "./keys.ts";

export interface ScrolledLook {
  readonly columns: number;
  readonly rows: number;
  /** Whether keys can be had. */
  readonly keys: boolean;
  /** The foot's text on keys other than those that scroll. */
  readonly help: string;
  /** The latest notice, above the foot; null for none. */
  readonly notice: string | null;
}

export class ScrolledLines {
  /** The first line that is shown. */
  #top = 0;
  /** Lines on the screen when it was last drawn. */
  #page = 1;

  /** At most `rows` lines: those of `all` that fit, then the notice and the foot, cut to the width. */
  shown(all: readonly string[], { columns, rows, keys, help, notice }: ScrolledLook): string[] {
    this.#page = Math.max(1, rows - (notice === null ? 1 : 2));
    this.#top = Math.min(this.#top, Math.max(0, all.length - this.#page));
    const more = all.length > this.#page ? ", up and down scroll" : "";
    const foot = [...(notice === null ? [] : [notice]), keys ? `${help}${more}` : "Ctrl-C quits"];
    return [
      ...all.slice(this.#top, this.#top + this.#page),
      ...foot.map((line) => cut(line, columns)),
    ].slice(-rows);
  }

  /** Scrolls; other keys do nothing. */
  key(key: Key): void {
    if (key === "home") this.#top = 0;
    else this.#top = Math.max(0, this.#top + this.#step(key));
  }

  #step(key: Key): number {
    switch (key) {
      case "up":
        return -1;
      case "down":
        return 1;
      case "page-up":
        return -this.#page;
      case "page-down":
        return this.#page;
      default:
        return 0;
    }
  }
}
