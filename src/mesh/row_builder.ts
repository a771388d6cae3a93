/**
 * This node's row: the windows of all its peers, and how much of the measured time is this node's
 * own.
 */
import { fateOf } from "../domain/outcome.ts";
import { kernelRttOf, NONE, type ProbeRecord } from "../domain/probe_record.ts";
import type { Target } from "../domain/target.ts";
import type { HostPressure } from "../domain/host_pressure.ts";
import type { MeshRow, PeerFigures } from "../domain/mesh_row.ts";
import type { Clock } from "../time/clock.ts";
import { DAY_WINDOW_MS, type DayWindow, PairDay } from "./pair_day.ts";
import { RecentBursts } from "./recent_bursts.ts";
import { PairWindow, SLICES, TimesWindow, Totals } from "./pair_window.ts";

/** Peers whose figures are worked out in one turn of the event loop, so that no probe waits long. */
const PEERS_A_TURN = 128;

interface Peer {
  readonly host: string;
  readonly port: number;
  readonly window: PairWindow;
  readonly recent: RecentBursts;
  readonly day: PairDay;
}

export interface RowPorts {
  readonly clock: Clock;
  /** Lets the event loop do what else is due. */
  pause(): Promise<void>;
  /** How short the host is of CPU, memory and IO; null where nobody tells. */
  readonly pressure?: () => HostPressure | null;
}

export interface RowOptions {
  readonly windowMs: number;
  /** Probes back to back in each interval. */
  readonly burst: number;
  /** The mean RTT that a window of five minutes should not exceed; absent or null for none. */
  readonly sloUs?: number | null;
}

/** Windows of the last day, and when window 0 began by the wall clock as it is now. */
export interface PairHistory {
  readonly startWallMs: number;
  readonly windows: readonly DayWindow[];
}

export class RowBuilder {
  #ports: RowPorts;
  #options: RowOptions;
  #node: Target;
  #startMs: number;
  #lastMs: number;
  #peers = new Map<string, Peer>();
  #lag = new TimesWindow();
  #excess = new TimesWindow();
  #totals = new Totals();

  /** `node` is this one, as its line in the nodes file has it. */
  constructor(node: Target, options: RowOptions, ports: RowPorts) {
    this.#node = node;
    this.#options = options;
    this.#ports = ports;
    this.#startMs = this.#lastMs = ports.clock.now();
  }

  get node(): Target {
    return this.#node;
  }

  /** How much memory the peers' counts have, in bytes. */
  get bytes(): number {
    let bytes = 0;
    for (const { window } of this.#peers.values()) bytes += window.bytes;
    return bytes;
  }

  /** The row is of these peers from now on; those that are the same keep what was measured. */
  watch(node: Target, peers: readonly Target[]): void {
    this.#node = node;
    const before = this.#peers;
    this.#peers = new Map(peers.map((target) => {
      const known = before.get(target.name);
      return [target.name, known !== undefined && isAt(known, target) ? known : newPeer(target)];
    }));
  }

  /** Counts a handshake whose fate is known. */
  record(record: ProbeRecord): void {
    const peer = this.#peerOf(record);
    if (peer === null || fateOf(record.outcome) === "unsent") return;
    const slice = this.#slice();
    this.#lastMs = this.#ports.clock.now();
    peer.window.add(slice, record);
    peer.recent.add(this.#lastMs, record);
    peer.day.add(this.#dayWindow(), record);
    // In a burst only the first probe, which is cold, has a time at which it was due.
    if (record.lagUs !== NONE) this.#lag.add(slice, record.lagUs);
    const rttUs = kernelRttOf(record);
    if (rttUs !== NONE && record.connectUs !== NONE) {
      this.#excess.add(slice, Math.max(0, record.connectUs - rttUs));
    }
  }

  /** Counts an echo whose fate is known. */
  recordIcmp(record: ProbeRecord): void {
    this.#peerOf(record)?.window.addIcmp(this.#slice(), record);
  }

  /** A peer has said that it leaves. */
  leave(name: string): void {
    this.#peers.get(name)?.recent.leave(this.#ports.clock.now());
  }

  /** Whether a peer is there that had said that it leaves: it has answered since. */
  isBack(name: string): boolean {
    return this.#peers.get(name)?.recent.left === false;
  }

  /** The row as it is now; other work goes on while it is made. */
  async row(): Promise<MeshRow> {
    const peers: PeerFigures[] = [];
    const targetUs = this.#options.sloUs ?? null;
    for (const [name, { window, recent, day }] of this.#peers) {
      if (peers.length % PEERS_A_TURN === PEERS_A_TURN - 1) await this.#ports.pause();
      const figures = window.figures(this.#slice(), name, this.#totals);
      const ofDay = day.figures(this.#dayWindow(), targetUs);
      peers.push({
        ...figures,
        ...recent.figures(this.#ports.clock.now()),
        usualUs: day.usualUs ?? recent.usualUs,
        day: ofDay,
      });
    }
    const { clock } = this.#ports;
    const slice = this.#slice();
    return {
      node: this.#node.name,
      az: this.#node.az,
      labels: this.#node.labels,
      wallMs: clock.wall(),
      // A node that has nobody to probe is not behind with it.
      ageMs: peers.length === 0 ? 0 : Math.round(clock.now() - this.#lastMs),
      windowMs: Math.round(this.#spanMs(slice)),
      lagP99Us: this.#lag.quantiles(slice, this.#totals)?.p99Us ?? null,
      connectExcess: this.#excess.quantiles(slice, this.#totals),
      pressure: this.#ports.pressure?.() ?? null,
      peers,
    };
  }

  /** A peer's last day; null for one that is not probed. */
  history(name: string): PairHistory | null {
    const day = this.#peers.get(name)?.day;
    return day === undefined ? null : this.#historyOf(day.windows(this.#dayWindow()));
  }

  /** The same of all peers together. */
  ownHistory(): PairHistory {
    const sums = new Map<
      number,
      { sum: number; timed: number; sent: number; established: number }
    >();
    for (const { day } of this.#peers.values()) {
      for (const { window, meanUs, sent, established } of day.windows(this.#dayWindow())) {
        const sum = sums.get(window) ?? { sum: 0, timed: 0, sent: 0, established: 0 };
        sums.set(window, sum);
        sum.sent += sent;
        sum.established += established;
        if (meanUs === null) continue;
        sum.sum += meanUs;
        sum.timed++;
      }
    }
    const windows = [...sums].sort(([a], [b]) => a - b).map(([window, of]) => ({
      window,
      meanUs: of.timed === 0 ? null : of.sum / of.timed,
      sent: of.sent,
      established: of.established,
    }));
    return this.#historyOf(windows);
  }

  #historyOf(windows: readonly DayWindow[]): PairHistory {
    const { clock } = this.#ports;
    return { startWallMs: clock.wall() - (clock.now() - this.#startMs), windows };
  }

  #dayWindow(): number {
    return Math.floor((this.#ports.clock.now() - this.#startMs) / DAY_WINDOW_MS);
  }

  /** The peer that a probe was for; null once it has left or moved. */
  #peerOf({ target }: ProbeRecord): Peer | null {
    const peer = this.#peers.get(target.name);
    return peer !== undefined && isAt(peer, target) ? peer : null;
  }

  get #sliceMs(): number {
    return this.#options.windowMs / SLICES;
  }

  #slice(): number {
    return Math.floor((this.#ports.clock.now() - this.#startMs) / this.#sliceMs);
  }

  /** What the slices that are kept have lasted, the one under way so far. */
  #spanMs(slice: number): number {
    const oldest = Math.max(0, slice - SLICES + 1);
    return this.#ports.clock.now() - this.#startMs - oldest * this.#sliceMs;
  }
}

function newPeer({ host, port }: Target): Peer {
  return { host, port, window: new PairWindow(), recent: new RecentBursts(), day: new PairDay() };
}

function isAt(peer: Peer, { host, port }: Target): boolean {
  return peer.host === host && peer.port === port;
}
