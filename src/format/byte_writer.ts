/**
 * Bytes into one reused buffer, without allocating. The legal order of calls:
 * `begin()`, any number of writing calls, `end()`. A record that does not fit leaves the
 * buffer as it was at `begin()`.
 */

/** ASCII codes of `0`, `-`, `.`, a space, `"` and `\`. */
const [ZERO, MINUS, DOT, SPACE, QUOTE, BACKSLASH] = [48, 45, 46, 32, 34, 92];
const HEX = "0123456789abcdef";

export class ByteWriter {
  readonly bytes: Uint8Array<ArrayBuffer>;
  length = 0;
  #mark = 0;
  #overflow = false;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
  }

  /** Starts a record. */
  begin(): void {
    this.#mark = this.length;
    this.#overflow = false;
  }

  /** Ends a record: true when it fitted, else the buffer is as it was at `begin()`. */
  end(): boolean {
    if (!this.#overflow) return true;
    this.#overflow = false;
    this.length = this.#mark;
    return false;
  }

  /** Nothing was written since `begin()`. */
  get empty(): boolean {
    return this.length === this.#mark && !this.#overflow;
  }

  /** Bytes written since `begin()`, for columns. */
  get column(): number {
    return this.length - this.#mark;
  }

  /** A copy of all that was written; empties the writer. Throws RangeError when something did not fit. */
  takeCopy(): Uint8Array {
    if (this.#overflow) throw new RangeError("longer than the buffer");
    const copy = this.bytes.slice(0, this.length);
    this.length = 0;
    return copy;
  }

  byte(value: number): void {
    if (this.length >= this.bytes.length) this.#overflow = true;
    else this.bytes[this.length++] = value;
  }

  /** Copies bytes made earlier. */
  raw(source: Uint8Array): void {
    const size = source.length;
    if (this.length + size > this.bytes.length) {
      this.#overflow = true;
      return;
    }
    const bytes = this.bytes;
    let at = this.length;
    for (let i = 0; i < size; i++) bytes[at++] = source[i];
    this.length = at;
  }

  /** Text known to be ASCII; other characters come out as `?`. */
  ascii(text: string): void {
    const size = text.length;
    let at = this.length;
    if (at + size > this.bytes.length) {
      this.#overflow = true;
      return;
    }
    const bytes = this.bytes;
    for (let i = 0; i < size; i++) {
      const code = text.charCodeAt(i);
      bytes[at++] = code < 128 ? code : 63;
    }
    this.length = at;
  }

  /** Text of any kind, as UTF-8; a lone surrogate comes out as U+FFFD. */
  utf8(text: string): void {
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code < 0xd800 || code > 0xdfff) {
        this.codePoint(code);
        continue;
      }
      const low = i + 1 < text.length ? text.charCodeAt(i + 1) : 0;
      if (code < 0xdc00 && low >= 0xdc00 && low <= 0xdfff) {
        this.codePoint(0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00));
        i++;
      } else this.codePoint(0xfffd);
    }
  }

  /** One Unicode scalar value as UTF-8 (RFC 3629). */
  codePoint(code: number): void {
    if (code < 0x80) return this.byte(code);
    if (code < 0x800) this.byte(0xc0 | (code >> 6));
    else {
      if (code < 0x10000) this.byte(0xe0 | (code >> 12));
      else {
        this.byte(0xf0 | (code >> 18));
        this.byte(0x80 | ((code >> 12) & 63));
      }
      this.byte(0x80 | ((code >> 6) & 63));
    }
    this.byte(0x80 | (code & 63));
  }

  /** A JSON string with its quotes (RFC 8259). */
  jsonString(text: string): void {
    this.byte(QUOTE);
    let plain = 0;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code >= SPACE && code !== QUOTE && code !== BACKSLASH) continue;
      if (i > plain) this.utf8(text.slice(plain, i));
      plain = i + 1;
      this.byte(BACKSLASH);
      if (code >= SPACE) this.byte(code);
      else {
        this.ascii("u00");
        this.byte(HEX.charCodeAt(code >> 4));
        this.byte(HEX.charCodeAt(code & 15));
      }
    }
    this.utf8(plain === 0 ? text : text.slice(plain));
    this.byte(QUOTE);
  }

  /** An integer of at most 53 bits. */
  int(value: number): void {
    if (value < 0) this.byte(MINUS);
    this.#uint(value < 0 ? -value : value, 1);
  }

  /** A non-negative integer with at least `width` digits. */
  padded(value: number, width: number): void {
    this.#uint(value, width);
  }

  #uint(value: number, width: number): void {
    let size = width;
    for (let bound = 10 ** width; value >= bound; bound *= 10) size++;
    const end = this.length + size;
    if (end > this.bytes.length) {
      this.#overflow = true;
      return;
    }
    const bytes = this.bytes;
    let rest = value;
    // Above 2^31 the engine divides doubles: correct up to 2^53, only slower.
    for (let at = end - 1; at >= this.length; at--) {
      const tenth = rest <= 0x7fffffff ? (rest / 10) | 0 : Math.floor(rest / 10);
      bytes[at] = ZERO + (rest - tenth * 10);
      rest = tenth;
    }
    this.length = end;
  }

  /**
   * Whole microseconds as milliseconds, shortest form with at least one decimal (`4.12`, `2.0`):
   * what the original's number formatting gives for the same value.
   */
  millis(micros: number): void {
    let value = micros;
    if (value < 0) {
      this.byte(MINUS);
      value = -value;
    }
    const whole = value <= 0x7fffffff ? (value / 1000) | 0 : Math.floor(value / 1000);
    const part = value - whole * 1000;
    this.#uint(whole, 1);
    this.byte(DOT);
    this.byte(ZERO + ((part / 100) | 0));
    if (part % 100 === 0) return;
    this.byte(ZERO + (((part / 10) | 0) % 10));
    if (part % 10 !== 0) this.byte(ZERO + (part % 10));
  }

  /** Whole microseconds as milliseconds with exactly three decimals. */
  millisFixed(micros: number): void {
    this.#uint(Math.floor(micros / 1000), 1);
    this.byte(DOT);
    this.#uint(micros % 1000, 3);
  }

  /** Spaces until the record's column `width` is reached. */
  padTo(width: number): void {
    while (this.column < width && !this.#overflow) this.byte(SPACE);
  }
}

const DAY_SECONDS = 86_400;
/** Days from 0000-03-01 to 1970-01-01: years are counted from March, so leap days come last. */
const EPOCH_DAYS = 719_468;
const DAYS_PER_ERA = 146_097;

/** Writes `2026-11-21T09:00:00.123456Z`; `nanos` is cut to microseconds. */
export function writeIsoTime(out: ByteWriter, seconds: number, nanos: number): void {
  const days = Math.floor(seconds / DAY_SECONDS);
  const second = seconds - days * DAY_SECONDS;
  writeDate(out, days);
  out.byte(84); // T
  out.padded((second / 3600) | 0, 2);
  out.byte(58);
  out.padded(((second / 60) | 0) % 60, 2);
  out.byte(58);
  out.padded(second % 60, 2);
  out.byte(46);
  out.padded((nanos / 1000) | 0, 6);
  out.byte(90); // Z
}

/** The civil date of a day number (days since 1970-01-01), proleptic Gregorian. */
function writeDate(out: ByteWriter, dayNumber: number): void {
  const days = dayNumber + EPOCH_DAYS;
  const era = Math.floor(days / DAYS_PER_ERA);
  const dayOfEra = days - era * DAYS_PER_ERA;
  const leaps = ((dayOfEra / 1460) | 0) - ((dayOfEra / 36_524) | 0) + ((dayOfEra / 146_096) | 0);
  const yearOfEra = ((dayOfEra - leaps) / 365) | 0;
  const dayOfYear = dayOfEra -
    (365 * yearOfEra + ((yearOfEra / 4) | 0) - ((yearOfEra / 100) | 0));
  const marchMonth = ((5 * dayOfYear + 2) / 153) | 0;
  const day = dayOfYear - (((153 * marchMonth + 2) / 5) | 0) + 1;
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  out.padded(yearOfEra + era * 400 + (month <= 2 ? 1 : 0), 4);
  out.byte(45);
  out.padded(month, 2);
  out.byte(45);
  out.padded(day, 2);
}

/** RFC 3339 with microseconds. */
const ISO_TIME_BYTES = 32;

/** A wall time as a text of its own, for what is written seldom. */
export function isoTimeText(
  { wallSeconds, wallNanos }: { readonly wallSeconds: number; readonly wallNanos: number },
): string {
  const out = new ByteWriter(ISO_TIME_BYTES);
  writeIsoTime(out, wallSeconds, wallNanos);
  return new TextDecoder().decode(out.takeCopy());
}
