/** Long work in short slices, so that whatever else is due comes in between. */
import { type Clock, sleepUntil } from "./clock.ts";

/** Work that yields again and again, every millisecond or so, and returns its result. */
export type Steps<T> = Generator<void, T, void>;

/** The longest time without a pause, in ms. */
const SLICE_MS = 8;

/** The result of all the steps, without a pause. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** The result of all the steps, with a turn of the event loop after each slice. */
export async function inSlices<T>(steps: Steps<T>, clock: Clock): Promise<T> {
  for (let endMs = clock.now() + SLICE_MS;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
    if (clock.now() < endMs) continue;
    await sleepUntil(clock, clock.now());
    endMs = clock.now() + SLICE_MS;
  }
}
