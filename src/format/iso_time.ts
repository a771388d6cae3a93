/** RFC 3339 UTC times from whole seconds, without a Date. */
import type { ByteWriter } from "./byte_writer.ts";

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
