/** Text measured in the columns of a terminal, made safe to show there, and cut to fit. */

/**
 * An expression over Unicode's properties, made when it is first used. The engine takes up to 1 ms for
 * each, and a literal it reads whenever it reads its module, used or not.
 */
export function unicode(source: string, flags = "u"): () => RegExp {
  let made: RegExp | null = null;
  return () => made ??= new RegExp(source, flags);
}

/** A text whose characters all show themselves, as most are: it needs none of these expressions. */
export const PLAIN_ASCII = /^[ -~]*$/;
/** Characters that show nothing or move the text around them: controls, bidirectional marks, surrogates. */
export const unshowable = unicode("[\\p{C}\\p{Zl}\\p{Zp}]", "gu");
/** Variation selectors change a character's width in some terminals only. */
const VARIATION_SELECTORS = /[\uFE00-\uFE0F]/g;
const noColumn = unicode("\\p{Mn}|\\p{Me}");
/** East Asian Wide and Fullwidth (UAX #11) by script, and emoji. */
const twoColumns = unicode(
  "[\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Hangul}\\p{Script=Yi}\\p{Script=Bopomofo}" +
    "\\p{Emoji_Presentation}\\u3000-\\u303E\\u30A0-\\u30FF\\u31F0-\\u31FF\\uFF01-\\uFF60\\uFFE0-\\uFFE6]",
);
const ELLIPSIS = "…";

/** The text with `?` for each character that must not reach a terminal. */
export function showable(text: string): string {
  if (PLAIN_ASCII.test(text)) return text;
  return text.replaceAll(VARIATION_SELECTORS, "").replaceAll(unshowable(), "?");
}

/** Controls, marks that turn the direction of the text (UAX #9), and what is no character. */
const turning = unicode(
  "[\\p{Cc}\\p{Cs}\\p{Zl}\\p{Zp}\\u061C\\u200E\\u200F\\u202A-\\u202E\\u2066-\\u2069]",
);

/** Whether a text holds what moves the text around it. No name may: it would be shown as another. */
export function movesText(text: string): boolean {
  return !PLAIN_ASCII.test(text) && turning().test(text);
}

/** How many columns a showable text takes. */
export function columnsOf(text: string): number {
  if (PLAIN_ASCII.test(text)) return text.length;
  let columns = 0;
  for (const sign of text) columns += columnsOfSign(sign);
  return columns;
}

function columnsOfSign(sign: string): number {
  return noColumn().test(sign) ? 0 : twoColumns().test(sign) ? 2 : 1;
}

/** A showable text in at most so many columns, with a mark of one column where it was cut. */
export function cut(text: string, columns: number, mark = ELLIPSIS): string {
  if (columnsOf(text) <= columns) return text;
  if (columns < 1) return "";
  let kept = "";
  let room = columns - 1;
  for (const sign of text) {
    room -= columnsOfSign(sign);
    if (room < 0) break;
    kept += sign;
  }
  return kept + mark;
}

/** A column of figures: its title, and its width with the gap before it. */
export type Column = readonly [title: string, width: number];

/** A line of a table: each text at the right of its column. A longer one pushes the others. */
export function cells(texts: readonly string[], columns: readonly Column[]): string {
  return texts.map((text, i) => text.padStart(columns[i][1])).join("");
}

/** A showable text in exactly so many columns: cut, or filled up behind. */
export function fit(text: string, columns: number, mark = ELLIPSIS): string {
  const fitting = cut(text, columns, mark);
  return fitting + " ".repeat(Math.max(0, columns - columnsOf(fitting)));
}
