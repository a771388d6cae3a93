/**
 * Turns two readings of the kernel's counters into what connections did in between. The row of a
 * socket is compared with its row of the reading before, and the differences are added to its
 * group's.
 */
import type { ConnectionDirection, Grouping } from "../domain/connection.ts";
import type { DiagSocket } from "../kernel/sock_diag.ts";
import { TCP_CLOSE_WAIT, TCP_SYN_SENT } from "../kernel/linux.ts";
import { TCP_INFO_AT as AT } from "../kernel/tcp_info_layout.ts";
import { type ConnectionFilter, isLookedAt, writeKey } from "./grouping.ts";
import { GroupTable, OVERFLOW_GROUP, PEER, type PeerAddress, SUM, SUMS } from "./group_table.ts";
import type { Listeners } from "./listeners.ts";
import {
  areDelayed,
  arePrompt,
  isClean,
  isQueueing,
  isReadLate,
  KIND,
  RttSamples,
  sentInBulk,
  wereTogether,
} from "./round_trips.ts";
import { COLUMN, COLUMNS, SocketTable, WIDE, WIDE_COLUMNS } from "./socket_table.ts";

/** A connection that was held back for this share of the interval counts as held back. */
export const HELD_BACK_SHARE = 0.5;
/** tcpi_min_rtt without a sample. */
const NO_MIN_RTT = 0xffffffff;

export interface DifferenceOptions {
  readonly by: Grouping;
  readonly filter: ConnectionFilter;
}

export class Differences {
  readonly sockets = new SocketTable();
  readonly groups = new GroupTable();
  readonly samples = new RttSamples();
  /** Of the reading under way. */
  connections = 0;
  connecting = 0;
  opened = 0;
  closed = 0;
  untracked = 0;
  #options: DifferenceOptions;
  #listeners: Listeners;
  #reading = 0;
  #intervalUs = 0;
  /** The difference of each column that is compared. */
  #delta = new Float64Array(COLUMNS);

  constructor(listeners: Listeners, options: DifferenceOptions) {
    this.#listeners = listeners;
    this.#options = options;
  }

  /** Begins a reading; the first one has nothing to compare with. */
  begin(intervalUs: number): void {
    this.#reading++;
    this.#intervalUs = intervalUs;
    this.groups.clear();
    this.samples.clear();
    this.connections =
      this.connecting =
      this.opened =
      this.closed =
      this.untracked =
        0;
  }

  /** A socket in any state of a connection, as a dump hands it over. */
  readonly add = (socket: DiagSocket): void => {
    const row = this.sockets.find(socket.cookieLow, socket.cookieHigh);
    if (row < 0) return this.#first(socket);
    const { words } = this.sockets;
    // A dump may meet a socket twice while the tables change.
    if (words[row * COLUMNS + COLUMN.seen] === this.#reading) return;
    this.#compare(socket, row, false);
  };

  /** Ends the reading: sockets that it did not meet are closed. */
  end(): void {
    const { words } = this.sockets;
    this.sockets.sweep(this.#reading, (row) => {
      // A connect that failed was no connection.
      if (words[row * COLUMNS + COLUMN.state] === TCP_SYN_SENT) return;
      this.groups.sums[words[row * COLUMNS + COLUMN.group] * SUMS + SUM.closed]++;
      this.closed++;
    });
  }

  /** Forgets groups that nothing belongs to any more; call it once their figures were taken. */
  releaseEmpty(): void {
    const { groups } = this;
    for (let group = OVERFLOW_GROUP + 1; group < groups.end; group++) {
      const at = group * SUMS;
      const left = groups.sums[at + SUM.connections] + groups.sums[at + SUM.connecting];
      if (left === 0 && groups.isTaken(group)) groups.release(group);
    }
  }

  #first(socket: DiagSocket): void {
    const direction: ConnectionDirection = this.#listeners.accepted(socket) ? "in" : "out";
    const { by, filter } = this.#options;
    if (!isLookedAt(socket, direction, filter)) return;
    const row = this.sockets.add(socket.cookieLow, socket.cookieHigh);
    if (row < 0) {
      this.connections++;
      this.untracked++;
      return;
    }
    writeKey(this.groups, socket, direction, by);
    this.sockets.words[row * COLUMNS + COLUMN.group] = this.groups.place();
    this.#compare(socket, row, true);
  }

  #compare(socket: DiagSocket, row: number, fresh: boolean): void {
    const { words } = this.sockets;
    const { sums } = this.groups;
    const at = row * COLUMNS;
    const sum = words[at + COLUMN.group] * SUMS;
    const before = words[at + COLUMN.state];
    const { state } = socket;
    words[at + COLUMN.seen] = this.#reading;
    words[at + COLUMN.state] = state;
    if (socket.inode !== 0) sums[sum + SUM.inode] = socket.inode;
    if (state === TCP_SYN_SENT) return this.#waits(socket, sum);
    this.connections++;
    sums[sum + SUM.connections]++;
    if (state === TCP_CLOSE_WAIT) {
      sums[sum + SUM.closeWait]++;
      if (before === TCP_CLOSE_WAIT) sums[sum + SUM.closeWaitLong]++;
    }
    this.#minimum(socket, row);
    const baseline = this.#reading === 1;
    const opened = !baseline && (fresh || before === TCP_SYN_SENT);
    if (opened) {
      this.opened++;
      sums[sum + SUM.opened]++;
    }
    this.#differ(socket, row);
    if (baseline || socket.infoBytes === 0) return;
    this.#count(sum);
    this.#mostRetransmitted(socket, row);
    if (!opened) this.#countTimes(sum);
    this.#roundTrip(socket, row, opened);
  }

  /** A connect that still waits for its SYN-ACK. */
  #waits(socket: DiagSocket, sum: number): void {
    const { sums } = this.groups;
    const again = socket.info(AT.totalRetransmits);
    this.connecting++;
    sums[sum + SUM.connecting]++;
    sums[sum + SUM.synsRepeated] += again;
    if (again > sums[sum + SUM.mostSynsRepeated]) sums[sum + SUM.mostSynsRepeated] = again;
  }

  #minimum(socket: DiagSocket, row: number): void {
    const minimum = socket.info(AT.minRtt);
    if (minimum === 0 || minimum === NO_MIN_RTT) return;
    const { sums } = this.groups;
    const group = this.sockets.words[row * COLUMNS + COLUMN.group];
    const sum = group * SUMS;
    this.#slowest(socket, group, minimum);
    const least = sums[sum + SUM.minRtt];
    if (least === 0 || minimum < least) sums[sum + SUM.minRtt] = minimum;
  }

  #slowest(socket: DiagSocket, group: number, us: number): void {
    const place = group * SUMS + SUM.slowest;
    if (us <= this.groups.sums[place]) return;
    this.groups.sums[place] = us;
    this.groups.notePeer(group, PEER.slowest, peerOf(socket));
  }

  /** Stores the kernel's present figures, and leaves the differences in `#delta`. */
  #differ(socket: DiagSocket, row: number): void {
    const { wide } = this.sockets;
    this.#u32(row, COLUMN.segmentsOut, socket.info(AT.segmentsOut));
    this.#u32(row, COLUMN.segmentsIn, socket.info(AT.segmentsIn));
    this.#u32(row, COLUMN.dataSegmentsOut, socket.info(AT.dataSegmentsOut));
    this.#u32(row, COLUMN.dataSegmentsIn, socket.info(AT.dataSegmentsIn));
    this.#u32(row, COLUMN.retransmits, socket.info(AT.totalRetransmits));
    this.#u32(row, COLUMN.duplicates, socket.info(AT.dsackDuplicates));
    this.#u32(row, COLUMN.busy, socket.info(AT.busyTime));
    this.#u32(row, COLUMN.receiverLimited, socket.info(AT.receiverLimited));
    this.#u32(row, COLUMN.sendBufferLimited, socket.info(AT.sendBufferLimited));
    // Before Linux 4.18 acknowledged bytes stand for delivered segments.
    const delivered = socket.has(AT.delivered, 4) ? AT.delivered : AT.bytesAcked;
    this.#u32(row, COLUMN.delivered, socket.info(delivered));
    const out = socket.has(AT.bytesRetransmitted, 8)
      ? u64(socket, AT.bytesSent) - u64(socket, AT.bytesRetransmitted)
      : u64(socket, AT.bytesAcked);
    const at = row * WIDE_COLUMNS;
    this.#delta[DELTA_BYTES_OUT] = Math.max(0, out - wide[at + WIDE.bytesOut]);
    wide[at + WIDE.bytesOut] = out;
    const received = u64(socket, AT.bytesReceived);
    this.#delta[DELTA_BYTES_IN] = Math.max(0, received - wide[at + WIDE.bytesIn]);
    wide[at + WIDE.bytesIn] = received;
  }

  /** Counters of 32 bits start again at 0 behind their end. */
  #u32(row: number, column: number, now: number): void {
    const at = row * COLUMNS + column;
    this.#delta[column] = now - this.sockets.words[at] >>> 0;
    this.sockets.words[at] = now;
  }

  #count(sum: number): void {
    const { sums } = this.groups;
    const delta = this.#delta;
    sums[sum + SUM.segmentsOut] += delta[COLUMN.segmentsOut];
    sums[sum + SUM.dataSegmentsOut] += delta[COLUMN.dataSegmentsOut];
    sums[sum + SUM.retransmitted] += delta[COLUMN.retransmits];
    sums[sum + SUM.duplicates] += delta[COLUMN.duplicates];
    sums[sum + SUM.bytesOut] += delta[DELTA_BYTES_OUT];
    sums[sum + SUM.bytesIn] += delta[DELTA_BYTES_IN];
  }

  #mostRetransmitted(socket: DiagSocket, row: number): void {
    const again = this.#delta[COLUMN.retransmits];
    const group = this.sockets.words[row * COLUMNS + COLUMN.group];
    const place = group * SUMS + SUM.mostRetransmitted;
    if (again <= this.groups.sums[place]) return;
    this.groups.sums[place] = again;
    this.groups.notePeer(group, PEER.mostRetransmitted, peerOf(socket));
  }

  /** Of connections that were there all the time. */
  #countTimes(sum: number): void {
    const { sums } = this.groups;
    const delta = this.#delta;
    const most = HELD_BACK_SHARE * this.#intervalUs;
    sums[sum + SUM.observed] += this.#intervalUs;
    sums[sum + SUM.busy] += delta[COLUMN.busy];
    sums[sum + SUM.receiverLimited] += delta[COLUMN.receiverLimited];
    sums[sum + SUM.sendBufferLimited] += delta[COLUMN.sendBufferLimited];
    if (delta[COLUMN.receiverLimited] >= most) sums[sum + SUM.heldByReceiver]++;
    if (delta[COLUMN.sendBufferLimited] >= most) sums[sum + SUM.heldBySendBuffer]++;
  }

  /** A round trip counts only where something was delivered beside the handshake itself. */
  #roundTrip(socket: DiagSocket, row: number, opened: boolean): void {
    const rtt = socket.info(AT.rtt);
    const delta = this.#delta;
    if (rtt === 0 || delta[COLUMN.delivered] <= (opened ? 1 : 0)) return;
    const { words } = this.sockets;
    const { sums } = this.groups;
    const group = words[row * COLUMNS + COLUMN.group];
    const sum = group * SUMS;
    const [dataOut, dataIn] = [delta[COLUMN.dataSegmentsOut], delta[COLUMN.dataSegmentsIn]];
    const pureIn = Math.max(0, delta[COLUMN.segmentsIn] - dataIn);
    const lifeIn = words[row * COLUMNS + COLUMN.dataSegmentsIn];
    const lifePure = words[row * COLUMNS + COLUMN.segmentsIn] - lifeIn >>> 0;
    const lifeOut = words[row * COLUMNS + COLUMN.dataSegmentsOut];
    const busy = delta[COLUMN.busy];
    // A receiver that reads late sends window updates, which look like acknowledgements.
    const prompt = arePrompt(dataOut, pureIn, socket.info(AT.unacked)) ||
      arePrompt(lifeOut, lifePure, 0) || wereTogether(dataOut, rtt, busy);
    const minimum = socket.info(AT.minRtt);
    const far = minimum !== 0 && minimum !== NO_MIN_RTT && isQueueing(rtt, minimum);
    const late = far &&
      (isReadLate(delta[COLUMN.receiverLimited], busy) ||
        areDelayed(pureIn, rtt, minimum, busy));
    const clean = socket.has(AT.dataSegmentsOut, 4) && isClean(pureIn, dataIn) &&
      isClean(lifePure, lifeIn) && prompt && !late;
    this.samples.add(group, clean ? KIND.network : KIND.reply, rtt);
    const variance = socket.info(AT.rttVariance);
    sums[sum + SUM.rttVariance] += variance;
    sums[sum + SUM.varianceCount]++;
    if (clean) this.#slowest(socket, group, rtt);
    if (!clean || minimum === 0 || minimum === NO_MIN_RTT || !sentInBulk(dataOut)) return;
    sums[sum + SUM.bulk]++;
    // After losses few segments are under way, and some are acknowledged late: the round trip varies by itself.
    if (!isQueueing(rtt - variance, minimum)) return;
    sums[sum + SUM.queueing]++;
    sums[sum + SUM.queueingRtt] += rtt;
    sums[sum + SUM.queueingMin] += minimum;
  }
}

/** Places in `#delta` that no column of a row has. */
const DELTA_BYTES_OUT = COLUMN.cookieLow;
const DELTA_BYTES_IN = COLUMN.cookieHigh;

function peerOf({ bytes, remoteAt, v4, remotePort }: DiagSocket): PeerAddress {
  return { bytes, at: remoteAt, v4, port: remotePort };
}

/** Exact below 2^53. */
function u64(socket: DiagSocket, offset: number): number {
  return socket.info(offset + 4) * 2 ** 32 + socket.info(offset);
}
