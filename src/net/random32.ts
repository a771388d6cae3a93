/** Random numbers that nobody can guess, drawn many at a time. */

const DRAWN = 256;
const numbers = new Uint32Array(DRAWN);
let at = DRAWN;

/** 32 random bits. */
export function random32(): number {
  if (at === DRAWN) {
    crypto.getRandomValues(numbers);
    at = 0;
  }
  return numbers[at++];
}
