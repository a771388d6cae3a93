/** Properties over generated values; the seed of a failure is in its message. */

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A number in 0..1, 1 excluded (mulberry32). */
  unit(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number within min..max. */
  int(min: number, max: number): number {
    return min + Math.floor(this.unit() * (max - min + 1));
  }

  pick<T>(from: readonly T[]): T {
    return from[this.int(0, from.length - 1)];
  }

  /** A permutation of 0..size-1. */
  order(size: number): number[] {
    const all = Array.from({ length: size }, (_, i) => i);
    for (let i = size - 1; i > 0; i--) {
      const other = this.int(0, i);
      [all[i], all[other]] = [all[other], all[i]];
    }
    return all;
  }
}

/**
 * The first seed of a test: the same each time, so that the gate says the same of the same tree. With
 * `deno test tests/unit -- --anew` it is another one each time.
 */
export function firstSeed(): number {
  return Deno.args.includes("--anew") ? crypto.getRandomValues(new Uint32Array(1))[0] : 1;
}

/**
 * Registers a test that runs `body` for many seeds. To run a failure again, pass the seed from its
 * message as `onlySeed`.
 */
export function property(
  name: string,
  runs: number,
  body: (random: Random) => void | Promise<void>,
  onlySeed?: number,
): void {
  Deno.test(name, async () => {
    const first = onlySeed ?? firstSeed();
    for (let run = 0; run < (onlySeed === undefined ? runs : 1); run++) {
      const seed = (first + run) >>> 0;
      try {
        await body(new Random(seed));
      } catch (error) {
        throw new Error(`with seed ${seed}`, { cause: error });
      }
    }
  });
}
