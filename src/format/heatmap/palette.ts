/**
 * Colours from calm to alarming. The ramp is magma (Smith and van der Walt, CC0): its lightness
 * rises evenly, so the order can be read by every eye and in print. Calm is near the background and
 * alarm far from it: on light it runs backwards.
 */

export type Theme = "light" | "dark";

type Rgb = readonly [red: number, green: number, blue: number];

/** Magma at even steps, without its ends: those are the backgrounds, and "no answer". */
const DARK_RAMP: readonly Rgb[] = [
  [0x24, 0x13, 0x52],
  [0x44, 0x0f, 0x76],
  [0x6a, 0x1c, 0x81],
  [0x90, 0x2a, 0x81],
  [0xb7, 0x37, 0x79],
  [0xde, 0x49, 0x68],
  [0xf6, 0x6e, 0x5c],
  [0xfe, 0x9f, 0x6d],
  [0xfe, 0xcf, 0x92],
];
const LIGHT_RAMP: readonly Rgb[] = [
  [0xfd, 0xee, 0xc4],
  [0xfe, 0xd3, 0x98],
  [0xfe, 0xac, 0x76],
  [0xfb, 0x85, 0x61],
  [0xec, 0x5a, 0x60],
  [0xc8, 0x3e, 0x73],
  [0x9c, 0x2e, 0x7f],
  [0x72, 0x1f, 0x81],
  [0x49, 0x12, 0x78],
];

export const RAMPS: Readonly<Record<Theme, readonly Rgb[]>> = {
  light: LIGHT_RAMP,
  dark: DARK_RAMP,
};

/** A share of nothing: calmer than the ramp's beginning. */
const NOTHING: Readonly<Record<Theme, Rgb>> = {
  light: [0xe9, 0xee, 0xef],
  dark: [0x22, 0x2b, 0x33],
};

/** `#rrggbb` for a position from 0 to 1; `nothing` for a share that is zero. */
export function colour(theme: Theme, position: number, nothing = false): string {
  return hex(nothing ? NOTHING[theme] : rgb(theme, position));
}

function rgb(theme: Theme, position: number): Rgb {
  const ramp = RAMPS[theme];
  const at = Math.min(1, Math.max(0, position)) * (ramp.length - 1);
  const low = Math.min(ramp.length - 2, Math.floor(at));
  const part = at - low;
  const mixed = ramp[low].map((value, i) => Math.round(value + (ramp[low + 1][i] - value) * part));
  return [mixed[0], mixed[1], mixed[2]];
}

/** Text that can be read on a colour: black or white, whichever has more contrast (WCAG 2). */
export function textOn(background: string): "#000000" | "#ffffff" {
  const channels = [1, 3, 5].map((at) => parseInt(background.slice(at, at + 2), 16) / 255);
  return contrast(luminance(channels), 0) >= contrast(luminance(channels), 1)
    ? "#000000"
    : "#ffffff";
}

/** Relative luminance of sRGB (WCAG 2). */
export function luminance(channels: readonly number[]): number {
  const [red, green, blue] = channels.map((value) =>
    value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  );
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(a: number, b: number): number {
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

function hex(of: Rgb): string {
  return `#${of.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

/** The ramp in ten steps of the 256 colours of a terminal, each with black or white upon it. */
export const TERMINAL_LEVELS: readonly { readonly background: number; readonly text: number }[] = [
  { background: 17, text: 15 },
  { background: 53, text: 15 },
  { background: 54, text: 15 },
  { background: 90, text: 15 },
  { background: 126, text: 15 },
  { background: 162, text: 15 },
  { background: 203, text: 16 },
  { background: 209, text: 16 },
  { background: 222, text: 16 },
  { background: 230, text: 16 },
];
