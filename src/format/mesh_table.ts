/** A mesh's row as a short table for a terminal: the peers with the most loss first. */
import { counted } from "../text/words.ts";
import { millisText } from "../text/number.ts";
import { shareOf } from "../domain/summary.ts";
import type { MeshRow, PeerFigures, Quantiles } from "../domain/mesh_row.ts";
import { durationText } from "../text/duration.ts";
import { columnsOf, fit, showable } from "../text/columns.ts";

/** How many peers are shown. The others lost no more and were no slower. */
export const MAX_PEERS_SHOWN = 20;
const MAX_NAME_COLUMNS = 40;
const HEADINGS = [
  "sent",
  "lost",
  "refused",
  "SYN again",
  "p50 ms",
  "p99 ms",
  "cold ms",
  "connect ms",
];
const GAP = "  ";
const SECOND_MS = 1000;

/** Some lines, each with its newline. */
export function meshTable(row: MeshRow): string {
  const peers = row.peers.toSorted(worseFirst).slice(0, MAX_PEERS_SHOWN);
  const names = peers.map(({ peer }) => showable(peer));
  const width = Math.min(
    MAX_NAME_COLUMNS,
    Math.max(4, ...names.map((name) => columnsOf(name))),
  );
  const lines = peers.map((figures, i) => line(fit(names[i], width), cells(figures)));
  const more = row.peers.length - peers.length;
  return [
    `${showable(row.node)}: ${counted(row.peers.length, "peer")} over the last ${
      seconds(row.windowMs)
    }, ` +
    `newest probe ${seconds(row.ageMs)} ago`,
    ...(peers.length === 0 ? [] : [line(fit("peer", width), HEADINGS)]),
    ...lines,
    ...(more > 0 ? [`and ${more} more that lost no more and were no slower`] : []),
    "",
  ].join("\n");
}

function line(name: string, texts: readonly string[]): string {
  const filled = texts.map((text, i) => text.padStart(HEADINGS[i].length));
  return [name, ...filled].join(GAP);
}

function cells(figures: PeerFigures): string[] {
  const { sent, lost, refused, synRetransmits, rtt, cold, connect } = figures;
  return [
    String(sent),
    String(lost),
    String(refused),
    synRetransmits === null ? "-" : String(synRetransmits),
    millis(rtt?.p50Us),
    millis(rtt?.p99Us),
    millis(cold?.p50Us),
    millis(connect?.p50Us),
  ];
}

function millis(us: Quantiles["p50Us"] | undefined): string {
  return us === undefined ? "-" : millisText(us);
}

function seconds(ms: number): string {
  return durationText(ms < SECOND_MS ? ms : Math.round(ms / SECOND_MS) * SECOND_MS);
}

/** By the share of probes lost, then by p99; those that were never sent a probe last. */
function worseFirst(a: PeerFigures, b: PeerFigures): number {
  const loss = ({ sent, lost }: PeerFigures) => shareOf(lost, sent) ?? -1;
  return loss(b) - loss(a) || (b.rtt?.p99Us ?? -1) - (a.rtt?.p99Us ?? -1);
}
