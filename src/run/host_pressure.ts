/** The host's pressure for everything that shows it: read at most now and then, however many ask. */
import type { HostPressure } from "../domain/host_pressure.ts";
import { PressureGauge } from "../kernel/pressure.ts";
import { systemClock } from "../time/clock.ts";

/** A share of less time than this says little. */
const EVERY_MS = 2000;

/** As of the last reading. */
export type ReadPressure = () => HostPressure | null;

let opened: ReadPressure | null = null;

/** Open before FFI is revoked. */
export function openPressure(): ReadPressure {
  if (opened !== null) return opened;
  const gauge = PressureGauge.open(systemClock);
  if (gauge === null) return opened = () => null;
  // Counters are compared with the reading before, which the first reading lacks.
  let [last, readMs] = [gauge.read(), systemClock.now()];
  return opened = () => {
    const nowMs = systemClock.now();
    if (nowMs - readMs >= EVERY_MS) [last, readMs] = [gauge.read(), nowMs];
    return last;
  };
}
