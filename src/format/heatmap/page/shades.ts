/** The colours of a metric's values, rounded to as many as the eye tells apart. */
import { isShare } from "../metric.ts";
import { colour } from "../palette.ts";
import { position, type Scale, SHARE_FLOOR } from "../scale.ts";
import { theme } from "./document.ts";

const SHADES = 64;

export interface Shades {
  readonly ramp: readonly string[];
  /** For a share of nothing. */
  readonly nothing: string;
}

/** Of the theme as it is now. */
export function shades(): Shades {
  const now = theme();
  const ramp = Array.from({ length: SHADES }, (_, i) => colour(now, i / (SHADES - 1)));
  return { ramp, nothing: colour(now, 0, true) };
}

/** The index of a value in the ramp; -1 for a share of nothing. */
export function shadeOf(scale: Scale, value: number): number {
  return isShare(scale.metric) && value === 0
    ? -1
    : Math.round(position(scale, value) * (SHADES - 1));
}

export function colourOf({ ramp, nothing }: Shades, shade: number): string {
  return shade < 0 ? nothing : ramp[shade];
}

/** The whole ramp as a CSS gradient. */
export function gradient({ ramp, nothing }: Shades, scale: Scale): string {
  const start = isShare(scale.metric) ? SHARE_FLOOR : 0;
  const used = ramp.slice(Math.round(start * ramp.length));
  const stops = used.map((one, i) =>
    `${one} ${(start + (1 - start) * i / (used.length - 1)) * 100}%`
  );
  if (start > 0) stops.unshift(`${nothing} 0 ${start * 100}%`);
  return `linear-gradient(to right, ${stops.join(", ")})`;
}
