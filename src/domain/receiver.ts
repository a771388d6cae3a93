/** How the receivers of a run's exports fare: what every output and the status say about them. */

/**
 * Why a line did not arrive, and the words for it. `full`: it made room for newer ones, or did not fit. `late`: it says
 * "now" and waited too long. `refused`: the receiver would not have it. `unsent`: it could not be sent,
 * or its answer never came. `ended`: the program ended first.
 */
export const DROP_WORDS = {
  full: "no room",
  late: "too late",
  refused: "refused",
  unsent: "not sent or not answered",
  ended: "left at the end",
} as const;
export type DropReason = keyof typeof DROP_WORDS;
export const DROP_REASONS = Object.keys(DROP_WORDS) as readonly DropReason[];

/** Dropped lines by reason. */
export type DropCounts = readonly (readonly [DropReason, number])[];

/** One receiver that lines, or OpenTelemetry's points, are pushed to. */
export interface ReceiverState {
  /** As notices name it, without passwords: `influx-http://db:8086`. Each receiver of a run has its own. */
  readonly where: string;
  /** Whether the last attempt delivered something; true before the first one. */
  readonly delivering: boolean;
  /** Lines whose fate is open: queued, or sent and not answered. */
  readonly waiting: number;
  readonly drops: DropCounts;
}

/** Dropped lines of all reasons together. */
export function droppedLines(drops: DropCounts): number {
  return drops.reduce((sum, [, lines]) => sum + lines, 0);
}

/** `12 (7 no room, 5 refused)`. */
export function dropsText(drops: DropCounts): string {
  const total = droppedLines(drops);
  const reasons = drops.map(([reason, lines]) => `${lines} ${DROP_WORDS[reason]}`);
  return reasons.length === 0 ? String(total) : `${total} (${reasons.join(", ")})`;
}

/** A line of a status: `influx-http://db:8086: does not deliver, 40 lines wait, 12 dropped (12 no room)`. */
export function receiverText({ where, delivering, waiting, drops }: ReceiverState): string {
  const wait = `${waiting} ${waiting === 1 ? "line waits" : "lines wait"}`;
  const dropped = drops.length === 0 ? "none dropped" : `dropped ${dropsText(drops)}`;
  return `${where}: ${delivering ? "delivers" : "does not deliver"}, ${wait}, ${dropped}`;
}

/** The states under names of their own: the second receiver of a name has `#2` behind it. */
export function namedApart(states: readonly ReceiverState[]): readonly ReceiverState[] {
  const seen = new Map<string, number>();
  return states.map((state) => {
    const times = (seen.get(state.where) ?? 0) + 1;
    seen.set(state.where, times);
    return times === 1 ? state : { ...state, where: `${state.where}#${times}` };
  });
}
