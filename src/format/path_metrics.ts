/**
 * Paths as metrics, `wire_probe_path_…` in base units, added up from round to round. The number of
 * series is bounded: targets, hops of all of them together, and addresses of a hop.
 */
import { hopsToEnd, type PathRound, type RoundProbe } from "../domain/path.ts";
import { NONE } from "../domain/probe_record.ts";
import {
  type MetricFamily,
  metricFamily,
  type MetricLabel,
  type MetricSample,
  plainMetric,
} from "./metric_family.ts";

const PREFIX = "wire_probe_path";
const family = metricFamily.bind(null, PREFIX);
const MICROS = 1e6;
/** Paths that are shown; the one whose last round is oldest goes first. */
export const MAX_PATHS = 256;
/** Addresses shown of a hop; the one that was heard longest ago goes first. */
export const MAX_ADDRESSES = 4;
/** Addresses of all hops of all paths together; each path has an equal share, its nearest hops first. */
export const MAX_ROWS = 4096;
/** A hop, or an address, that was not heard of in so many rounds is shown no more. */
export const KEPT_ROUNDS = 60;

type Start = MetricSample["start"];

/** A sum of times and how many they are. */
interface Total {
  sumUs: number;
  count: number;
}

interface AddressState {
  readonly start: Start;
  readonly rtt: Total;
  readonly jitter: Total;
  heardRound: number;
}

interface HopState {
  readonly start: Start;
  readonly addresses: Map<string, AddressState>;
  probes: number;
  lost: number;
  askedRound: number;
}

/** What a path's series have come to. */
interface PathState {
  readonly labels: readonly MetricLabel[];
  readonly start: Start;
  readonly hops: Map<number, HopState>;
  rounds: number;
  last: PathRound;
}

/** A hop of a path that is shown. */
interface Row {
  readonly labels: readonly MetricLabel[];
  readonly hop: HopState;
}

export class PathSeries {
  #paths = new Map<string, PathState>();

  /** Adds a round that is over. */
  add(round: PathRound): void {
    const { target, protocol, wallSeconds, wallNanos } = round;
    const key = `${protocol} ${target}`;
    const start = { wallSeconds, wallNanos };
    const labels: readonly MetricLabel[] = [["target", target], ["protocol", protocol]];
    const path = this.#paths.get(key) ?? { labels, start, hops: new Map(), rounds: 0, last: round };
    if (round.isWhole) {
      path.rounds++;
      path.last = round;
    }
    for (const probe of round.probes) addProbe(path, probe, start);
    for (const [number, hop] of path.hops) {
      if (path.rounds - hop.askedRound >= KEPT_ROUNDS) path.hops.delete(number);
      for (const [address, { heardRound }] of hop.addresses) {
        if (path.rounds - heardRound >= KEPT_ROUNDS) hop.addresses.delete(address);
      }
    }
    // The one added last stands last.
    this.#paths.delete(key);
    this.#paths.set(key, path);
    const [oldest] = this.#paths.keys();
    if (this.#paths.size > MAX_PATHS) this.#paths.delete(oldest);
  }

  /** All metrics as they are now. */
  *families(): Iterable<MetricFamily> {
    const paths = [...this.#paths.values()];
    yield* pathFamilies(paths);
    const rows = paths.flatMap((path) => rowsOf(path, Math.floor(MAX_ROWS / paths.length)));
    yield* hopFamilies(rows);
  }
}

function addProbe(path: PathState, probe: RoundProbe, start: Start): void {
  const { hops, address, rttUs, jitterUs } = probe;
  const hop = path.hops.get(hops) ??
    { start, addresses: new Map(), probes: 0, lost: 0, askedRound: 0 };
  path.hops.set(hops, hop);
  hop.probes++;
  hop.askedRound = path.rounds;
  if (address === null) {
    hop.lost++;
    return;
  }
  const known = hop.addresses.get(address);
  const of = known ?? { start, rtt: newTotal(), jitter: newTotal(), heardRound: path.rounds };
  of.heardRound = path.rounds;
  addTo(of.rtt, rttUs);
  addTo(of.jitter, jitterUs);
  hop.addresses.delete(address);
  hop.addresses.set(address, of);
  const [oldest] = hop.addresses.keys();
  if (hop.addresses.size > MAX_ADDRESSES) hop.addresses.delete(oldest);
}

function newTotal(): Total {
  return { sumUs: 0, count: 0 };
}

function addTo(total: Total, us: number): void {
  if (us === NONE) return;
  total.sumUs += us;
  total.count++;
}

/** The nearest hops, as many as fit. */
function rowsOf({ labels, hops }: PathState, most: number): Row[] {
  const rows: Row[] = [];
  let room = most;
  for (const [number, hop] of [...hops].toSorted(([a], [b]) => a - b)) {
    room -= Math.max(1, hop.addresses.size);
    if (room < 0) break;
    rows.push({ labels: [...labels, ["hop", String(number)]], hop });
  }
  return rows;
}

function* pathFamilies(paths: readonly PathState[]): Iterable<MetricFamily> {
  const samples = (of: (path: PathState) => number | null) =>
    paths.flatMap((path): MetricSample[] => {
      const value = of(path);
      return value === null ? [] : [{ labels: path.labels, start: path.start, value }];
    });
  const rounds = plainMetric("rounds", "Traces whose probes all have their fate.");
  yield family("counter", rounds, samples((path) => path.rounds));
  const changes = plainMetric("changes", "Rounds that found another path than the one before.");
  yield family("counter", changes, samples(({ last }) => last.changes));
  const reached = plainMetric(
    "reached",
    "Whether the target itself answered in the last round: 1 or 0.",
  );
  yield family("gauge", reached, samples(({ last }) => hopsToEnd(last) === null ? 0 : 1));
  const hops = plainMetric("hops", "The hop at which the target answered in the last round.");
  yield family("gauge", hops, samples(({ last }) => hopsToEnd(last)));
  const info = plainMetric(
    "info",
    "Always 1; the target's address and port and the path's hash are labels.",
  );
  yield family(
    "gauge",
    info,
    paths.map(({ labels, start, last }) => {
      const { address, port, path } = last;
      const about: readonly MetricLabel[] = [
        ["address", address],
        ["port", port === null ? "" : String(port)],
        ["path", path],
      ];
      return { labels: [...labels, ...about], start, value: 1 };
    }),
  );
}

function* hopFamilies(rows: readonly Row[]): Iterable<MetricFamily> {
  const counts = (of: (hop: HopState) => number) =>
    rows.map(({ labels, hop }) => ({ labels, start: hop.start, value: of(hop) }));
  const probes = plainMetric("hop_probes", "Probes sent that far whose fate is known.");
  yield family("counter", probes, counts((hop) => hop.probes));
  const lost = plainMetric("hop_lost", "Probes sent that far that nobody answered.");
  yield family("counter", lost, counts((hop) => hop.lost));
  const addresses = rows.flatMap(({ labels, hop }) =>
    [...hop.addresses].map(([address, of]) => ({
      labels: [...labels, ["address", address] as const],
      of,
    }))
  );
  const summary = (name: string, help: string, of: (address: AddressState) => Total) => {
    const having = addresses.filter((row) => of(row.of).count > 0);
    const values = (value: (total: Total) => number) =>
      having.map(({ labels, of: own }) => ({ labels, start: own.start, value: value(of(own)) }));
    const described = { name, unit: "seconds", help } as const;
    const counted = values(({ count }) => count);
    return family(
      "summary",
      described,
      counted,
      values(({ sumUs }) => sumUs / MICROS),
    );
  };
  yield summary("hop_rtt", "Round trips to an address that answers at a hop.", ({ rtt }) => rtt);
  const jitter = "How much a round trip differs from the one before it to the same address.";
  yield summary("hop_jitter", jitter, (of) => of.jitter);
}
