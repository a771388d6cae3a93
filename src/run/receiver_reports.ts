/**
 * Lines on how a run's receivers fare, in Influx line protocol for receivers of it. They are made
 * while a receiver is in trouble, and once after that: a run whose receivers are well sends none.
 */
import { droppedLines, type ReceiverState } from "../domain/receiver.ts";
import { receiversInflux } from "../format/receiver_metrics.ts";
import type { Step } from "../format/record_format.ts";
import { type Cancel, type Clock, repeat } from "../time/clock.ts";
import { wallTime } from "../time/wall_anchor.ts";

/** How often a trouble is told of. */
export const REPORT_EVERY_MS = 10_000;

export interface ReceiverReportPorts {
  readonly clock: Clock;
  readonly states: () => readonly ReceiverState[];
  readonly write: (steps: Iterable<Step>) => void;
  /** This machine's name, a tag. */
  readonly host: string;
}

/** Reports until it is cancelled. */
export function reportReceivers({ clock, states, write, host }: ReceiverReportPorts): Cancel {
  let droppedBefore = 0;
  let troubledBefore = false;
  return repeat(clock, REPORT_EVERY_MS, () => {
    const now = states();
    const dropped = droppedLines(now.flatMap(({ drops }) => drops));
    const troubled = dropped > droppedBefore || now.some(({ delivering }) => !delivering);
    if (troubled || troubledBefore) {
      write(receiversInflux(now, host, wallTime(clock)));
    }
    [droppedBefore, troubledBefore] = [dropped, troubled];
  });
}
