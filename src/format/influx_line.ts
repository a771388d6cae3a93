/** Lines of Influx line protocol for what is reported seldom, written plainly (InfluxData, "Line protocol reference"). */
import { millisOf, roundedShare } from "../text/number.ts";
import type { WallTime } from "../time/wall_anchor.ts";
import type { ByteWriter } from "./byte_writer.ts";
import { escapeTag } from "./influx.ts";

/** In their order; null for a tag, or a field, that is left out. Values of fields as they are written. */
export type LineTags = readonly (readonly [key: string, value: string | null])[];
export type LineFields = readonly (readonly [name: string, value: string | null])[];

/** Writes one line; at least one field must have a value. */
export function writeInfluxLine(
  out: ByteWriter,
  measurement: string,
  tags: LineTags,
  fields: LineFields,
  { wallSeconds, wallNanos }: Readonly<WallTime>,
): void {
  out.ascii(measurement);
  for (const [key, value] of tags) {
    // An empty tag value, or one that ends in a backslash, cannot be written.
    const kept = value?.replace(/\\+$/, "") ?? "";
    if (kept !== "") out.utf8(`,${key}=${escapeTag(kept)}`);
  }
  const given = fields.filter(([, value]) => value !== null);
  out.ascii(` ${given.map(([name, value]) => `${name}=${value}`).join(",")} `);
  out.int(wallSeconds);
  out.padded(wallNanos, 9);
  out.ascii("\n");
}

/** A whole number; null for none. */
export function countField(value: number | null | undefined): string | null {
  return value === null || value === undefined ? null : `${value}i`;
}

/** µs as ms; null for what was not measured. */
export function millisField(us: number | null | undefined): string | null {
  const millis = millisOf(us);
  return millis === null ? null : String(millis);
}

/** A share to the millionth. */
export function shareField(share: number | null): string | null {
  const rounded = roundedShare(share);
  return rounded === null ? null : String(rounded);
}
