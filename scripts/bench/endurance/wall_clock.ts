/** A wall clock for one child alone, which can be stepped; this machine's own is never touched. */
import { existsSync } from "node:fs";

const LIBRARY = `/usr/lib/${Deno.build.arch}-linux-gnu/faketime/libfaketimeMT.so.1`;

export class WallClock {
  #file: string;

  private constructor(file: string) {
    this.#file = file;
  }

  /** Null where libfaketime is not installed. */
  static create(folder: string): WallClock | null {
    if (!existsSync(LIBRARY)) return null;
    const clock = new WallClock(`${folder}/wall-clock`);
    clock.step(0);
    return clock;
  }

  /** What the child's environment must hold. The monotonic clock stays the machine's. */
  get environment(): Record<string, string> {
    return {
      LD_PRELOAD: LIBRARY,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: "1",
      DONT_FAKE_MONOTONIC: "1",
    };
  }

  /** From now on the child's wall clock is so many seconds off. */
  step(seconds: number): void {
    // By renaming: the child reads it all the time.
    Deno.writeTextFileSync(`${this.#file}.new`, `${seconds < 0 ? "" : "+"}${seconds}\n`);
    Deno.renameSync(`${this.#file}.new`, this.#file);
  }
}
