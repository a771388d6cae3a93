/** The probe's live table: which targets are shown, in which order, and what is said above them. */
import type { HostPressure } from "../domain/host_pressure.ts";
import { progressPercent } from "../text/number.ts";
import type { Target } from "../domain/target.ts";
import type { LivePaint } from "../format/paint.ts";
import { layoutOf, liveTable, type LiveTotals } from "../format/live_table.ts";
import { durationText, elapsedText } from "../text/duration.ts";
import type { Key } from "../sink/keys.ts";
import { COARSE_BITS, Histogram } from "../stats/histogram.ts";
import type { TargetStats } from "../stats/target_stats.ts";
import type { Clock } from "../time/clock.ts";
import type { LiveContent } from "../sink/live_screen.ts";
import { fateOf } from "../domain/outcome.ts";
import { isRepeated, lagOf, NONE, type ProbeRecord } from "../domain/probe_record.ts";
import { columnsOf, showable } from "../text/columns.ts";
import type { LiveRow } from "../format/live_table.ts";
import { MARK } from "../format/sparkline.ts";

/** What the table shows of a scheduled target. */
export interface LiveTarget {
  readonly target: Target;
  readonly stats: TargetStats;
  /** Probes sent so far, those in flight included. */
  readonly sent: number;
}

export interface LiveRun {
  readonly entries: readonly LiveTarget[];
  /** What is probed, for the first line. */
  title(targets: readonly Target[]): string;
  /** The run's end, by count and by time; null for none. */
  readonly count: number | null;
  readonly durationMs: number | null;
  readonly paint: LivePaint;
  readonly clock: Clock;
  /** Whether the keyboard can be read. */
  readonly keys: boolean;
  /** How short this host is of CPU, memory and IO. */
  pressure(): HostPressure | null;
  /** What was said on stderr of late, or null. */
  notice(nowMs: number): string | null;
}

interface Order {
  readonly words: string;
  sort(given: readonly TargetRow[]): TargetRow[];
  /** The order depends on figures, so it is computed again. */
  readonly moves: boolean;
}

const WORST_FIRST: Order = {
  words: "worst first",
  sort: (given) => given.toSorted(worstFirst),
  moves: true,
};

/** Each order under its key. */
const ORDERS: ReadonlyMap<Key, Order> = new Map([
  ["w", WORST_FIRST],
  ["n", { words: "by name", sort: (given) => given.toSorted(byName), moves: false }],
  ["o", { words: "as given", sort: (given) => [...given], moves: false }],
]);

/** Targets beside those shown whose quantiles are computed for one frame, so that a frame is short. */
const MAX_FIGURED = 500;
/** Rows do not change places more often than this, unless a key asks for it. */
const REORDER_MS = 1000;

export class LiveTargets implements LiveContent {
  #run: LiveRun;
  #startMs: number;
  #rows = new WeakMap<Target, TargetRow>();
  /** The targets probed now: in the given order, and in the order shown. */
  #given: TargetRow[] = [];
  #ordered: TargetRow[] = [];
  #order = WORST_FIRST;
  #orderedMs = -Infinity;
  #lag = new Histogram(COARSE_BITS);
  #nameColumns = 0;
  /** The first row shown, and how many were shown last. */
  #before = 0;
  #page = 1;
  /** The row whose figures were updated last. */
  #figureAt = 0;
  #help = false;

  constructor(run: LiveRun) {
    this.#run = run;
    this.#startMs = run.clock.now();
    this.#takeEntries();
  }

  /** Adds a probe whose outcome is known. Cheap, since probes may be many. */
  record(record: ProbeRecord): void {
    // A target that a reload brought may answer before the next frame.
    if (!this.#rows.has(record.target)) this.#takeEntries();
    this.#rows.get(record.target)?.add(markOf(record));
    const lagUs = lagOf(record);
    if (lagUs !== NONE) this.#lag.add(lagUs);
  }

  skip(target: Target, probes: number): void {
    this.#rows.get(target)?.skip(probes);
  }

  key(key: Key): void {
    const order = ORDERS.get(key);
    if (order !== undefined) {
      this.#order = order;
      this.#orderedMs = -Infinity;
      this.#before = 0;
    }
    if (key === "?") this.#help = !this.#help;
    if (key === "up") this.#before--;
    if (key === "down") this.#before++;
    if (key === "page-up") this.#before -= this.#page;
    if (key === "page-down" || key === " ") this.#before += this.#page;
    if (key === "home") this.#before = 0;
    if (key === "end") this.#before = Infinity;
    this.#keepWithin();
  }

  lines(columns: number, height: number): readonly string[] {
    const { clock, keys, paint, title, entries } = this.#run;
    const now = clock.now();
    this.#keepOrder(now);
    const notice = this.#run.notice(now);
    const layout = layoutOf(columns, height, { notice: notice !== null, help: this.#help });
    this.#page = Math.max(1, layout.rows);
    this.#keepWithin();
    const rows = this.#ordered.slice(this.#before, this.#before + this.#page);
    for (const row of rows) row.figure();
    const table = {
      title: title(entries.map(({ target }) => target)),
      progress: this.#progress(now),
      totals: this.#totals(),
      rows,
      before: this.#before,
      order: this.#order.words,
      nameColumns: this.#nameColumns,
      notice,
      keys,
    };
    return liveTable(table, layout, columns, paint);
  }

  /** Keeps the first row shown such that the last page is full. */
  #keepWithin(): void {
    const last = Math.max(0, this.#ordered.length - this.#page);
    this.#before = Math.max(0, Math.min(this.#before, last));
  }

  /** Makes the rows of the targets probed now. Known targets keep their history. */
  #takeEntries(): void {
    this.#given = this.#run.entries.map(({ target, stats }) => {
      const known = this.#rows.get(target);
      if (known !== undefined) return known;
      const row = new TargetRow(stats);
      this.#rows.set(target, row);
      this.#nameColumns = Math.max(this.#nameColumns, row.nameColumns);
      return row;
    });
    this.#orderedMs = -Infinity;
  }

  /** Sorts the rows: when the targets changed, and every REORDER_MS where the order depends on figures. */
  #keepOrder(now: number): void {
    const { entries } = this.#run;
    const changed = entries.length !== this.#given.length ||
      entries.some(({ target }, i) => target !== this.#given[i].target);
    if (changed) this.#takeEntries();
    this.#figureSome();
    const again = this.#order.moves && now - this.#orderedMs >= REORDER_MS;
    if (!again && this.#orderedMs > -Infinity) return;
    this.#orderedMs = now;
    this.#ordered = this.#order.sort(this.#given);
  }

  /** Updates the figures of some rows; the next frame updates the next ones. */
  #figureSome(): void {
    const rows = this.#given;
    let left = MAX_FIGURED;
    for (let i = 0; i < rows.length && left > 0; i++) {
      this.#figureAt = (this.#figureAt + 1) % rows.length;
      if (rows[this.#figureAt].figure()) left--;
    }
  }

  #totals(): LiveTotals {
    const totals = { sent: 0, waiting: 0, answered: 0, lost: 0, skipped: 0, notSent: 0 };
    for (const row of this.#ordered) {
      totals.sent += row.sent;
      totals.waiting += row.waiting;
      totals.answered += row.answered;
      totals.lost += row.lost;
      totals.skipped += row.skipped;
      totals.notSent += row.notSent;
    }
    const lagP99Us = this.#lag.count === 0 ? null : this.#lag.quantile(0.99);
    const pressure = this.#run.pressure();
    return { targets: this.#ordered.length, ...totals, lagP99Us, pressure };
  }

  /** The time so far and, where the run has an end, the share that is done. */
  #progress(now: number): string {
    const { count, durationMs, entries } = this.#run;
    const elapsedMs = now - this.#startMs;
    const elapsed = elapsedText(elapsedMs);
    const shares = [];
    if (durationMs !== null) shares.push(elapsedMs / durationMs);
    if (count !== null && entries.length > 0) {
      const sent = entries.reduce((sum, entry) => sum + Math.min(entry.sent, count), 0);
      shares.push(sent / (count * entries.length));
    }
    if (shares.length === 0) return elapsed;
    const end = durationMs === null ? "" : ` of ${durationText(durationMs)}`;
    return `${elapsed}${end}, ${progressPercent(Math.max(...shares))}`;
  }
}

/** Probes kept for the sparkline; a wider screen shows no more. */
export const HISTORY = 128;
/** Numbers in names are compared as numbers up to this many digits. */
const DIGITS = 10;

/** What a probe adds to the sparkline: its time in µs, or a MARK. */
export function markOf(record: ProbeRecord): number {
  const { outcome, rttUs, connectUs } = record;
  if (outcome === "refused") return MARK.refused;
  const fate = fateOf(outcome);
  if (fate === "lost") return MARK.lost;
  if (fate === "unsent") return MARK.unsent;
  if (isRepeated(record)) return MARK.retransmitted;
  return rttUs === NONE ? connectUs : rttUs;
}

export class TargetRow implements LiveRow {
  readonly target: Target;
  readonly name: string;
  readonly nameColumns: number;
  /** Sorts names with numbers as people do: db-9 before db-10. */
  readonly sortKey: string;
  leastUs = Infinity;
  p50Us: number | null = null;
  p99Us: number | null = null;
  maxUs: number | null = null;
  standIn = false;
  #stats: TargetStats;
  #history = new Int32Array(HISTORY);
  #added = 0;
  /** Probes that the figures cover. */
  #figured = 0;

  constructor(stats: TargetStats) {
    this.#stats = stats;
    this.target = stats.target;
    this.name = showable(stats.target.name);
    this.nameColumns = columnsOf(this.name);
    this.sortKey = this.name.replaceAll(/[0-9]+/g, (digits) => digits.padStart(DIGITS, "0"));
  }

  get sent(): number {
    return this.#stats.sent;
  }

  get waiting(): number {
    return this.#stats.tally.waiting;
  }

  get answered(): number {
    return this.#stats.answered;
  }

  get lost(): number {
    return this.#stats.tally.lost;
  }

  get skipped(): number {
    return this.#stats.tally.skipped;
  }

  get notSent(): number {
    return this.#stats.tally.notSent;
  }

  get synRetransmits(): number | null {
    return this.#stats.tally.synRetransmits;
  }

  get last(): number | null {
    return this.#added === 0 ? null : this.#history[(this.#added - 1) % HISTORY];
  }

  add(mark: number): void {
    this.#history[this.#added++ % HISTORY] = mark;
    if (mark >= 0 && mark < this.leastUs) this.leastUs = mark;
  }

  skip(probes: number): void {
    for (let i = Math.min(probes, HISTORY); i > 0; i--) this.add(MARK.skipped);
  }

  *history(count: number): Iterable<number> {
    const from = Math.max(0, this.#added - Math.min(count, HISTORY));
    for (let i = from; i < this.#added; i++) yield this.#history[i % HISTORY];
  }

  /** Brings the figures up to date; true when there was something to do. */
  figure(): boolean {
    const known = this.sent - this.waiting;
    if (known === this.#figured) return false;
    this.#figured = known;
    const { shown } = this.#stats.tally;
    if (shown === null) return true;
    this.standIn = shown.kind !== "rtt";
    this.p50Us = shown.delays.quantile(0.5);
    this.p99Us = shown.delays.quantile(0.99);
    this.maxUs = shown.delays.quantile(1);
    return true;
  }

  /** From 0 (all answered) to 1 (none answered, or none could be sent). */
  get badness(): number {
    const known = this.sent - this.waiting;
    if (known > 0) return this.lost / known;
    return this.notSent > 0 ? 1 : 0;
  }
}

/** Loss first, then p99. */
export function worstFirst(a: TargetRow, b: TargetRow): number {
  return b.badness - a.badness || (b.p99Us ?? 0) - (a.p99Us ?? 0);
}

export function byName(a: TargetRow, b: TargetRow): number {
  return a.sortKey < b.sortKey ? -1 : a.sortKey > b.sortKey ? 1 : 0;
}
