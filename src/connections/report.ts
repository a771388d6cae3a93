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
import { type GroupIdentity, identityOf, OTHERS_IDENTITY, OUT } from "./grouping.ts";
import {
  ANY_PORT,
  type GroupTable,
  KEY,
  KEY_WORDS,
  OVERFLOW_GROUP,
  PEER,
  SUM,
  SUMS,
} from "./group_table.ts";
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

/** A group that is shown. */
interface Shown {
  readonly index: number;
  readonly identity: GroupIdentity;
  readonly queues: PortState | null;
  readonly verdicts: readonly ConnectionVerdict[];
  readonly rtt: RttSpread | null;
}

/** What decides which groups are shown: bits of `flags`. A group that stands out has a verdict, or crosses. */
const STANDS_OUT = 2;
const SHOWN_BEFORE = 1;

export class Reporter {
  #differences: Differences;
  #listeners: Listeners;
  #options: ReportOptions;
  #beside: Beside;
  /** The groups of the report before by their index, with their names: an index may be taken again. */
  #before = new Map<number, string>();
  /** By group: its flags, and the network's round trip as far as it is known, in µs. */
  #flags = new Uint8Array(0);
  #slownessUs = new Float64Array(0);

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
    const all = this.#rank(overflowed);
    const chosen = this.#chosen(all);
    const rest = all.subarray(chosen.length);
    const shown = [...chosen].map((index) => this.#shown(index, overflowed));
    this.#before = new Map(shown.map(({ index, identity }) => [index, identity.group]));
    const groups = shown.map((one) => this.#group(one));
    if (this.#options.listening) groups.push(...this.#idlePorts(groups, overflowed));
    const others = this.#others(rest);
    if (others !== null) groups.push(others);
    return { groups, all: all.length, others: rest.length };
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

  /**
   * All groups, each with its rank. There may be thousands, of which few are shown: only those get a name and
   * objects of their own.
   */
  #rank(overflowed: boolean): Uint32Array {
    const { groups } = this.#differences;
    if (this.#flags.length < groups.end) {
      this.#flags = new Uint8Array(2 * groups.end);
      this.#slownessUs = new Float64Array(2 * groups.end);
    }
    const found = new Uint32Array(groups.end);
    let count = 0;
    for (let index = OVERFLOW_GROUP + 1; index < groups.end; index++) {
      if (!groups.isTaken(index)) continue;
      found[count++] = index;
      const before = this.#before.has(index) &&
        this.#before.get(index) === identityOf(groups, index, this.#options.by).group;
      const { verdicts, slownessUs } = this.#judged(index, overflowed, before);
      const standsOut = verdicts.length > 0 || this.#crosses(index, slownessUs);
      this.#flags[index] = (standsOut ? STANDS_OUT : 0) + (before ? SHOWN_BEFORE : 0);
      this.#slownessUs[index] = slownessUs;
    }
    return found.subarray(0, count);
  }

  /** Handshakes were made beside groups that were shown before, and no others. */
  #judged(index: number, overflowed: boolean, before: boolean): {
    readonly verdicts: readonly ConnectionVerdict[];
    readonly rtt: RttSpread | null;
    readonly queues: PortState | null;
    readonly slownessUs: number;
  } {
    const { groups, samples } = this.#differences;
    const sum = (place: number) => groups.sums[index * SUMS + place];
    const localPort = acceptingPort(groups, index);
    const queues = localPort === null ? null : this.#listeners.of(localPort);
    const rtt = samples.of(index, KIND.network);
    const name = before ? this.#before.get(index) : undefined;
    const handshake = name === undefined ? null : this.#beside.handshakes(name);
    const verdicts = verdictsOn({ sum, queues, overflowed, handshake });
    const minRttUs = sum(SUM.minRtt) === 0 ? null : sum(SUM.minRtt);
    const slownessUs = networkRttUs({ rtt, handshake, minRttUs }) ?? 0;
    return { verdicts, rtt, queues, slownessUs };
  }

  /**
   * Those that are shown, which are first in `all` afterwards: those that stand out first, then the slowest;
   * steadily, then those that were shown before.
   */
  #chosen(all: Uint32Array): Uint32Array {
    const { top, steady } = this.#options;
    const [flags, slownessUs] = [this.#flags, this.#slownessUs];
    const by = (mask: number) => (a: number, b: number) =>
      (flags[b] & mask) - (flags[a] & mask) || slownessUs[b] - slownessUs[a] || a - b;
    all.sort(by(steady ? STANDS_OUT + SHOWN_BEFORE : STANDS_OUT));
    return all.subarray(0, top).sort(by(STANDS_OUT));
  }

  #shown(index: number, overflowed: boolean): Shown {
    const identity = identityOf(this.#differences.groups, index, this.#options.by);
    const before = (this.#flags[index] & SHOWN_BEFORE) !== 0;
    const { verdicts, rtt, queues } = this.#judged(index, overflowed, before);
    return { index, identity, queues, verdicts, rtt };
  }

  #crosses(index: number, rttUs: number): boolean {
    const { rttUs: mostUs, retransmittedRatio } = this.#options.thresholds;
    const { sums } = this.#differences.groups;
    const again = sums[index * SUMS + SUM.retransmitted];
    const sent = sums[index * SUMS + SUM.segmentsOut];
    return mostUs !== null && rttUs > mostUs ||
      retransmittedRatio !== null && again > retransmittedRatio * sent;
  }

  #group({ index, identity, queues, verdicts, rtt }: Shown): ConnectionGroup {
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
  #others(indices: Uint32Array): ConnectionGroup | null {
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

/** The port here of a group of accepted connections; null for others, and where ports do not count. */
function acceptingPort({ keys }: GroupTable, index: number): number | null {
  const at = index * KEY_WORDS;
  if (keys[at + KEY.direction] === OUT || keys[at + KEY.localPort] === ANY_PORT) return null;
  return keys[at + KEY.localPort];
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
