/** What a format makes of a target once: the constant parts of its lines. */
import type { Target } from "../domain/target.ts";
import { ByteWriter } from "./byte_writer.ts";
import { MAX_RECORD_BYTES } from "./record_format.ts";

export class PerTarget<T> {
  #made = new WeakMap<Target, T>();
  #scratch: ByteWriter | null = null;
  #make: (target: Target, scratch: ByteWriter) => T;

  /** `make` writes into the scratch writer and takes copies out of it with `takeCopy()`. */
  constructor(make: (target: Target, scratch: ByteWriter) => T) {
    this.#make = make;
  }

  /** The same object for the same target, without allocating after the first time. */
  of(target: Target): T {
    const known = this.#made.get(target);
    if (known !== undefined) return known;
    this.#scratch ??= new ByteWriter(MAX_RECORD_BYTES);
    const made = this.#make(target, this.#scratch);
    this.#made.set(target, made);
    return made;
  }
}
