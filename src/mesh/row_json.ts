/**
 * A row as the JSON document that a node publishes (schema `wire-probe.mesh-row.v1`), and back.
 * Reading takes the document for hostile: size, names and numbers are bounded, what is wrong is
 * said in one line, unknown fields are passed over.
 */
import { movesText } from "../text/columns.ts";
import { millisOf } from "../text/number.ts";
import type { HostPressure } from "../domain/host_pressure.ts";
import type { Label } from "../domain/target.ts";
import {
  type DayFigures,
  type IcmpFigures,
  MAX_NODES,
  type MeshRow,
  type PeerFigures,
  type Quantiles,
  type RecentFigures,
} from "../domain/mesh_row.ts";

export const ROW_SCHEMA = "wire-probe.mesh-row.v1";
/** Room for a row of the most peers with names of usual length. */
export const MAX_ROW_BYTES = 6 * 1024 * 1024;
const MAX_NAME_LENGTH = 255;
const MAX_LABELS = 16;
const MAX_TIME_LENGTH = 40;
/** Larger counts and longer times than these are refused: no node measures them. */
const MAX_COUNT = 2 ** 31 - 1;
const MAX_DURATION_MS = 3_600_000;
const MAX_WINDOW_MS = 86_400_000;
const MAX_AGE_MS = 366 * 86_400_000;

/** A document that is no row; the message says why in one line that can be shown. */
export class RowError extends Error {
  override readonly name = "RowError";
}

/** One line, with its newline. */
export function encodeRow(row: MeshRow): string {
  const document = {
    schema: ROW_SCHEMA,
    node: row.node,
    az: row.az,
    labels: Object.fromEntries(row.labels),
    time: new Date(row.wallMs).toISOString(),
    age_ms: row.ageMs,
    window_ms: row.windowMs,
    lag_p99_ms: millisOf(row.lagP99Us),
    connect_excess_ms: quantilesJson(row.connectExcess),
    peers: row.peers.map(peerJson),
    ...(row.pressure === null ? {} : { pressure: row.pressure }),
  };
  return `${JSON.stringify(document)}\n`;
}

function peerJson(figures: PeerFigures): Record<string, unknown> {
  const { icmp } = figures;
  return {
    peer: figures.peer,
    sent: figures.sent,
    answered: figures.answered,
    lost: figures.lost,
    refused: figures.refused,
    syn_retransmits: figures.synRetransmits,
    rtt_ms: quantilesJson(figures.rtt),
    cold_rtt_ms: quantilesJson(figures.cold),
    connect_ms: quantilesJson(figures.connect),
    repeated_handshakes: figures.repeated,
    bursts: figures.bursts,
    bursts_with_drops: figures.burstsWithDrops,
    answered_age_ms: figures.answeredAgeMs,
    established_age_ms: figures.establishedAgeMs,
    recent: recentJson(figures.recent),
    ...(figures.day === null ? {} : { day: dayJson(figures.day) }),
    ...(figures.left ? { left: true } : {}),
    ...(icmp === null
      ? {}
      : { icmp: { sent: icmp.sent, lost: icmp.lost, p50_ms: millisOf(icmp.p50Us) } }),
  };
}

function dayJson({ medianUs, ...day }: DayFigures): Record<string, number | null> {
  return { ...day, median_ms: millisOf(medianUs) };
}

function recentJson(of: RecentFigures | null): Record<string, number | null> | null {
  if (of === null) return null;
  const { bursts, sent, answered, refused } = of;
  return { bursts, sent, answered, refused, p50_ms: millisOf(of.p50Us) };
}

function quantilesJson(of: Quantiles | null): Record<string, number | null> | null {
  return of === null ? null : { count: of.count, p50: millisOf(of.p50Us), p99: millisOf(of.p99Us) };
}

/** Throws RowError, and nothing else. */
export function decodeRow(document: Uint8Array | string): MeshRow {
  const root = object(parse(document), "the document");
  if (root.schema !== ROW_SCHEMA) throw new RowError(`its schema is not ${ROW_SCHEMA}`);
  const node = name(root.node, "node");
  return {
    node,
    az: name(root.az, "az"),
    labels: labels(root.labels),
    wallMs: time(root.time),
    ageMs: number(root.age_ms, "age_ms", MAX_AGE_MS),
    windowMs: number(root.window_ms, "window_ms", MAX_WINDOW_MS),
    lagP99Us: orNull(root.lag_p99_ms, (value) => micros(value, "lag_p99_ms")),
    connectExcess: orNull(root.connect_excess_ms, (of) => quantiles(of, "connect_excess_ms")),
    pressure: orNull(root.pressure, (of) => pressure(object(of, "pressure"))),
    peers: peers(root.peers, node),
  };
}

/** The documents in a file: one a line, or a single one over many lines. */
export function splitRows(text: string): string[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  // A row's line is an object from end to end; of one that was laid out no line is.
  return lines.every((line) => /^\s*\{.*\}\s*$/.test(line)) ? lines : [text];
}

function parse(document: Uint8Array | string): unknown {
  // A text of so many characters has at least as many bytes.
  if (document.length > MAX_ROW_BYTES) throw new RowError(`larger than ${MAX_ROW_BYTES} bytes`);
  let text: string;
  try {
    const decoder = new TextDecoder("utf-8", { fatal: true });
    text = typeof document === "string" ? document : decoder.decode(document);
  } catch {
    throw new RowError("not UTF-8");
  }
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes what may not be shown.
    throw new RowError("not JSON");
  }
}

function pressure(from: Fields): HostPressure {
  const share = (key: keyof HostPressure) =>
    orNull(from[key], (of) => number(of, `pressure.${key}`, 1));
  return {
    cpu: share("cpu"),
    memory: share("memory"),
    io: share("io"),
    steal: share("steal"),
    throttled: share("throttled"),
  };
}

function peers(value: unknown, node: string): PeerFigures[] {
  const list = array(value, "peers", MAX_NODES);
  const seen = new Set<string>([node]);
  return list.map((entry, i) => {
    const at = `peers[${i}]`;
    const figures = peer(object(entry, at), at);
    if (seen.has(figures.peer)) throw new RowError(`${at}: a peer twice, or the node itself`);
    seen.add(figures.peer);
    return figures;
  });
}

function peer(from: Fields, at: string): PeerFigures {
  const figures: PeerFigures = {
    peer: name(from.peer, `${at}.peer`),
    sent: count(from.sent, `${at}.sent`),
    answered: count(from.answered, `${at}.answered`),
    lost: count(from.lost, `${at}.lost`),
    refused: count(from.refused, `${at}.refused`),
    synRetransmits: orNull(from.syn_retransmits, (of) => count(of, `${at}.syn_retransmits`)),
    repeated: orNull(from.repeated_handshakes, (of) => count(of, `${at}.repeated_handshakes`)),
    bursts: orNull(from.bursts, (of) => count(of, `${at}.bursts`)),
    burstsWithDrops: orNull(from.bursts_with_drops, (of) => count(of, `${at}.bursts_with_drops`)),
    recent: orNull(from.recent, (of) => recent(object(of, `${at}.recent`), `${at}.recent`)),
    answeredAgeMs: orNull(from.answered_age_ms, (of) => age(of, `${at}.answered_age_ms`)),
    establishedAgeMs: orNull(from.established_age_ms, (of) => age(of, `${at}.established_age_ms`)),
    day: orNull(from.day, (of) => day(object(of, `${at}.day`), `${at}.day`)),
    left: from.left === true,
    rtt: orNull(from.rtt_ms, (of) => quantiles(of, `${at}.rtt_ms`)),
    cold: orNull(from.cold_rtt_ms, (of) => quantiles(of, `${at}.cold_rtt_ms`)),
    connect: orNull(from.connect_ms, (of) => quantiles(of, `${at}.connect_ms`)),
    icmp: orNull(from.icmp, (of) => icmp(object(of, `${at}.icmp`), `${at}.icmp`)),
  };
  const { sent, answered, lost, refused } = figures;
  const samples = (figures.rtt?.count ?? 0) + (figures.cold?.count ?? 0);
  const agree = answered + lost === sent && refused <= answered && samples <= answered &&
    (figures.connect?.count ?? 0) <= answered && (figures.repeated ?? 0) <= answered &&
    (figures.burstsWithDrops ?? 0) <= (figures.bursts ?? 0) && (figures.bursts ?? 0) <= sent;
  if (!agree) throw new RowError(`${at}: its counts contradict each other`);
  return figures;
}

function quantiles(value: unknown, at: string): Quantiles {
  const from = object(value, at);
  const found: Quantiles = {
    count: count(from.count, `${at}.count`),
    p50Us: micros(from.p50, `${at}.p50`),
    p99Us: micros(from.p99, `${at}.p99`),
  };
  if (found.count === 0 || found.p50Us > found.p99Us) {
    throw new RowError(`${at}: no distribution has these figures`);
  }
  return found;
}

function recent(from: Fields, at: string): RecentFigures {
  const found: RecentFigures = {
    bursts: count(from.bursts, `${at}.bursts`),
    sent: count(from.sent, `${at}.sent`),
    answered: count(from.answered, `${at}.answered`),
    refused: count(from.refused, `${at}.refused`),
    p50Us: orNull(from.p50_ms, (of) => micros(of, `${at}.p50_ms`)),
  };
  const { bursts, sent, answered, refused } = found;
  if (bursts <= 2 && bursts <= sent && answered <= sent && refused <= answered) return found;
  throw new RowError(`${at}: its counts contradict each other`);
}

function day(from: Fields, at: string): DayFigures {
  const found: DayFigures = {
    windows: count(from.windows, `${at}.windows`),
    met: orNull(from.met, (of) => count(of, `${at}.met`)),
    sent: count(from.sent, `${at}.sent`),
    established: count(from.established, `${at}.established`),
    medianUs: orNull(from.median_ms, (of) => micros(of, `${at}.median_ms`)),
  };
  if ((found.met ?? 0) <= found.windows && found.established <= found.sent) return found;
  throw new RowError(`${at}: its counts contradict each other`);
}

function age(value: unknown, at: string): number {
  return number(value, at, MAX_AGE_MS);
}

function icmp(from: Fields, at: string): IcmpFigures {
  const sent = count(from.sent, `${at}.sent`);
  const lost = count(from.lost, `${at}.lost`);
  const p50Us = orNull(from.p50_ms, (of) => micros(of, `${at}.p50_ms`));
  if (lost > sent || (p50Us === null) !== (lost === sent)) {
    throw new RowError(`${at}: its counts contradict each other`);
  }
  return { sent, lost, p50Us };
}

type Fields = Readonly<Record<string, unknown>>;

function object(value: unknown, at: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new RowError(`${at} is no object`);
  }
  return value as Fields;
}

function array(value: unknown, at: string, most: number): readonly unknown[] {
  if (!Array.isArray(value)) throw new RowError(`${at} is no list`);
  if (value.length > most) throw new RowError(`${at} has more than ${most} entries`);
  return value;
}

function orNull<T>(value: unknown, read: (value: unknown) => T): T | null {
  return value === null || value === undefined ? null : read(value);
}

function number(value: unknown, at: string, most: number): number {
  // Written so that NaN, which JSON cannot hold but a caller may, is refused.
  if (typeof value === "number" && value >= 0 && value <= most) return value;
  throw new RowError(`${at} is no number from 0 to ${most}`);
}

function count(value: unknown, at: string): number {
  const whole = number(value, at, MAX_COUNT);
  if (!Number.isInteger(whole)) throw new RowError(`${at} is no whole number`);
  return whole;
}

function micros(value: unknown, at: string): number {
  return Math.round(number(value, at, MAX_DURATION_MS) * 1000);
}

/** As in a file of targets: bounded, and nothing that moves a terminal. */
function name(value: unknown, at: string): string {
  const fits = typeof value === "string" && value !== "" && value.length <= MAX_NAME_LENGTH &&
    !movesText(value);
  if (fits) return value;
  throw new RowError(
    `${at} is no name of 1 to ${MAX_NAME_LENGTH} characters without control characters`,
  );
}

function labels(value: unknown): Label[] {
  const entries = Object.entries(object(value, "labels"));
  if (entries.length > MAX_LABELS) throw new RowError(`labels: more than ${MAX_LABELS}`);
  return entries.map(([key, text]) => [name(key, "a label's key"), name(text, "a label's value")]);
}

function time(value: unknown): number {
  const wallMs = typeof value === "string" && value.length <= MAX_TIME_LENGTH
    ? Date.parse(value)
    : NaN;
  if (Number.isNaN(wallMs)) throw new RowError("time is no time of RFC 3339");
  return wallMs;
}
