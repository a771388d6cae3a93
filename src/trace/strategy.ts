/**
 * The rules of a trace, without its state: which probe may be sent now, when a silent hop is passed
 * by, when nothing is left to do. How many probes meet the target follows from this file alone.
 */
import type { Concurrency } from "./hop_prober.ts";

/** Hops tried beyond the farthest that has answered, or is overdue. */
export const WINDOW_HOPS = 3;
/** A hop is overdue after so many times what the slowest nearer one took, and after this long at least. */
export const OVERDUE_FACTOR = 3;
export const LEAST_OVERDUE_MS = 100;
/** Probes of a flow that meet the target, at most. */
export const MAX_AT_TARGET = 16;
/** One of them shows whether the target answers all it meets, once it has answered from afar. */
const PROOFS = 1;
/**
 * This many answers of the target in a round show that the silence of nearer hops is not the
 * target's own.
 */
const PROVEN_ANSWERS = 2;
/**
 * A host that limits its ICMP answers once a second (Linux: icmp_ratelimit), give or take the way.
 */
export const LIMITED_HOST_MS = 1100;
/** Where the target answers one SYN of a flow at a time: until it has met the reset of the one before. */
export const SETTLED_ROUND_TRIPS = 1.5;

export interface Rules {
  readonly firstHop: number;
  readonly maxHops: number;
  /** Probes of each flow to each hop. */
  readonly queries: number;
  readonly timeoutMs: number;
  readonly concurrency: Concurrency;
}

export type ProbeState = "waiting" | "answered" | "lost";

/** A probe as far as the rules look at it. */
export interface ProbeView {
  readonly state: ProbeState;
  readonly sentMs: number;
}

/** One flow's round so far. */
export interface FlowView {
  /** The probes to each hop; sparse, by hops. */
  readonly cells: readonly (readonly ProbeView[] | undefined)[];
  /** The farthest hop at which a router has answered; below the first hop for none. */
  readonly farthestRouter: number;
  /** Where the path ends, by an answer in this round; else Infinity. */
  readonly end: number;
  /** How many answers have come from there, those to farther probes too. */
  readonly endAnswers: number;
  /** From when on the end is asked again. */
  readonly endFromMs: number;
  /** The slowest answer of a router or the target yet, by hops; sparse. */
  readonly slowestMs: readonly (number | undefined)[];
  /** How far the path went in earlier rounds; 0 for nothing known. */
  readonly knownLength: number;
  /** Hops that have never answered in earlier rounds. */
  readonly knownSilent: ReadonlySet<number>;
}

/** How long a hop may be silent before farther ones are tried. */
export function overdueMs({ slowestMs }: FlowView, hops: number): number {
  let nearer = 0;
  for (let at = 1; at < hops; at++) nearer = Math.max(nearer, slowestMs[at] ?? 0);
  return Math.max(LEAST_OVERDUE_MS, OVERDUE_FACTOR * nearer);
}

/** Up to where the path is known, or has been silent for long enough. */
export function frontier(view: FlowView, rules: Rules, nowMs: number): number {
  let reached = Math.max(view.farthestRouter, rules.firstHop - 1);
  for (let hops = reached + 1; hops < view.cells.length && hops < view.end; hops++) {
    const first = view.cells[hops]?.[0];
    if (first === undefined) break;
    if (isOverdue(view, hops, first, nowMs)) reached = hops;
  }
  return reached;
}

/** The next probe's hop, nearest first; 0 where none may be sent now. */
export function nextHop(view: FlowView, rules: Rules, nowMs: number): number {
  if (rules.concurrency === "one-a-flow") return nextAlone(view, rules, nowMs);
  const reached = frontier(view, rules, nowMs);
  const window = reached < view.knownLength ? view.knownLength : reached + WINDOW_HOPS;
  const limit = Math.min(rules.maxHops, view.end);
  for (let hops = rules.firstHop; hops <= limit; hops++) {
    const sent = view.cells[hops]?.length ?? 0;
    if (sent === 0 && hops <= window) {
      if (hops <= Math.max(view.farthestRouter, view.knownLength)) return hops;
      const tried = exploringHop(view, rules, hops, nowMs);
      if (tried !== 0) return tried;
    }
    if (sent > 0 && sent < rules.queries && mayRepeat(view, rules, hops, nowMs)) return hops;
  }
  return provingHop(view, rules, nowMs);
}

/** Whether nothing can come any more, and nothing may be sent: the round is over. */
export function isDone(view: FlowView, rules: Rules, nowMs: number): boolean {
  return nextHop(view, rules, nowMs) === 0 && nextMomentMs(view, rules, nowMs) === Infinity;
}

/** Whether all that is still waited for is overdue, so that the next round may begin. */
export function isSettled(view: FlowView, rules: Rules, nowMs: number): boolean {
  if (nextHop(view, rules, nowMs) !== 0 || rules.concurrency === "one-a-flow") {
    return isDone(view, rules, nowMs);
  }
  if (isEndAskedLater(view, rules, nowMs) || farthestFromMs(view, rules) > nowMs) return false;
  return view.cells.every((cell, hops) =>
    cell === undefined || isPast(view, hops) || view.knownSilent.has(hops) ||
    cell.every((probe) => probe.state !== "waiting" || isOverdue(view, hops, probe, nowMs))
  );
}

/** When to look again without any answer: a probe expires, a hop is overdue, the end may be asked. */
export function nextMomentMs(view: FlowView, rules: Rules, nowMs: number): number {
  let next = isEndAskedLater(view, rules, nowMs) ? view.endFromMs : Infinity;
  const farthestMs = farthestFromMs(view, rules);
  if (farthestMs > nowMs) next = Math.min(next, farthestMs);
  view.cells.forEach((cell, hops) => {
    if (cell === undefined || isPast(view, hops)) return;
    const overdue = overdueMs(view, hops);
    for (const { state, sentMs } of cell) {
      if (state !== "waiting") continue;
      const atMs = sentMs + overdue;
      next = Math.min(next, sentMs + rules.timeoutMs, atMs > nowMs ? atMs : Infinity);
    }
  });
  return next;
}

function isOverdue(
  view: FlowView,
  hops: number,
  { state, sentMs }: ProbeView,
  nowMs: number,
): boolean {
  return state === "lost" || state === "waiting" && nowMs - sentMs >= overdueMs(view, hops);
}

/**
 * Where the path is not known, a hop is asked once. As many probes may go unanswered as the target
 * may meet. The last of them is kept for the farthest hop, which is always tried. Where the target
 * has answered only once, from behind silent hops, the silence may be its own, and nothing more is
 * sent into it.
 */
function exploringHop(view: FlowView, rules: Rules, hops: number, nowMs: number): number {
  if (isEndAtMost(view)) return 0;
  const left = MAX_AT_TARGET - PROOFS - (rules.queries - 1) - mayBeAtTarget(view, nowMs);
  if (left <= 0) return 0;
  const isFarthestTried = (view.cells[rules.maxHops]?.length ?? 0) > 0;
  if (isFarthestTried || left > 1 && hops < rules.maxHops) return hops;
  return farthestFromMs(view, rules) <= nowMs ? rules.maxHops : 0;
}

/**
 * When the farthest hop may be tried. Behind silent hops this probe is the last chance of a round,
 * so it waits until a target that limits its ICMP answers again. Where more is known, a later round
 * tells.
 */
function farthestFromMs(view: FlowView, { maxHops }: Rules): number {
  const { farthestRouter, knownLength, end, cells } = view;
  const isLastChance = end === Infinity && knownLength === 0 && cells[maxHops] === undefined &&
    maxHops > farthestRouter + WINDOW_HOPS;
  if (!isLastChance) return -Infinity;
  let lastMs = -Infinity;
  for (const probe of cells.slice(farthestRouter + 1).flat()) {
    lastMs = Math.max(lastMs, probe?.sentMs ?? -Infinity);
  }
  return lastMs + LIMITED_HOST_MS;
}

/**
 * Whether the target answers all probes that it meets. Then unanswered probes to nearer hops did
 * not get there.
 */
function isEndProven({ endAnswers }: FlowView): boolean {
  return endAnswers >= PROVEN_ANSWERS;
}

/** Whether the target may be nearer than the hop that it answered at: silent hops before it prove nothing. */
export function isEndAtMost(view: FlowView): boolean {
  const { end, farthestRouter, knownLength } = view;
  return end < Infinity && end > Math.max(farthestRouter + 1, knownLength) && !isEndProven(view);
}

/** Whether what was sent so far tells nothing any more: it lies behind an end that is proven. */
function isPast(view: FlowView, hops: number): boolean {
  return hops > view.end && !isEndAtMost(view);
}

/**
 * A hop next to the end whose probe the target should answer, when no other probe can prove the
 * end; 0 for none.
 */
function provingHop(view: FlowView, rules: Rules, nowMs: number): number {
  if (!isEndAtMost(view)) return 0;
  const isAsked = view.cells.some((cell, hops) =>
    hops >= view.end && isWaiting(cell?.filter((probe) => !isOverdue(view, hops, probe, nowMs)))
  );
  if (isAsked) return 0;
  const beside = [view.end - 1, view.end + 1];
  return beside.find((hops) => hops <= rules.maxHops && view.cells[hops] === undefined) ?? 0;
}

/** Probes that the target has met, or may have met. */
function mayBeAtTarget(view: FlowView, nowMs: number): number {
  let count = view.endAnswers;
  view.cells.forEach((cell, hops) => {
    if (cell === undefined || hops <= view.farthestRouter) return;
    for (const probe of cell) {
      const isPassedBy = isEndProven(view) && isOverdue(view, hops, probe, nowMs);
      if (probe.state !== "answered" && !isPassedBy) count++;
    }
  });
  return count;
}

/**
 * Whether a hop may get a second probe: only where it is known to lie before the target, or to be the
 * target, so that no probe meets the target uncounted.
 */
function mayRepeat(view: FlowView, rules: Rules, hops: number, nowMs: number): boolean {
  if (hops < view.farthestRouter) return true;
  const isEnd = hops === view.end || hops === view.knownLength && view.end === Infinity;
  if (isEnd && rules.concurrency === "not-at-the-end") {
    return !isWaiting(view.cells[hops]) && nowMs >= view.endFromMs;
  }
  return hops <= Math.max(view.farthestRouter, view.knownLength) ||
    hops === view.end || hops < view.end && isEndProven(view);
}

function isEndAskedLater(view: FlowView, rules: Rules, nowMs: number): boolean {
  const cell = view.cells[view.end];
  return rules.concurrency === "not-at-the-end" && cell !== undefined &&
    cell.length < rules.queries && !isWaiting(cell) && nowMs < view.endFromMs;
}

/**
 * One probe at a time: each hop is asked once before any hop is asked again. A silent hop is not
 * asked again.
 */
function nextAlone(view: FlowView, rules: Rules, nowMs: number): number {
  if (view.cells.some(isWaiting)) return 0;
  const limit = Math.min(rules.maxHops, view.end);
  let best = 0;
  let fewest = rules.queries;
  for (let hops = rules.firstHop; hops <= limit; hops++) {
    const cell = view.cells[hops] ?? [];
    const isSilent = cell.length > 0 && cell.every(({ state }) => state === "lost");
    if (isSilent || cell.length === 0 && view.knownSilent.has(hops)) continue;
    const isExploring = cell.length === 0 && hops > Math.max(view.farthestRouter, view.knownLength);
    const tried = isExploring ? exploringHop(view, rules, hops, nowMs) : hops;
    if (tried !== 0 && cell.length < fewest) [best, fewest] = [tried, cell.length];
  }
  return best === 0 ? provingHop(view, rules, nowMs) : best;
}

function isWaiting(cell: readonly ProbeView[] | undefined): boolean {
  return cell?.some(({ state }) => state === "waiting") ?? false;
}
