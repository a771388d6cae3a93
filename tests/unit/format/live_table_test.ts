/** What a live table shows of its rows on screens of all sizes. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { columnsOf } from "../../../src/text/columns.ts";
import { type LivePaint, livePlain } from "../../../src/format/paint.ts";
import {
  layoutOf,
  type LiveRow,
  type LiveTable,
  liveTable,
} from "../../../src/format/live_table.ts";
import { MARK } from "../../../src/format/sparkline.ts";
import { property } from "../random.ts";

const marked: LivePaint = {
  ...livePlain,
  bad: (text) => `<bad ${text}>`,
  warn: (text) => `<warn ${text}>`,
};

function row(more: Partial<LiveRow> & { marks?: number[] } = {}): LiveRow {
  const marks = more.marks ?? [1000, 2000];
  return {
    waiting: 0,
    name: "db",
    sent: 2,
    lost: 0,
    answered: 2,
    last: marks.at(-1) ?? null,
    p50Us: 1000,
    p99Us: 2000,
    maxUs: 2000,
    standIn: false,
    synRetransmits: 0,
    leastUs: 1000,
    history: (count) => marks.slice(-count),
    ...more,
  };
}

function table(rows: LiveRow[], more: Partial<LiveTable> = {}): LiveTable {
  return {
    title: "probing db, every 1s",
    progress: "12s",
    totals: {
      targets: rows.length,
      waiting: 0,
      sent: 2,
      answered: 2,
      lost: 0,
      skipped: 0,
      notSent: 0,
      lagP99Us: 1500,
      pressure: null,
    },
    rows,
    before: 0,
    order: "worst first",
    nameColumns: Math.max(0, ...rows.map(({ name }) => columnsOf(name))),
    notice: null,
    keys: true,
    ...more,
  };
}

function draw(of: LiveTable, width: number, height: number, help = false): string[] {
  const layout = layoutOf(width, height, { notice: of.notice !== null, help });
  return liveTable(of, layout, width, livePlain);
}

/** The line of the only row, on a screen wide enough. */
function rowLine(of: LiveRow, paint = livePlain, width = 100): string {
  const only = table([of]);
  const layout = layoutOf(width, 5, { notice: false, help: false });
  return liveTable(only, layout, width, paint)[3];
}

Deno.test("a wide screen shows every figure under its title, and the sparkline", () => {
  assertEquals(draw(table([row()]), 85, 6), [
    "probing db, every 1s" + " ".repeat(62) + "12s",
    "1 target  2 answered  0 lost  0 skipped  lag p99 1.500 ms",
    "target    sent      last       p50       p99    max ms   loss  retr  history         ",
    "db           2     2.000     1.000     2.000     2.000   0.0%     0  ▁▂",
    "",
    "all 1, worst first  q quit  ? help  w n o order  PgUp PgDn page",
  ]);
});

Deno.test("a host that is short of something is said, since latency may be its own", () => {
  const { totals } = table([row()]);
  const lineOf = (cpu: number) => {
    const pressure = { cpu, memory: 0, io: 0.5, steal: null, throttled: 0.01 };
    return draw(table([row()], { totals: { ...totals, pressure } }), 100, 6)[1];
  };
  assertEquals(lineOf(0.82).slice(-38), "  host pressure: cpu 82.0 %, io 50.0 %");
  assertEquals(lineOf(0.1).slice(-26), "  host pressure: io 50.0 %");
});

Deno.test("narrower screens leave out what is worth least", () => {
  const titles = (width: number) => draw(table([row()]), width, 6)[2].trim();
  assertEquals(
    titles(72),
    "target    sent      last       p50       p99   loss  retr  history",
  );
  assertEquals(titles(60), "target      last       p50       p99   loss  retr  history");
  assertEquals(titles(52), "target      last       p50       p99   loss  retr");
  assertEquals(titles(43), "target      last       p50       p99   loss");
  assertEquals(titles(33), "target      last       p99   loss");
  assertEquals(titles(23), "target       p99   loss");
  assertEquals(titles(13), "target   loss");
  assertEquals(titles(6), "target");
});

Deno.test("lower screens leave out what is worth least, and the table itself last", () => {
  const first = (height: number) =>
    draw(table([row()]), 60, height).map((line) => line.slice(0, 8));
  assertEquals(first(1), ["db      "]);
  assertEquals(first(2), ["target  ", "db      "]);
  assertEquals(first(3), ["probing ", "target  ", "db      "]);
  assertEquals(first(4), ["probing ", "1 target", "target  ", "db      "]);
  assertEquals(first(5), ["probing ", "1 target", "target  ", "db      ", "all 1, w"]);
});

Deno.test("a name too long ends in an ellipsis where the figures need the room", () => {
  const name = "a-host-with-a-long-name.example:5432";
  assertStringIncludes(rowLine(row({ name }), livePlain, 55), "a-host-with…   ");
  assertStringIncludes(rowLine(row({ name }), livePlain, 100), `${name}  `);
});

Deno.test("wide signs in names do not push the figures", () => {
  const lines = draw(table([row({ name: "東京" }), row({ name: "oslo" })]), 70, 6);
  const at = lines.slice(3, 5).map((line) => columnsOf(line.slice(0, line.indexOf("2.000"))));
  assertEquals(at[0], at[1]);
});

Deno.test("what has no figure has a dash, and what has no time has a word", () => {
  const nothing = { p50Us: null, p99Us: null, maxUs: null, leastUs: Infinity };
  const silent = row({ ...nothing, lost: 2, answered: 0, synRetransmits: null, marks: [-1, -1] });
  assertEquals(
    rowLine(silent),
    "db           2      lost         -         -         - 100.0%     -  ××",
  );
  const fresh = row({ ...nothing, sent: 0, answered: 0, synRetransmits: null, marks: [] });
  assertEquals(
    rowLine(fresh).trimEnd(),
    "db           0         -         -         -         -      -     -",
  );
  const words = [MARK.refused, MARK.unsent, MARK.skipped, MARK.retransmitted]
    .map((mark) => rowLine(row({ marks: [mark] })).slice(14, 24).trim());
  assertEquals(words, ["refused", "not sent", "skipped", "SYN again"]);
});

Deno.test("figures that stand in for steady RTTs say so", () => {
  assertStringIncludes(rowLine(row({ standIn: true })), "    ~1.000    ~2.000    ~2.000");
});

Deno.test("a small loss is not rounded to none, and long times still fit their column", () => {
  assertStringIncludes(rowLine(row({ sent: 100_000, lost: 1 })), "  <0.1%  ");
  assertStringIncludes(rowLine(row({ maxUs: 60_000_000 })), "     60000   0.0%");
});

Deno.test("loss, retransmits and silent targets stand out", () => {
  const lossy = rowLine(row({ lost: 1, synRetransmits: 3, marks: [1000, MARK.lost] }), marked);
  assertStringIncludes(lossy, "db ");
  assertStringIncludes(lossy, "<bad       lost>");
  assertStringIncludes(lossy, "<bad   50.0%><warn      3>  ▁<bad ×>");
  assert(rowLine(row({ answered: 0, lost: 2, marks: [-1] }), marked).startsWith("<bad db    >"));
});

Deno.test("the foot says which rows are shown, and has room for a notice and for help", () => {
  const many = table([row(), row()], { before: 4 });
  const paged = { ...many, totals: { ...many.totals, targets: 9 } };
  assertEquals(draw(paged, 80, 6).at(-1)?.slice(0, 20), "5-6 of 9, worst firs");
  assertStringIncludes(draw({ ...paged, keys: false }, 80, 6).at(-1)!, "Ctrl-C ends");
  assertEquals(draw({ ...paged, notice: "db: moved" }, 80, 8).at(-2), "db: moved");
  const help = draw(paged, 80, 20, true);
  assertEquals(help.at(-1), "! answered after a SYN retransmit  r refused  ? not sent  · skipped");
  assertEquals(help.filter((line) => line.includes("q quit")).length, 1);
});

property("no screen gets a line too wide or a line too many", 300, (random) => {
  const rows = Array.from({ length: random.int(0, 12) }, () =>
    row({
      name: random.pick(["a", "東京の都", "host-1.example:5432", "x".repeat(70)]),
      waiting: 0,
      sent: random.pick([0, 7, 1_234_567]),
      lost: random.pick([0, 5]),
      p99Us: random.pick([null, 5, 999_999_999]),
      standIn: random.pick([true, false]),
      marks: Array.from({ length: random.int(0, 128) }, () => random.int(-5, 100_000)),
    }));
  const [width, height] = [random.int(1, 200), random.int(1, 30)];
  const notice = random.pick([null, "something happened ".repeat(8)]);
  const help = random.pick([true, false]);
  const lines = draw(table(rows, { notice }), width, height, help);
  assert(lines.length <= height, `${lines.length} lines on ${height}`);
  for (const line of lines) assert(columnsOf(line) <= width, `${width}: ${line}`);
});
