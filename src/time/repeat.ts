/** Something done again and again. */
import type { Cancel, Clock } from "./clock.ts";

/** Calls back this often, from one span on, until it is taken back. */
export function repeat(clock: Clock, everyMs: number, action: () => void): Cancel {
  let cancel: Cancel = () => {};
  const turn = () => {
    action();
    arm();
  };
  const arm = () => {
    cancel = clock.wakeAt(clock.now() + everyMs, turn);
  };
  arm();
  return () => cancel();
}
