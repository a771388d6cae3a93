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
    ...(figures.usualUs === null ? {} : { usual_ms: millisOf(figures.usualUs) }),
    ...(figures.day === null ? {} : { day: figures.day }),
    ...(figures.left ? { left: true } : {}),
    ...(icmp === null
      ? {}
      : { icmp: { sent: icmp.sent, lost: icmp.lost, p50_ms: millisOf(icmp.p50Us) } }),
  };
}

function recentJson(of: RecentFigures | null): Record<string, number | null> | null {
  if (of === null) return null;
  const { bursts, sent, answered, refused, leastColdUs } = of;
  return {
    ...{ bursts, sent, answered, refused, p50_ms: millisOf(of.p50Us) },
    ...(leastColdUs === undefined ? {} : { least_cold_ms: millisOf(leastColdUs) }),
  };
}

function quantilesJson(of: Quantiles | null): Record<string, number | null> | null {
  return of === null ? null : { count: of.count, p50: millisOf(of.p50Us), p99: millisOf(of.p99Us) };
}

/** Throws RowError, and nothing else. */
export function decodeRow(document: Uint8Array | string): MeshRow {
  const root = object(parse(document), ROOT, "the document");
  if (root.schema !== ROW_SCHEMA) throw new RowError(`its schema is not ${ROW_SCHEMA}`);
  const node = name(root.node, ROOT, "node");
  return {
    node,
    az: name(root.az, ROOT, "az"),
    labels: labels(root.labels),
    wallMs: time(root.time),
    ageMs: number(root.age_ms, MAX_AGE_MS, ROOT, "age_ms"),
    windowMs: number(root.window_ms, MAX_WINDOW_MS, ROOT, "window_ms"),
    lagP99Us: microsOrNull(root.lag_p99_ms, ROOT, "lag_p99_ms"),
    connectExcess: quantiles(root.connect_excess_ms, ROOT, "connect_excess_ms"),
    pressure: pressure(root.pressure),
    peers: peers(root.peers, node),
  };
}

/** The documents in a file: one a line, or a single one over many lines. */
export function splitRows(text: string): string[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  // A row on one line is a whole object; a row over several lines has no such line.
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

function pressure(value: unknown): HostPressure | null {
  if (isNone(value)) return null;
  const from = object(value, ROOT, "pressure");
  const share = (key: keyof HostPressure) =>
    isNone(from[key]) ? null : number(from[key], 1, ROOT, "pressure", key);
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
    const figures = peer(object(entry, i), i);
    if (seen.has(figures.peer)) {
      throw new RowError(`${placeOf(i)}: a peer twice, or the node itself`);
    }
    seen.add(figures.peer);
    return figures;
  });
}

/** Stands for a peer's index where a value is none of a peer's. */
const ROOT = -1;

/**
 * Where a value is, for a message. The readers below are given its parts, and put them together only
 * when the value is wrong: a mesh's rows hold millions of values.
 */
function placeOf(peer: number, key = "", part = ""): string {
  const names = [peer === ROOT ? "" : `peers[${peer}]`, key, part];
  return names.filter((name) => name !== "").join(".");
}

function contradicts(peer: number, key = ""): never {
  throw new RowError(`${placeOf(peer, key)}: its counts contradict each other`);
}

function peer(from: Fields, at: number): PeerFigures {
  const figures: PeerFigures = {
    peer: name(from.peer, at, "peer"),
    sent: count(from.sent, at, "sent"),
    answered: count(from.answered, at, "answered"),
    lost: count(from.lost, at, "lost"),
    refused: count(from.refused, at, "refused"),
    synRetransmits: countOrNull(from.syn_retransmits, at, "syn_retransmits"),
    repeated: countOrNull(from.repeated_handshakes, at, "repeated_handshakes"),
    bursts: countOrNull(from.bursts, at, "bursts"),
    burstsWithDrops: countOrNull(from.bursts_with_drops, at, "bursts_with_drops"),
    recent: recent(from.recent, at),
    usualUs: microsOrNull(from.usual_ms, at, "usual_ms"),
    answeredAgeMs: ageOrNull(from.answered_age_ms, at, "answered_age_ms"),
    establishedAgeMs: ageOrNull(from.established_age_ms, at, "established_age_ms"),
    day: day(from.day, at),
    left: from.left === true,
    rtt: quantiles(from.rtt_ms, at, "rtt_ms"),
    cold: quantiles(from.cold_rtt_ms, at, "cold_rtt_ms"),
    connect: quantiles(from.connect_ms, at, "connect_ms"),
    icmp: icmp(from.icmp, at),
  };
  const { sent, answered, lost, refused } = figures;
  const samples = (figures.rtt?.count ?? 0) + (figures.cold?.count ?? 0);
  const agree = answered + lost === sent && refused <= answered && samples <= answered &&
    (figures.connect?.count ?? 0) <= answered && (figures.repeated ?? 0) <= answered &&
    (figures.burstsWithDrops ?? 0) <= (figures.bursts ?? 0) && (figures.bursts ?? 0) <= sent;
  return agree ? figures : contradicts(at);
}

function quantiles(value: unknown, at: number, key: string): Quantiles | null {
  if (isNone(value)) return null;
  const from = object(value, at, key);
  const found: Quantiles = {
    count: count(from.count, at, key, "count"),
    p50Us: micros(from.p50, at, key, "p50"),
    p99Us: micros(from.p99, at, key, "p99"),
  };
  if (found.count === 0 || found.p50Us > found.p99Us) {
    throw new RowError(`${placeOf(at, key)}: no distribution has these figures`);
  }
  return found;
}

function recent(value: unknown, at: number): RecentFigures | null {
  if (isNone(value)) return null;
  const from = object(value, at, "recent");
  const found: RecentFigures = {
    bursts: count(from.bursts, at, "recent", "bursts"),
    sent: count(from.sent, at, "recent", "sent"),
    answered: count(from.answered, at, "recent", "answered"),
    refused: count(from.refused, at, "recent", "refused"),
    p50Us: microsOrNull(from.p50_ms, at, "recent", "p50_ms"),
  };
  const { bursts, sent, answered, refused } = found;
  const agree = bursts <= 2 && bursts <= sent && answered <= sent && refused <= answered;
  if (!agree) return contradicts(at, "recent");
  const leastColdUs = microsOrNull(from.least_cold_ms, at, "recent", "least_cold_ms");
  return leastColdUs === null ? found : { ...found, leastColdUs };
}

function day(value: unknown, at: number): DayFigures | null {
  if (isNone(value)) return null;
  const from = object(value, at, "day");
  const windows = count(from.windows, at, "day", "windows");
  const met = countOrNull(from.met, at, "day", "met");
  const sent = count(from.sent, at, "day", "sent");
  const established = count(from.established, at, "day", "established");
  const agree = (met ?? 0) <= windows && established <= sent;
  return agree ? { windows, met, sent, established } : contradicts(at, "day");
}

function icmp(value: unknown, at: number): IcmpFigures | null {
  if (isNone(value)) return null;
  const from = object(value, at, "icmp");
  const of = (key: "sent" | "lost") => count(from[key], at, "icmp", key);
  const [sent, lost] = [of("sent"), of("lost")];
  const p50Us = microsOrNull(from.p50_ms, at, "icmp", "p50_ms");
  if (lost > sent || (p50Us === null) !== (lost === sent)) return contradicts(at, "icmp");
  return { sent, lost, p50Us };
}

type Fields = Readonly<Record<string, unknown>>;

function isNone(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

function object(value: unknown, at: number, key = ""): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw new RowError(`${placeOf(at, key)} is no object`);
}

function array(value: unknown, at: string, most: number): readonly unknown[] {
  if (!Array.isArray(value)) throw new RowError(`${at} is no list`);
  if (value.length > most) throw new RowError(`${at} has more than ${most} entries`);
  return value;
}

function number(value: unknown, most: number, at: number, key: string, part = ""): number {
  // Written so that NaN, which JSON cannot hold but a caller may, is refused.
  if (typeof value === "number" && value >= 0 && value <= most) return value;
  throw new RowError(`${placeOf(at, key, part)} is no number from 0 to ${most}`);
}

function count(value: unknown, at: number, key: string, part = ""): number {
  const whole = number(value, MAX_COUNT, at, key, part);
  if (!Number.isInteger(whole)) throw new RowError(`${placeOf(at, key, part)} is no whole number`);
  return whole;
}

function countOrNull(value: unknown, at: number, key: string, part = ""): number | null {
  return isNone(value) ? null : count(value, at, key, part);
}

function ageOrNull(value: unknown, at: number, key: string): number | null {
  return isNone(value) ? null : number(value, MAX_AGE_MS, at, key);
}

function micros(value: unknown, at: number, key: string, part = ""): number {
  return Math.round(number(value, MAX_DURATION_MS, at, key, part) * 1000);
}

function microsOrNull(value: unknown, at: number, key: string, part = ""): number | null {
  return isNone(value) ? null : micros(value, at, key, part);
}

/** As in a file of targets: bounded, and nothing that moves a terminal. */
function name(value: unknown, at: number, key: string): string {
  const fits = typeof value === "string" && value !== "" && value.length <= MAX_NAME_LENGTH &&
    !movesText(value);
  if (fits) return value;
  throw new RowError(
    `${
      placeOf(at, key)
    } is no name of 1 to ${MAX_NAME_LENGTH} characters without control characters`,
  );
}

function labels(value: unknown): Label[] {
  const entries = Object.entries(object(value, ROOT, "labels"));
  if (entries.length > MAX_LABELS) throw new RowError(`labels: more than ${MAX_LABELS}`);
  return entries.map(([key, text]) => [
    name(key, ROOT, "a label's key"),
    name(text, ROOT, "a label's value"),
  ]);
}

function time(value: unknown): number {
  const wallMs = typeof value === "string" && value.length <= MAX_TIME_LENGTH
    ? Date.parse(value)
    : NaN;
  if (Number.isNaN(wallMs)) throw new RowError("time is no time of RFC 3339");
  return wallMs;
}
