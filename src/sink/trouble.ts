/** A receiver's trouble, said once when it begins and once when it has passed. */

/** Tells the user one thing in one line. */
export type Notice = (text: string) => void;

export class Trouble {
  #where: string;
  #notice: Notice;
  #droppedBefore: number | null = null;

  /** `where` names the receiver in every notice. */
  constructor(where: string, notice: Notice) {
    this.#where = where;
    this.#notice = notice;
  }

  get active(): boolean {
    return this.#droppedBefore !== null;
  }

  /** Call before the first line lost by it is counted; `dropped` is the count so far. */
  begins(what: string, dropped: number): void {
    if (this.#droppedBefore !== null) return;
    this.#droppedBefore = dropped;
    this.say(what);
  }

  /** Lines arrive; cheap when they did before. */
  ends(dropped: number): void {
    if (this.#droppedBefore === null) return;
    const lost = dropped - this.#droppedBefore;
    this.#droppedBefore = null;
    this.say(`delivering again after ${lost} dropped`);
  }

  say(what: string): void {
    this.#notice(`${this.#where}: ${what}`);
  }
}
