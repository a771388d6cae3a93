/** The probe's live table: which targets are shown, in which order, and what is said above them. */
import type { ProbeRecord } from "../domain/probe_record.ts";
import type { Target } from "../domain/target.ts";
import type { LivePaint } from "../format/paint.ts";
import { elapsedText, layoutOf, liveTable, type LiveTotals } from "../format/live_table.ts";
import type { Key } from "../sink/keys.ts";
import { COARSE_BITS, Histogram } from "../stats/histogram.ts";
import type { TargetStats } from "../stats/target_stats.ts";
import type { Clock } from "../time/clock.ts";
import { durationText } from "../text/duration.ts";
import type { LiveContent } from "../sink/live_screen.ts";
import { byName, markOf, TargetRow, worstFirst } from "./live_row.ts";

/** Quantiles of at most so many targets a frame, beside those shown: a frame is brief. */
const MAX_FIGURED = 500;
/** Rows do not change places more often than this, unless a key asks for it. */
const REORDER_MS = 1000;

/** What the table shows of a lane of the loop. */
export interface LiveLane {
  readonly target: Target;
  readonly stats: TargetStats;
  /** Probes sent so far, those in flight included. */
  readonly sent: number;
}

export interface LiveRun {
  readonly lanes: readonly LiveLane[];
  /** What is probed, for the first line. */
  title(targets: readonly Target[]): string;
  /** Where the run ends by itself; null for nowhere. */
  readonly count: number | null;
  readonly durationMs: number | null;
  readonly paint: LivePaint;
  readonly clock: Clock;
  /** Whether the keyboard can be read. */
  readonly keys: boolean;
  /** What was said on stderr of late, or null. */
  notice(nowMs: number): string | null;
}

interface Order {
  readonly words: string;
  sort(given: readonly TargetRow[]): TargetRow[];
  /** Figures decide, so it changes as they do. */
  readonly moves: boolean;
}

const WORST_FIRST: Order = {
  words: "worst first",
  sort: (given) => given.toSorted(worstFirst),
  moves: true,
};

/** By the keys that ask for them. */
const ORDERS: ReadonlyMap<Key, Order> = new Map([
  ["w", WORST_FIRST],
  ["n", { words: "by name", sort: (given) => given.toSorted(byName), moves: false }],
  ["o", { words: "as given", sort: (given) => [...given], moves: false }],
]);

export class LiveTargets implements LiveContent {
  #run: LiveRun;
  #startMs: number;
  #rows = new WeakMap<Target, TargetRow>();
  /** Those that are probed now, as they were given, and as they are shown. */
  #given: TargetRow[] = [];
  #ordered: TargetRow[] = [];
  #order = WORST_FIRST;
  #orderedMs = -Infinity;
  #lag = new Histogram(COARSE_BITS);
  #nameColumns = 0;
  /** The first row shown, and how many were shown last. */
  #before = 0;
  #page = 1;
  /** Where the next figures are brought up to date. */
  #figureAt = 0;
  #help = false;

  constructor(run: LiveRun) {
    this.#run = run;
    this.#startMs = run.clock.now();
    this.#takeLanes();
  }

  /** Notes a probe whose fate is known; little work, since there may be many. */
  record(record: ProbeRecord): void {
    // A target that a reload brought may answer before the next frame.
    if (!this.#rows.has(record.target)) this.#takeLanes();
    this.#rows.get(record.target)?.add(markOf(record));
    if (record.outcome !== "unresolved" && record.outcome !== "error") this.#lag.add(record.lagUs);
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
    const { clock, keys, paint, title, lanes } = this.#run;
    const now = clock.now();
    this.#keepOrder(now);
    const notice = this.#run.notice(now);
    const layout = layoutOf(columns, height, { notice: notice !== null, help: this.#help });
    this.#page = Math.max(1, layout.rows);
    this.#keepWithin();
    const rows = this.#ordered.slice(this.#before, this.#before + this.#page);
    for (const row of rows) row.figure();
    const table = {
      title: title(lanes.map(({ target }) => target)),
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

  /** The last page is a full one, where there is a full one. */
  #keepWithin(): void {
    const last = Math.max(0, this.#ordered.length - this.#page);
    this.#before = Math.max(0, Math.min(this.#before, last));
  }

  /** The rows of the lanes there are; those that were there before keep their history. */
  #takeLanes(): void {
    this.#given = this.#run.lanes.map(({ target, stats }) => {
      const known = this.#rows.get(target);
      if (known !== undefined) return known;
      const row = new TargetRow(stats);
      this.#rows.set(target, row);
      this.#nameColumns = Math.max(this.#nameColumns, row.nameColumns);
      return row;
    });
    this.#orderedMs = -Infinity;
  }

  /** Puts the rows in order: anew when the targets changed, and now and then where figures decide. */
  #keepOrder(now: number): void {
    const { lanes } = this.#run;
    const changed = lanes.length !== this.#given.length ||
      lanes.some(({ target }, i) => target !== this.#given[i].target);
    if (changed) this.#takeLanes();
    this.#figureSome();
    const again = this.#order.moves && now - this.#orderedMs >= REORDER_MS;
    if (!again && this.#orderedMs > -Infinity) return;
    this.#orderedMs = now;
    this.#ordered = this.#order.sort(this.#given);
  }

  /** A part of the figures, the next part with the next frame: what the order goes by. */
  #figureSome(): void {
    const rows = this.#given;
    let left = MAX_FIGURED;
    for (let i = 0; i < rows.length && left > 0; i++) {
      this.#figureAt = (this.#figureAt + 1) % rows.length;
      if (rows[this.#figureAt].figure()) left--;
    }
  }

  #totals(): LiveTotals {
    const totals = { sent: 0, answered: 0, lost: 0, skipped: 0, errors: 0 };
    for (const row of this.#ordered) {
      totals.sent += row.sent;
      totals.answered += row.answered;
      totals.lost += row.lost;
      totals.skipped += row.skipped;
      totals.errors += row.errors;
    }
    const lagP99Us = this.#lag.count === 0 ? null : this.#lag.quantile(0.99);
    return { targets: this.#ordered.length, ...totals, lagP99Us };
  }

  /** The time so far, and where a run has an end, how near that is. */
  #progress(now: number): string {
    const { count, durationMs, lanes } = this.#run;
    const elapsedMs = now - this.#startMs;
    const elapsed = elapsedText(elapsedMs);
    const shares = [];
    if (durationMs !== null) shares.push(elapsedMs / durationMs);
    if (count !== null && lanes.length > 0) {
      const sent = lanes.reduce((sum, lane) => sum + Math.min(lane.sent, count), 0);
      shares.push(sent / (count * lanes.length));
    }
    if (shares.length === 0) return elapsed;
    const percent = Math.floor(Math.min(1, Math.max(...shares)) * 100);
    const end = durationMs === null ? "" : ` of ${durationText(durationMs)}`;
    return `${elapsed}${end}, ${percent}%`;
  }
}
