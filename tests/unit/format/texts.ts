/** Texts that break encoders. */
import type { Random } from "../random.ts";

const UNITS: readonly ((random: Random) => number)[] = [
  (random) => random.int(0, 0x1f),
  (random) => random.int(0x20, 0x7f),
  (random) => random.pick([0x22, 0x5c, 0x2f, 0x2c, 0x3b, 0x3d, 0x0a, 0x0d]),
  (random) => random.int(0x80, 0x7ff),
  (random) => random.int(0x800, 0xd7ff),
  (random) => random.int(0xe000, 0xffff),
  (random) => random.int(0xd800, 0xdbff),
  (random) => random.int(0xdc00, 0xdfff),
  (random) => random.pick([0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xfffd, 0xffff, 0x2028]),
];

/** UTF-16 units of every class, pairs of surrogates and lone ones among them. */
export function anyText(random: Random, maxLength = 40): string {
  let text = "";
  const length = random.int(0, maxLength);
  while (text.length < length) {
    if (random.int(0, 5) === 0) text += String.fromCodePoint(random.int(0x10000, 0x10ffff));
    else text += String.fromCharCode(random.pick(UNITS)(random));
  }
  return text;
}

/** A text without lone surrogates. */
export function wellFormedText(random: Random, maxLength = 40): string {
  return anyText(random, maxLength).toWellFormed();
}

/** Characters that mean something to one line format or another, and some that only look so. */
const MARKS = [",", " ", "=", '"', "\\", "'", "#", ":", ";", "-", "\u00a0", "\u2028", "é", "🚀"];

/** A name as the command line lets it through: not empty, no control characters, well-formed. */
export function nameText(random: Random, maxLength = 24): string {
  const pieces = Array.from(
    { length: random.int(1, maxLength) },
    () => random.int(0, 1) === 0 ? random.pick(MARKS) : wellFormedText(random, 3),
  );
  const name = pieces.join("").replaceAll(/\p{Cc}/gu, "").slice(0, maxLength).toWellFormed();
  return name === "" ? "x" : name;
}
