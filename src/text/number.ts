/** Times and shares as text and as the numbers of JSON: the one home of their decimals. */

/** Stands in a table for what was not measured. */
const NOTHING = "-";

/** µs as ms with three decimals, as in every table: `0.412`. */
export function millisText(us: number): string {
  return (us / 1000).toFixed(3);
}

/** µs as ms in at most eight columns: three decimals, or none where there is no room for them. */
export function millisInEight(us: number): string {
  const text = millisText(us);
  return text.length <= 8 ? text : (us / 1000).toFixed(0);
}

/** µs as ms with its unit, for a sentence: `0.412 ms`. */
export function millisWithUnit(us: number): string {
  return `${millisOf(us)} ms`;
}

/** µs as ms to the microsecond; null for what was not measured, which is null, absent or below 0. */
export function millisOf(us: number): number;
export function millisOf(us: number | null | undefined): number | null;
export function millisOf(us: number | null | undefined): number | null {
  return us === null || us === undefined || us < 0 ? null : Math.round(us) / 1000;
}

/** µs as ms with three figures: `0.412`, `4.12`, `41.2`, `412`. */
export function threeFigures(us: number): string {
  const decimals = us < 999.5 ? 3 : us < 9995 ? 2 : us < 99_950 ? 1 : 0;
  return (us / 1000).toFixed(decimals);
}

/** A time in at most five characters below 1,000 s: three figures in ms, from 1 s on in seconds. */
export function shortTime(us: number): string {
  if (us < 999_500) return threeFigures(us);
  return `${(us / 1e6).toFixed(us < 9_950_000 ? 1 : 0)}s`;
}

/** A share with so many decimals, for JSON: to the millionth as a rule. */
export function roundedShare(share: number, decimals?: number): number;
export function roundedShare(share: number | null, decimals?: number): number | null;
export function roundedShare(share: number | null, decimals = 6): number | null {
  return share === null ? null : Number(share.toFixed(decimals));
}

/** A share in percent, to a tenth: `12.3%`. */
export function percent(share: number | null): string {
  return share === null ? NOTHING : `${(share * 100).toFixed(1)}%`;
}

/** The same; what is not 0 is not shown as 0: `<0.1%`. */
export function percentNotZero(share: number | null): string {
  const text = percent(share);
  return share !== null && share > 0 && text === "0.0%" ? "<0.1%" : text;
}

/** A share in percent where one in a hundred thousand matters: `0.04%`, `<0.001%`, else to a tenth. */
export function finePercent(share: number | null): string {
  if (share === null || share === 0 || share >= 0.001) return percent(share);
  return share < 0.00001 ? "<0.001%" : `${(share * 100).toPrecision(1)}%`;
}

/** A share in percent in at most five characters: `0%`, `<0.1%`, `1.2%`, `12%`. */
export function shortPercent(share: number): string {
  const value = share * 100;
  if (value === 0) return "0%";
  if (value < 0.1) return "<0.1%";
  return value < 9.95 ? `${value.toFixed(1)}%` : `${Math.round(value)}%`;
}

/** A share in percent within a sentence: `0.25 %`, `12.3 %`. */
export function percentInWords(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 2 : 1)} %`;
}

/** A share as a percentage that a user gave: no more decimals than it needs, at most three. */
export function givenPercent(share: number): string {
  return `${Number((share * 100).toFixed(3))}%`;
}

/** How far something is, in whole percent; `100%` only at the end. */
export function progressPercent(share: number): string {
  return `${Math.floor(Math.min(1, share) * 100)}%`;
}

/** A whole number with its thousands set apart: `1,300`. */
export function thousands(value: number): string {
  return value.toLocaleString("en");
}
