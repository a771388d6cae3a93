/**
 * Maps the kernel's number of a packet to the packet that was sent. The kernel numbers the packets
 * of a socket, and so does this book. A send that failed may or may not have used up a number; the
 * times that follow tell.
 */

/** Packets whose time may still come; the times of older ones are not waited for. */
const SLOTS = 4096;

export class StampBook<T> {
  #slots = new Array<T | null>(SLOTS).fill(null);
  #ordinals = new Float64Array(SLOTS).fill(-1);
  /** The next packet's number; while it is not sure, the least that it can be. */
  #next = 0;
  #sure = true;
  /** Packets sent while their numbers were not sure, whose time has not come. */
  #unsure = 0;
  /** The only such packet; null where there are several, or were. */
  #only: T | null = null;
  /** A send failed after the last packet. */
  #failedSince = false;

  /** A packet was sent. */
  sent(packet: T): void {
    this.#failedSince = false;
    if (this.#sure) {
      const slot = this.#next % SLOTS;
      this.#slots[slot] = packet;
      this.#ordinals[slot] = this.#next;
      this.#next = following(this.#next);
    } else this.#only = this.#unsure++ === 0 ? packet : null;
  }

  /** A send failed. */
  failed(): void {
    this.#sure = false;
    this.#failedSince = true;
  }

  /** The packet that the time of number `ordinal` is of; null where that is not certain. */
  take(ordinal: number): T | null {
    const slot = ordinal % SLOTS;
    const found = this.#ordinals[slot] === ordinal ? this.#slots[slot] : null;
    if (found !== null) {
      this.#slots[slot] = null;
      return found;
    }
    if (this.#unsure === 0 || !isFrom(this.#next, ordinal)) return null;
    // The packet is one of those whose numbers are not sure. If there is only one, it is that one.
    const only = this.#only;
    this.#only = null;
    this.#unsure--;
    this.#next = following(ordinal);
    // This was the last packet's, and nothing has used a number up since.
    this.#sure = this.#unsure === 0 && !this.#failedSince;
    return only;
  }
}

/** The kernel's numbers are 32 bits wide. */
function following(ordinal: number): number {
  return ordinal + 1 >>> 0;
}

/** Whether a number comes at or after another one, around the wrap. */
function isFrom(start: number, ordinal: number): boolean {
  return (ordinal - start >>> 0) < 2 ** 31;
}
