/** A comparison for people: the answer, a table of the distributions, then the findings. */
import { counted, wrap } from "../text/words.ts";
import { cells, type Column } from "../text/columns.ts";
import type { Comparison, Extra, LiveFigures, Side, Verdict } from "../domain/comparison.ts";
import type { Summary } from "../domain/summary.ts";
import { targetTitle } from "../domain/target.ts";
import { durationText } from "../text/duration.ts";
import { millisInEight } from "../text/number.ts";
import { headline } from "./compare_headline.ts";
import { hasSentence, sentenceOf } from "./compare_sentences.ts";
import type { Paint } from "./paint.ts";

/** The columns behind the name, with their widths. */
const COLUMNS: readonly Column[] = [
  ["sent", 6],
  ["lost", 5],
  ["again", 6],
  ["count", 6],
  ["min", 9],
  ["p50", 9],
  ["p90", 9],
  ["p99", 9],
  ["max ms", 9],
];
const NAME_COLUMN = 11;
const NOTHING = "-";
/** Sentences are folded here, however wide the terminal is. */
const MOST_TEXT_COLUMNS = 92;
const INDENT = "  ";
/** A figure and its unit stay together. */
export const UNBROKEN = / (?!ms\b)/;

/** A block a target: a title, the answer, the table, the findings. */
export function comparisonText(comparison: Comparison, paint: Paint, columns: number): string {
  const { target, address, sides, live } = comparison;
  const { cold, connect, handshake } = sides;
  const head = `--- ${targetTitle(target, address)} ---`;
  const answer = folded(headline(comparison), painter(comparison, paint), columns);
  if (address === "") return lines(["", head, ...answer]);
  return lines([
    "",
    head,
    ...answer,
    "",
    scheduleLine(comparison),
    "".padEnd(NAME_COLUMN) + cells(COLUMNS.map(([name]) => name), COLUMNS),
    extraRow("ping", sides.ping, paint),
    row("handshake", handshake, handshake, paint),
    row("  cold", null, cold, paint),
    row("  connect", null, connect, paint),
    extraRow("knock", sides.knock, paint),
    ...liveRow(live),
    ...notes(comparison, paint),
    "",
    ...sentences(comparison, paint, columns),
  ]);
}

const PAINTS: Readonly<Record<Verdict, (paint: Paint) => (text: string) => string>> = {
  yes: (paint) => paint.bad,
  unclear: (paint) => paint.warn,
  no: () => (text) => text,
};

/** How the answer is painted. */
export function painter(
  { conclusion }: Comparison,
  paint: Paint,
): (text: string) => string {
  return conclusion === null ? paint.bad : PAINTS[conclusion.verdict](paint);
}

/** Of a diagnostic that may be left out. */
function extraRow(name: Extra, side: Side | null, paint: Paint): string {
  if (side === null) return `${name.padEnd(NAME_COLUMN)}   left out`;
  return row(name, side, side, paint);
}

function scheduleLine({ schedule: { count, intervalMs, burst }, ping, knock }: Comparison): string {
  const extras = [...(ping === null ? [] : ["an echo"]), ...(knock === null ? [] : ["a knock"])];
  const turns = [`${burst} handshakes (the first is cold)`, ...extras];
  const slots = `${counted(count, "slot")} of ${durationText(intervalMs)}`;
  return `${slots}, in each ${turns.join(", ")}`;
}

function row(name: string, counts: Side | null, { delays }: Side, paint: Paint): string {
  const shown = counts === null
    ? ["", "", ""]
    : [counts.sent, counts.lost, counts.again].map(String);
  const figures = delays === null
    ? ["0", ...new Array<string>(5).fill(NOTHING)]
    : [String(delays.count), ...quantiles(delays)];
  const line = name.padEnd(NAME_COLUMN) + cells([...shown, ...figures], COLUMNS);
  return counts !== null && counts.lost + counts.again > 0 ? paint.bad(line) : line;
}

function quantiles(
  { minUs, p50Us, p90Us, p99Us, maxUs }: NonNullable<Side["delays"]>,
): string[] {
  return [minUs, p50Us, p90Us, p99Us, maxUs].map(millisInEight);
}

/** Segments sent and sent again, and round trips of the connections that were there anyway. */
function liveRow(live: LiveFigures | null): string[] {
  if (live === null) return [];
  const { segmentsOut, segmentsRetransmitted, rtt, replyRtt, minRttUs } = live;
  const spread = rtt ?? replyRtt;
  const mark = rtt === null ? "~" : "";
  // A column has room for eight characters and a space.
  const marked = (us: number) => (mark + millisInEight(us)).slice(0, 8).replace(/\.$/, "");
  const figures = [
    minRttUs === null ? NOTHING : millisInEight(minRttUs),
    spread === null ? NOTHING : marked(spread.p50Us),
    NOTHING,
    NOTHING,
    spread === null ? NOTHING : marked(spread.maxUs),
  ];
  const counts = [String(segmentsOut), "", String(segmentsRetransmitted), `${spread?.count ?? 0}`];
  return ["live".padEnd(NAME_COLUMN) + cells([...counts, ...figures], COLUMNS)];
}

/** Counts that have no column, where there is something to count. */
function notes({ handshake, ping, knock, sides, live }: Comparison, paint: Paint): string[] {
  const all: [string, Summary | null, Side | null][] = [
    ["ping", ping, sides.ping],
    ["handshake", handshake, sides.handshake],
    ["knock", knock, sides.knock],
  ];
  const noted = all.flatMap(([name, summary, side]) => {
    if (summary === null || side === null) return [];
    const { unreachable, skipped, notSent } = summary;
    const parts = [
      [side.refused, `${side.refused} refused`],
      [unreachable, `${unreachable} unreachable`],
      [skipped, `${skipped} skipped`],
      [notSent, `${notSent} not sent`],
    ].flatMap(([count, text]) => count === 0 ? [] : [text]);
    return parts.length === 0 ? [] : [paint.warn(`${name}: ${parts.join(", ")}`)];
  });
  const waits = live !== null && live.rtt === null && live.replyRtt !== null;
  return waits
    ? [...noted, "~ acknowledgements may have waited for replies: the service's thinking is in it"]
    : noted;
}

function sentences(comparison: Comparison, paint: Paint, columns: number): string[] {
  return comparison.findings.filter(hasSentence).flatMap((finding) =>
    folded(
      sentenceOf(finding, comparison),
      finding.answer === "same" ? (text) => text : paint.warn,
      columns,
    )
  );
}

/** A sentence in lines of at most `columns`; all but the first are indented. */
export function folded(
  sentence: string,
  paint: (text: string) => string,
  columns: number,
): string[] {
  const width = Math.min(columns, MOST_TEXT_COLUMNS) - INDENT.length;
  return wrap(sentence.split(UNBROKEN), width).map((line, i) =>
    paint(i === 0 ? line : INDENT + line)
  );
}

function lines(all: readonly string[]): string {
  return all.map((line) => `${line}\n`).join("");
}
