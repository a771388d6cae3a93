/**
 * The header structure of an RPM package (rpm.org, "RPM V4 Package format"): a list of tags with typed
 * values, as it stands in a package twice, for the signature and for the package itself.
 */
import { joined } from "./installed.ts";

/** Types of values, with their numbers in the index. */
const TYPES = { int16: 3, int32: 4, string: 6, binary: 7, strings: 8, i18n: 9 } as const;
/** A number starts at a multiple of its size. */
const SIZES: Readonly<Partial<Record<keyof typeof TYPES, number>>> = { int16: 2, int32: 4 };

/** A tag's value: `string` and `i18n` have one text, `strings` several. */
export type RpmValue =
  | { readonly type: "int16" | "int32"; readonly values: readonly number[] }
  | { readonly type: "string" | "i18n"; readonly values: readonly [string] }
  | { readonly type: "strings"; readonly values: readonly string[] }
  | { readonly type: "binary"; readonly values: Uint8Array };

const MAGIC = [0x8e, 0xad, 0xe8, 0x01, 0, 0, 0, 0];
const ENTRY_BYTES = 16;

/**
 * The header of these tags in the order of their numbers. `region` is the tag that covers all others,
 * whose value is the index entry at the store's end that says how many they are.
 */
export function rpmHeader(region: number, tags: ReadonlyMap<number, RpmValue>): Uint8Array {
  const sorted = [...tags].sort(([a], [b]) => a - b);
  const count = sorted.length + 1;
  const index: Uint8Array[] = [];
  const store: Uint8Array[] = [];
  let at = 0;
  for (const [tag, value] of sorted) {
    const size = SIZES[value.type] ?? 1;
    const padding = (size - at % size) % size;
    const bytes = bytesOf(value);
    store.push(new Uint8Array(padding), bytes);
    index.push(entry(tag, TYPES[value.type], at + padding, value.values.length));
    at += padding + bytes.length;
  }
  const trailer = entry(region, TYPES.binary, -count * ENTRY_BYTES, ENTRY_BYTES);
  const first = entry(region, TYPES.binary, at, ENTRY_BYTES);
  const lengths = new DataView(new ArrayBuffer(8));
  lengths.setUint32(0, count);
  lengths.setUint32(4, at + ENTRY_BYTES);
  return joined([
    new Uint8Array(MAGIC),
    new Uint8Array(lengths.buffer),
    first,
    ...index,
    ...store,
    trailer,
  ]);
}

/** An entry of the index: a tag, its type, where its value starts in the store, how many values. */
function entry(tag: number, type: number, at: number, count: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(ENTRY_BYTES));
  [tag, type, at, count].forEach((value, i) => view.setInt32(4 * i, value));
  return new Uint8Array(view.buffer);
}

/** Numbers are big endian; a text ends in a zero byte. */
function bytesOf(value: RpmValue): Uint8Array {
  switch (value.type) {
    case "binary":
      return value.values;
    case "int16":
    case "int32": {
      const size = value.type === "int16" ? 2 : 4;
      const view = new DataView(new ArrayBuffer(size * value.values.length));
      for (const [i, number] of value.values.entries()) {
        if (size === 2) view.setUint16(2 * i, number);
        else view.setUint32(4 * i, number);
      }
      return new Uint8Array(view.buffer);
    }
    case "string":
    case "i18n":
    case "strings":
      return new TextEncoder().encode(value.values.map((text) => `${text}\0`).join(""));
    default:
      return value satisfies never;
  }
}
