/** Room for every packet on its way, made once: slots of one size, chained by index into a free list and into queues. */

export const SLOT_BYTES = 9216;
const SLOTS = 8192;
/** Never given out: what is read while no slot is free goes here, to be counted and forgotten. */
export const SPARE = SLOTS;

export class Pool {
  readonly bytes = new Uint8Array((SLOTS + 1) * SLOT_BYTES);
  /** One view a slot, for the calls that want a buffer. */
  readonly views: Uint8Array<ArrayBuffer>[] = [];
  readonly length = new Int32Array(SLOTS);
  readonly next = new Int32Array(SLOTS);
  /** When it is to leave, in nanoseconds of the engine's clock. */
  readonly dueNs = new Float64Array(SLOTS);
  /** Its serial number in its link's capture. */
  readonly serial = new Float64Array(SLOTS);
  #free = 0;

  constructor() {
    for (let slot = 0; slot <= SLOTS; slot++) {
      this.views.push(this.bytes.subarray(slot * SLOT_BYTES, (slot + 1) * SLOT_BYTES));
      if (slot < SLOTS) this.next[slot] = slot + 1;
    }
  }

  /** The slot to be taken next, or `SPARE`. The last one given back comes first, so that few pages are ever touched. */
  peek(): number {
    return this.#free;
  }

  /** Takes the slot that `peek` named, which must not be `SPARE`. */
  take(): void {
    const slot = this.#free;
    this.#free = this.next[slot];
    this.next[slot] = -1;
  }

  giveBack(slot: number): void {
    this.next[slot] = this.#free;
    this.#free = slot;
  }
}
