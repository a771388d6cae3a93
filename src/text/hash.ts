/**
 * Hashes of texts: the same number for the same text on every machine. They are not for security.
 */

/** FNV-1a, 32 bits: offset basis and prime (RFC 9923). */
const FNV_BASIS = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
const HEX_DIGITS = 8;

/** FNV-1a of a text's UTF-16 code units, low byte first; a signed number of 32 bits. */
export function hash32(text: string): number {
  let hash = FNV_BASIS;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    hash = Math.imul(hash ^ unit & 0xff, FNV_PRIME);
    hash = Math.imul(hash ^ unit >>> 8, FNV_PRIME);
  }
  return hash;
}

/**
 * The same as eight hexadecimal digits.
 *
 * @example `hashText("")` is `"811c9dc5"`
 */
export function hashText(text: string): string {
  return (hash32(text) >>> 0).toString(16).padStart(HEX_DIGITS, "0");
}
