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
  const root = object(parse(document), () => "the document");
  if (root.schema !== ROW_SCHEMA) throw new RowError(`its schema is not ${ROW_SCHEMA}`);
  const node = name(root.node, () => "node");
  return {
    node,
    az: name(root.az, () => "az"),
    labels: labels(root.labels),
    wallMs: time(root.time),
    ageMs: number(root.age_ms, () => "age_ms", MAX_AGE_MS),
    windowMs: number(root.window_ms, () => "window_ms", MAX_WINDOW_MS),
    lagP99Us: isNone(root.lag_p99_ms) ? null : micros(root.lag_p99_ms, () => "lag_p99_ms"),
    connectExcess: quantiles(root.connect_excess_ms, () => "connect_excess_ms"),
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
  const from = object(value, () => "pressure");
  const share = (key: keyof HostPressure) =>
    isNone(from[key]) ? null : number(from[key], () => `pressure.${key}`, 1);
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
    const at = () => `peers[${i}]`;
    const figures = peer(object(entry, at), at);
    if (seen.has(figures.peer)) throw new RowError(`${at()}: a peer twice, or the node itself`);
    seen.add(figures.peer);
    return figures;
  });
}

/** Where a value is, for a message: put into words only when it is wrong, since a mesh's rows hold millions. */
type Place = () => string;

/** Reads the fields of one object. */
class Reader {
  readonly #from: Fields;
  readonly #at: Place;

  constructor(from: Fields, at: Place) {
    this.#from = from;
    this.#at = at;
  }

  count(key: string): number {
    return count(this.#from[key], () => `${this.#at()}.${key}`);
  }

  countOrNull(key: string): number | null {
    return isNone(this.#from[key]) ? null : this.count(key);
  }

  age(key: string): number | null {
    const value = this.#from[key];
    return isNone(value) ? null : number(value, () => `${this.#at()}.${key}`, MAX_AGE_MS);
  }

  micros(key: string): number | null {
    const value = this.#from[key];
    return isNone(value) ? null : micros(value, () => `${this.#at()}.${key}`);
  }

  quantiles(key: string): Quantiles | null {
    return quantiles(this.#from[key], () => `${this.#at()}.${key}`);
  }

  /** An object of the field; null for none. */
  part<T>(key: string, read: (fields: Reader, contradicts: () => never) => T): T | null {
    const value = this.#from[key];
    if (isNone(value)) return null;
    const at = () => `${this.#at()}.${key}`;
    return read(new Reader(object(value, at), at), () => contradicts(at));
  }
}

function contradicts(at: Place): never {
  throw new RowError(`${at()}: its counts contradict each other`);
}

function peer(from: Fields, at: Place): PeerFigures {
  const fields = new Reader(from, at);
  const figures: PeerFigures = {
    peer: name(from.peer, () => `${at()}.peer`),
    sent: fields.count("sent"),
    answered: fields.count("answered"),
    lost: fields.count("lost"),
    refused: fields.count("refused"),
    synRetransmits: fields.countOrNull("syn_retransmits"),
    repeated: fields.countOrNull("repeated_handshakes"),
    bursts: fields.countOrNull("bursts"),
    burstsWithDrops: fields.countOrNull("bursts_with_drops"),
    recent: fields.part("recent", recent),
    usualUs: fields.micros("usual_ms"),
    answeredAgeMs: fields.age("answered_age_ms"),
    establishedAgeMs: fields.age("established_age_ms"),
    day: fields.part("day", day),
    left: from.left === true,
    rtt: fields.quantiles("rtt_ms"),
    cold: fields.quantiles("cold_rtt_ms"),
    connect: fields.quantiles("connect_ms"),
    icmp: fields.part("icmp", icmp),
  };
  const { sent, answered, lost, refused } = figures;
  const samples = (figures.rtt?.count ?? 0) + (figures.cold?.count ?? 0);
  const agree = answered + lost === sent && refused <= answered && samples <= answered &&
    (figures.connect?.count ?? 0) <= answered && (figures.repeated ?? 0) <= answered &&
    (figures.burstsWithDrops ?? 0) <= (figures.bursts ?? 0) && (figures.bursts ?? 0) <= sent;
  return agree ? figures : contradicts(at);
}

function quantiles(value: unknown, at: Place): Quantiles | null {
  if (isNone(value)) return null;
  const from = object(value, at);
  const found: Quantiles = {
    count: count(from.count, () => `${at()}.count`),
    p50Us: micros(from.p50, () => `${at()}.p50`),
    p99Us: micros(from.p99, () => `${at()}.p99`),
  };
  if (found.count === 0 || found.p50Us > found.p99Us) {
    throw new RowError(`${at()}: no distribution has these figures`);
  }
  return found;
}

function recent(fields: Reader, contradicts: () => never): RecentFigures {
  const leastColdUs = fields.micros("least_cold_ms");
  const found: RecentFigures = {
    bursts: fields.count("bursts"),
    sent: fields.count("sent"),
    answered: fields.count("answered"),
    refused: fields.count("refused"),
    p50Us: fields.micros("p50_ms"),
    ...(leastColdUs === null ? {} : { leastColdUs }),
  };
  const { bursts, sent, answered, refused } = found;
  const agree = bursts <= 2 && bursts <= sent && answered <= sent && refused <= answered;
  return agree ? found : contradicts();
}

function day(fields: Reader, contradicts: () => never): DayFigures {
  const found: DayFigures = {
    windows: fields.count("windows"),
    met: fields.countOrNull("met"),
    sent: fields.count("sent"),
    established: fields.count("established"),
  };
  const agree = (found.met ?? 0) <= found.windows && found.established <= found.sent;
  return agree ? found : contradicts();
}

function icmp(fields: Reader, contradicts: () => never): IcmpFigures {
  const [sent, lost, p50Us] = [fields.count("sent"), fields.count("lost"), fields.micros("p50_ms")];
  if (lost > sent || (p50Us === null) !== (lost === sent)) return contradicts();
  return { sent, lost, p50Us };
}

type Fields = Readonly<Record<string, unknown>>;

function isNone(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

function object(value: unknown, at: Place): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new RowError(`${at()} is no object`);
  }
  return value as Fields;
}

function array(value: unknown, at: string, most: number): readonly unknown[] {
  if (!Array.isArray(value)) throw new RowError(`${at} is no list`);
  if (value.length > most) throw new RowError(`${at} has more than ${most} entries`);
  return value;
}

function number(value: unknown, at: Place, most: number): number {
  // Written so that NaN, which JSON cannot hold but a caller may, is refused.
  if (typeof value === "number" && value >= 0 && value <= most) return value;
  throw new RowError(`${at()} is no number from 0 to ${most}`);
}

function count(value: unknown, at: Place): number {
  const whole = number(value, at, MAX_COUNT);
  if (!Number.isInteger(whole)) throw new RowError(`${at()} is no whole number`);
  return whole;
}

function micros(value: unknown, at: Place): number {
  return Math.round(number(value, at, MAX_DURATION_MS) * 1000);
}

/** As in a file of targets: bounded, and nothing that moves a terminal. */
function name(value: unknown, at: Place): string {
  const fits = typeof value === "string" && value !== "" && value.length <= MAX_NAME_LENGTH &&
    !movesText(value);
  if (fits) return value;
  throw new RowError(
    `${at()} is no name of 1 to ${MAX_NAME_LENGTH} characters without control characters`,
  );
}

function labels(value: unknown): Label[] {
  const entries = Object.entries(object(value, () => "labels"));
  if (entries.length > MAX_LABELS) throw new RowError(`labels: more than ${MAX_LABELS}`);
  return entries.map(([key, text]) => [
    name(key, () => "a label's key"),
    name(text, () => "a label's value"),
  ]);
}

function time(value: unknown): number {
  const wallMs = typeof value === "string" && value.length <= MAX_TIME_LENGTH
    ? Date.parse(value)
    : NaN;
  if (Number.isNaN(wallMs)) throw new RowError("time is no time of RFC 3339");
  return wallMs;
}
