import { assert, assertEquals } from "@std/assert";
import {
  colour,
  luminance,
  RAMPS,
  TERMINAL_LEVELS,
  textOn,
} from "../../../../src/format/heatmap/palette.ts";
import { LEVELS } from "../../../../src/format/heatmap/scale.ts";

const channels = (hex: string) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255);

/** Lightness as it is perceived (CIE L*), from a relative luminance. */
const lightness = (of: number) => of > 0.008856 ? 116 * Math.cbrt(of) - 16 : 903.3 * of;

/** As those see it who lack red or green receptors (Viénot, Brettel and Mollon, 1999), in linear light. */
function dichromat(hex: string, lacks: "red" | "green"): number {
  const [r, g, b] = channels(hex).map((v) =>
    v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4
  );
  const [long, blue] = lacks === "red"
    ? [0.11238 * r + 0.88762 * g, 0.00401 * r - 0.00401 * g + b]
    : [0.29275 * r + 0.70725 * g, -0.02234 * r + 0.02234 * g + b];
  return 0.2126 * long + 0.7152 * long + 0.0722 * Math.max(0, blue);
}

for (const theme of ["light", "dark"] as const) {
  const steps = Array.from({ length: 40 }, (_, i) => colour(theme, i / 39));

  Deno.test(`on ${theme}, more alarming is always further from the background, to every eye`, () => {
    const away = theme === "dark" ? 1 : -1;
    const seen: ((hex: string) => number)[] = [
      (hex) => luminance(channels(hex)),
      (hex) => dichromat(hex, "red"),
      (hex) => dichromat(hex, "green"),
    ];
    for (const see of seen) {
      const values = steps.map((hex) => lightness(see(hex)));
      values.slice(1).forEach((value, i) => assert((value - values[i]) * away > 0, `step ${i}`));
      assert(Math.abs(values[39] - values[0]) > 50, "the ends are far apart");
    }
  });

  Deno.test(`on ${theme}, figures can be read on every colour`, () => {
    for (const hex of [...steps, colour(theme, 0, true)]) {
      const [a, b] = [luminance(channels(hex)), textOn(hex) === "#000000" ? 0 : 1];
      const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      assert(contrast >= 4.5, `${hex}: ${contrast}`);
    }
  });
}

Deno.test("the ends of a ramp are its first and last colour, whatever lies beyond", () => {
  const hex = (of: readonly number[]) =>
    `#${of.map((v) => v.toString(16).padStart(2, "0")).join("")}`;
  assertEquals(colour("dark", -1), hex(RAMPS.dark[0]));
  assertEquals(colour("dark", 2), hex(RAMPS.dark[RAMPS.dark.length - 1]));
});

/** The colours 16 to 255 of a terminal: a cube of six steps a channel (xterm). */
function terminalLuminance(index: number): number {
  const of = index - 16;
  const step = (n: number) => (n === 0 ? 0 : 55 + 40 * n) / 255;
  return luminance([step(Math.floor(of / 36)), step(Math.floor(of / 6) % 6), step(of % 6)]);
}

Deno.test("a terminal's levels get lighter one by one", () => {
  assertEquals(TERMINAL_LEVELS.length, LEVELS);
  const values = TERMINAL_LEVELS.map(({ background }) => terminalLuminance(background));
  values.slice(1).forEach((value, i) => assert(value > values[i], `level ${i + 1}`));
});
