/** A comparison for people: a table of the distributions, then the findings. */
import { counted } from "../text/words.ts";
import { cells, type Column } from "../text/columns.ts";
import type { Answer, Comparison, Extra } from "../domain/comparison.ts";
import { type Distribution, lossRatio, shownDelays, type Summary } from "../domain/summary.ts";
import { targetTitle } from "../domain/target.ts";
import { durationText } from "../text/duration.ts";
import { sentenceOf, verdictSentence } from "./compare_sentences.ts";
import type { Paint } from "./paint.ts";
import { millisText, percent } from "../text/number.ts";

/** The columns behind the name, with their widths. */
const COLUMNS: readonly Column[] = [
  ["sent", 7],
  ["lost", 6],
  ["loss", 8],
  ["samples", 9],
  ["min", 10],
  ["p50", 10],
  ["p90", 10],
  ["p99", 10],
  ["max ms", 10],
];
const NAME_COLUMN = 11;
const NOTHING = "-";

/** A block a target: a title, the table, the verdict. */
export function comparisonText(comparison: Comparison, paint: Paint): string {
  const { target, address, handshake, ping, knock } = comparison;
  const head = `--- ${targetTitle(target, address)} ---`;
  if (address === "") return lines(["", head, paint.bad(verdictSentence(comparison))]);
  const { cold, connect } = handshake;
  return lines([
    "",
    head,
    scheduleLine(comparison),
    "",
    "".padEnd(NAME_COLUMN) + cells(COLUMNS.map(([name]) => name), COLUMNS),
    extraRow("ping", ping, paint),
    row("handshake", handshake, handshake.rtt, paint),
    row("  cold", null, cold, paint),
    row("  connect", null, connect, paint),
    extraRow("knock", knock, paint),
    ...notes(comparison, paint),
    "",
    ...verdictLines(comparison, paint),
  ]);
}

/** Of a diagnostic that may be left out. */
function extraRow(name: Extra, summary: Summary | null, paint: Paint): string {
  if (summary === null) return `${name.padEnd(NAME_COLUMN)}   left out`;
  return row(name, summary, shownDelays(summary), paint);
}

function scheduleLine({ schedule: { count, intervalMs, burst }, ping, knock }: Comparison): string {
  const extras = [...(ping === null ? [] : ["an echo"]), ...(knock === null ? [] : ["a knock"])];
  const turns = [`${burst} handshakes (the first is cold)`, ...extras];
  const slots = `${counted(count, "slot")} of ${durationText(intervalMs)}`;
  return `${slots}, in each ${turns.join(", ")}`;
}

function row(
  name: string,
  counts: Summary | null,
  delays: Distribution | null,
  paint: Paint,
): string {
  const [sent, lost, loss] = counts === null
    ? ["", "", ""]
    : [String(counts.sent), String(counts.lost), percent(lossRatio(counts))];
  const figures = delays === null
    ? ["0", ...new Array<string>(5).fill(NOTHING)]
    : [String(delays.count), ...quantiles(delays)];
  const line = name.padEnd(NAME_COLUMN) + cells([sent, lost, loss, ...figures], COLUMNS);
  return counts !== null && counts.lost > 0 ? paint.bad(line) : line;
}

function quantiles({ minUs, p50Us, p90Us, p99Us, maxUs }: Distribution): string[] {
  return [minUs, p50Us, p90Us, p99Us, maxUs].map(millisText);
}

/** Counts that have no column, where there is something to count. */
function notes({ handshake, ping, knock }: Comparison, paint: Paint): string[] {
  const all: [string, Summary | null][] = [
    ["ping", ping],
    ["handshake", handshake],
    ["knock", knock],
  ];
  return all.flatMap(([name, summary]) => {
    if (summary === null) return [];
    const { refused, unreachable, skipped, notSent, synRepeated, synCounted } = summary;
    const parts = [
      [refused, `${refused} refused`],
      [unreachable, `${unreachable} unreachable`],
      [synRepeated, `${synRepeated} of ${synCounted} took more than one SYN`],
      [skipped, `${skipped} skipped`],
      [notSent, `${notSent} not sent`],
    ].flatMap(([count, text]) => count === 0 ? [] : [text]);
    return parts.length === 0 ? [] : [paint.warn(`${name}: ${parts.join(", ")}`)];
  });
}

/** Answers that say nothing. They have a line only where they are the verdict. */
const EMPTY: readonly Answer[] = ["both_silent", "too_few"];

function verdictLines({ findings }: Comparison, paint: Paint): string[] {
  return findings.filter(({ answer }, i) => i === 0 || !EMPTY.includes(answer)).map((finding) => {
    const sentence = sentenceOf(finding);
    return finding.answer === "same" ? sentence : paint.warn(sentence);
  });
}

function lines(all: readonly string[]): string {
  return all.map((line) => `${line}\n`).join("");
}
