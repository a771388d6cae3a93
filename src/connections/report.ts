/** From a reading's differences to a report: the groups that are shown, worst first, and the others as one. */
import {
  type AcceptQueues,
  type ConnectionGroup,
  type ConnectionVerdict,
  type Grouping,
  type ListeningPort,
  networkRttUs,
  type RttSpread,
} from "../domain/connection.ts";
import type { Differences } from "./differences.ts";
import { type GroupIdentity, identityOf, OTHERS_IDENTITY } from "./grouping.ts";
import { KEY, KEY_WORDS, OVERFLOW_GROUP, PEER, SUM, SUMS } from "./group_table.ts";
import type { Listeners, PortState } from "./listeners.ts";
import { KIND } from "./round_trips.ts";
import { verdictsOn } from "./verdict.ts";

/** Listening ports in a report. */
const MAX_PORTS = 20;

/** Figures of which the others have the least or the most; of all else the sum. */
const LEAST: ReadonlySet<number> = new Set([SUM.minRtt]);
const MOST: ReadonlySet<number> = new Set([
  SUM.mostSynsRepeated,
  SUM.inode,
  SUM.slowest,
  SUM.mostRetransmitted,
]);

export interface ReportOptions {
  readonly by: Grouping;
  /** Groups shown by themselves. */
  readonly top: number;
  /** A line for each listening port, also where it has no connection. */
  readonly listening: boolean;
  /** Ports without a group are not looked at. */
  readonly groupedPortsOnly: boolean;
  /** A group that crosses one of these is shown before others. */
  readonly thresholds: ReportThresholds;
  /** Groups shown before stay, for as long as they are there: series that last. */
  readonly steady: boolean;
}

/** Null for none. */
export interface ReportThresholds {
  /** Of `networkRttUs`, in µs. */
  readonly rttUs: number | null;
  /** Of the segments sent again, as a share of those sent. */
  readonly retransmittedRatio: number | null;
}

/** What else is known of groups, by their name. */
export interface Beside {
  handshakes(group: string): RttSpread | null;
  ownerOf(inode: number): string | null;
  peerName(peer: string): string | null;
}

/** The groups of a report: shown, all there are, and how many of these are in the others. */
export interface ReportedGroups {
  readonly groups: ConnectionGroup[];
  readonly all: number;
  readonly others: number;
}

/** A group that might be shown. */
interface Candidate {
  readonly index: number;
  readonly identity: GroupIdentity;
  readonly queues: PortState | null;
  readonly verdicts: readonly ConnectionVerdict[];
  readonly rtt: RttSpread | null;
  /** A verdict or a threshold is on it. */
  readonly standsOut: boolean;
  readonly shownBefore: boolean;
  /** The network's round trip as far as it is known, in µs. */
  readonly slownessUs: number;
}

export class Reporter {
  #differences: Differences;
  #listeners: Listeners;
  #options: ReportOptions;
  #beside: Beside;
  /** The names of the groups in the report before. */
  #shown = new Set<string>();

  constructor(
    differences: Differences,
    listeners: Listeners,
    options: ReportOptions,
    beside: Beside,
  ) {
    this.#differences = differences;
    this.#listeners = listeners;
    this.#options = options;
    this.#beside = beside;
  }

  /** The groups of the reading that has ended; `overflowed` says whether any accept queue did. */
  groups(overflowed: boolean): ReportedGroups {
    const candidates = this.#candidates(overflowed);
    const chosen = choose(candidates, this.#options);
    this.#shown = new Set(chosen.map(({ identity }) => identity.group));
    const rest = candidates.filter(({ identity }) => !this.#shown.has(identity.group));
    const groups = chosen.map((candidate) => this.#group(candidate));
    if (this.#options.listening) groups.push(...this.#idlePorts(groups, overflowed));
    const others = this.#others(rest.map(({ index }) => index));
    if (others !== null) groups.push(others);
    return { groups, all: candidates.length, others: rest.length };
  }

  /** Ports with connections, with a queue or with drops. */
  listening(): ListeningPort[] {
    const { groups } = this.#differences;
    const used = new Set<number>();
    for (let group = OVERFLOW_GROUP + 1; group < groups.end; group++) {
      if (groups.isTaken(group)) used.add(groups.keys[group * KEY_WORDS + KEY.localPort]);
    }
    return this.#listeners.ports()
      .filter(({ port, waiting, drops }) =>
        used.has(port) || !this.#options.groupedPortsOnly && (waiting > 0 || drops > 0)
      )
      .sort((a, b) => b.drops - a.drops || b.waiting - a.waiting || a.port - b.port)
      .slice(0, MAX_PORTS)
      .sort((a, b) => a.port - b.port)
      .map(({ port, waiting, limit, drops }) => ({ port, waiting, limit, drops }));
  }

  #candidates(overflowed: boolean): Candidate[] {
    const { groups, samples } = this.#differences;
    const found: Candidate[] = [];
    for (let index = OVERFLOW_GROUP + 1; index < groups.end; index++) {
      if (!groups.isTaken(index)) continue;
      const identity = identityOf(groups, index, this.#options.by);
      const { direction, localPort, group } = identity;
      const queues = direction === "in" && localPort !== null
        ? this.#listeners.of(localPort)
        : null;
      const sum = (place: number) => groups.sums[index * SUMS + place];
      const rtt = samples.of(index, KIND.network);
      const handshake = this.#beside.handshakes(group);
      const verdicts = verdictsOn({ sum, queues, overflowed, handshake });
      const minRttUs = sum(SUM.minRtt) === 0 ? null : sum(SUM.minRtt);
      const slownessUs = networkRttUs({ rtt, handshake, minRttUs }) ?? 0;
      const standsOut = verdicts.length > 0 || this.#crosses(sum, slownessUs);
      const shownBefore = this.#shown.has(group);
      found.push({ index, identity, queues, verdicts, rtt, standsOut, shownBefore, slownessUs });
    }
    return found;
  }

  #crosses(sum: (place: number) => number, rttUs: number): boolean {
    const { rttUs: mostUs, retransmittedRatio } = this.#options.thresholds;
    const again = sum(SUM.retransmitted);
    return mostUs !== null && rttUs > mostUs ||
      retransmittedRatio !== null && again > retransmittedRatio * sum(SUM.segmentsOut);
  }

  #group({ index, identity, queues, verdicts, rtt }: Candidate): ConnectionGroup {
    const { groups, samples } = this.#differences;
    const sum = (place: number) => groups.sums[index * SUMS + place];
    return {
      ...identity,
      owner: this.#beside.ownerOf(sum(SUM.inode)),
      peerName: identity.peer === null ? null : this.#beside.peerName(identity.peer),
      rtt,
      replyRtt: samples.of(index, KIND.reply),
      handshake: this.#beside.handshakes(identity.group),
      ...figures(sum),
      acceptQueues: queues === null ? null : queuesOf(queues),
      verdicts,
      slowestPeer: groups.peer(index, PEER.slowest),
      mostRetransmittedPeer: groups.peer(index, PEER.mostRetransmitted),
    };
  }

  /** Null where all groups are shown. */
  #others(indices: readonly number[]): ConnectionGroup | null {
    const { groups, samples, untracked } = this.#differences;
    const rest = [OVERFLOW_GROUP, ...indices];
    const sums = new Float64Array(SUMS);
    for (const index of rest) {
      for (let place = 0; place < SUMS; place++) {
        const value = groups.sums[index * SUMS + place];
        if (MOST.has(place)) sums[place] = Math.max(sums[place], value);
        else if (!LEAST.has(place)) sums[place] += value;
        else if (value > 0 && (sums[place] === 0 || value < sums[place])) sums[place] = value;
      }
    }
    sums[SUM.connections] += untracked;
    const empty = sums[SUM.connections] + sums[SUM.connecting] + sums[SUM.closed] === 0;
    if (indices.length === 0 && empty) return null;
    return {
      ...OTHERS_IDENTITY,
      owner: null,
      peerName: null,
      rtt: samples.merged(rest, KIND.network),
      replyRtt: samples.merged(rest, KIND.reply),
      handshake: null,
      ...figures((place) => sums[place]),
      acceptQueues: null,
      verdicts: [],
      slowestPeer: null,
      mostRetransmittedPeer: null,
    };
  }

  /** Listening ports that no group shown belongs to. */
  #idlePorts(shown: readonly ConnectionGroup[], overflowed: boolean): ConnectionGroup[] {
    const has = new Set(shown.map(({ localPort }) => localPort));
    return this.#listeners.ports().filter(({ port }) => !has.has(port)).slice(0, MAX_PORTS)
      .map((queues) => ({
        group: `:${queues.port}`,
        direction: "in",
        localPort: queues.port,
        peer: null,
        peerPort: null,
        owner: null,
        peerName: null,
        rtt: null,
        replyRtt: null,
        handshake: null,
        ...figures(() => 0),
        acceptQueues: queuesOf(queues),
        verdicts: verdictsOn({ sum: () => 0, queues, overflowed, handshake: null }),
        slowestPeer: null,
        mostRetransmittedPeer: null,
      }));
  }
}

/** Those with a verdict first, then the slowest; steadily, then those that were shown before. */
function choose(candidates: Candidate[], { top, steady }: ReportOptions): Candidate[] {
  const worse = (a: Candidate, b: Candidate) =>
    Number(b.standsOut) - Number(a.standsOut) || b.slownessUs - a.slownessUs ||
    a.index - b.index;
  const first = (a: Candidate, b: Candidate) =>
    Number(b.standsOut) - Number(a.standsOut) ||
    Number(b.shownBefore) - Number(a.shownBefore) || worse(a, b);
  return candidates.sort(steady ? first : worse).slice(0, top).sort(worse);
}

function queuesOf({ waiting, limit, drops }: PortState): AcceptQueues {
  return { waiting, limit, drops };
}

function figures(sum: (place: number) => number): Pick<
  ConnectionGroup,
  | "connections"
  | "opened"
  | "closed"
  | "minRttUs"
  | "rttVarianceUs"
  | "segmentsOut"
  | "segmentsRetransmitted"
  | "bytesIn"
  | "bytesOut"
  | "observedUs"
  | "busyUs"
  | "receiverLimitedUs"
  | "sendBufferLimitedUs"
  | "connecting"
  | "closeWait"
> {
  const count = sum(SUM.varianceCount);
  return {
    connections: sum(SUM.connections),
    opened: sum(SUM.opened),
    closed: sum(SUM.closed),
    minRttUs: sum(SUM.minRtt) === 0 ? null : sum(SUM.minRtt),
    rttVarianceUs: count === 0 ? null : Math.round(sum(SUM.rttVariance) / count),
    segmentsOut: sum(SUM.segmentsOut),
    segmentsRetransmitted: sum(SUM.retransmitted),
    bytesIn: sum(SUM.bytesIn),
    bytesOut: sum(SUM.bytesOut),
    observedUs: sum(SUM.observed),
    busyUs: sum(SUM.busy),
    receiverLimitedUs: sum(SUM.receiverLimited),
    sendBufferLimitedUs: sum(SUM.sendBufferLimited),
    connecting: sum(SUM.connecting),
    closeWait: sum(SUM.closeWait),
  };
}
