/**
 * The order in which traces to several targets are printed: that of the command line, except that a
 * name which is still looked up holds up no target behind it. Pure.
 */

export interface PrintPorts {
  /** Whether the trace in this place is over, or there is none. */
  isOver(place: number): boolean;
  /** Whether the name in this place is still looked up. */
  isPending(place: number): boolean;
}

export class PrintOrder {
  #places: number;
  #ports: PrintPorts;
  /** The first place that has not been printed. */
  #next = 0;
  /** Places behind it that have. */
  #ahead = new Set<number>();

  /** `places` is how many targets there are. */
  constructor(places: number, ports: PrintPorts) {
    this.#places = places;
    this.#ports = ports;
  }

  /** The places that may be printed by now, each once. */
  *take(): Generator<number> {
    const { isOver, isPending } = this.#ports;
    for (let place = this.#next; place < this.#places; place++) {
      if (!isOver(place)) {
        if (isPending(place)) continue;
        return;
      }
      if (!this.#ahead.has(place)) {
        this.#ahead.add(place);
        yield place;
      }
      if (place === this.#next) this.#ahead.delete(this.#next++);
    }
  }
}
