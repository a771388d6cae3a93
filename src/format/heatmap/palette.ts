/**
 * Colours from calm to alarming. The ramp is magma (Smith and van der Walt, CC0): its lightness
 * rises evenly, so the order can be read by every eye and in print. Calm colours are near the
 * background, so on a light background the ramp runs backwards.
 */

export type Theme = "light" | "dark";

type Rgb = readonly [red: number, green: number, blue: number];

/** Colours of six hexadecimal digits each. */
function ramp(text: string): readonly Rgb[] {
  const byte = (colour: string, at: number) => parseInt(colour.slice(at, at + 2), 16);
  return text.split(" ").map((colour) => [byte(colour, 0), byte(colour, 2), byte(colour, 4)]);
}

/** Magma at even steps, without its ends: those are the backgrounds, and "no answer". */
const DARK_RAMP = ramp("241352 440f76 6a1c81 902a81 b73779 de4968 f66e5c fe9f6d fecf92");
const LIGHT_RAMP = ramp("fdeec4 fed398 feac76 fb8561 ec5a60 c83e73 9c2e7f 721f81 491278");

export const RAMPS: Readonly<Record<Theme, readonly Rgb[]>> = {
  light: LIGHT_RAMP,
  dark: DARK_RAMP,
};

/** The colour of a share that is 0: calmer than the beginning of the ramp. */
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
