/** Reads all sockets, again and again, and reports what happened from one reading to the next. */
import type { ConnectionReport } from "../domain/connection.ts";
import type { DiagFilter } from "../kernel/sock_diag_filter.ts";
import type { DiagSocket, DumpEnd, DumpRequest } from "../kernel/sock_diag.ts";
import {
  TCP_CLOSE_WAIT,
  TCP_CLOSING,
  TCP_ESTABLISHED,
  TCP_FIN_WAIT1,
  TCP_FIN_WAIT2,
  TCP_LAST_ACK,
  TCP_LISTEN,
  TCP_SYN_SENT,
} from "../kernel/linux.ts";
import type { TcpCounters } from "../kernel/tcp_counters.ts";
import { type Clock, sleepUntil } from "../time/clock.ts";
import { WallAnchor, type WallTime } from "../time/wall_anchor.ts";
import { Differences } from "./differences.ts";
import type { ConnectionFilter } from "./grouping.ts";
import { Listeners } from "./listeners.ts";
import { type Beside, Reporter, type ReportOptions } from "./report.ts";

/** What `ss` shows too: all but TIME_WAIT, SYN_RECV and sockets that are closed. */
const CONNECTION_STATES = [
  TCP_ESTABLISHED,
  TCP_SYN_SENT,
  TCP_FIN_WAIT1,
  TCP_FIN_WAIT2,
  TCP_CLOSE_WAIT,
  TCP_LAST_ACK,
  TCP_CLOSING,
].reduce((bits, state) => bits | 1 << state, 0);

/** After this long, a reading lets other work come in between. */
const TURN_MS = 10;
/** How often a dump is tried that comes out incomplete. */
const TRIES = 2;

/** The dumps that a reading is made of; `SockDiag` is one. */
export interface SocketSource {
  begin(request: DumpRequest): void;
  next(visit: (socket: DiagSocket) => void): DumpEnd | null;
}

export interface ObserverOptions extends ReportOptions {
  readonly filter: ConnectionFilter;
}

export interface ObserverPorts {
  readonly source: SocketSource;
  readonly clock: Clock;
  /** The namespace's own counters; null where they cannot be read. */
  readonly counters: () => TcpCounters | null;
  readonly beside: Beside;
}

export class Observer {
  #options: ObserverOptions;
  #ports: ObserverPorts;
  #listeners = new Listeners();
  #differences: Differences;
  #reporter: Reporter;
  #anchor: WallAnchor;
  #lastMs: number | null = null;
  #lastCounters: TcpCounters | null = null;

  constructor(options: ObserverOptions, ports: ObserverPorts) {
    this.#options = options;
    this.#ports = ports;
    this.#anchor = new WallAnchor(ports.clock);
    this.#differences = new Differences(this.#listeners, options);
    this.#reporter = new Reporter(this.#differences, this.#listeners, options, ports.beside);
  }

  /**
   * One reading, and what happened since the one before. The first has nothing to be compared with: its
   * interval is 0, and it tells of nothing but what is there. Throws SystemError.
   */
  async read(): Promise<ConnectionReport> {
    const { clock, counters } = this.#ports;
    const startMs = clock.now();
    const intervalMs = this.#lastMs === null ? 0 : startMs - this.#lastMs;
    this.#lastMs = startMs;
    this.#differences.begin(intervalMs * 1000);
    const listening = await this.#listening();
    const connections = await this.#connections();
    const complete = listening && connections;
    // Where sockets may be missing from a dump, a missing one is not reported as closed.
    if (connections) this.#differences.end();
    const now = counters();
    const report = this.#report(startMs, intervalMs, complete, now);
    this.#lastCounters = now;
    this.#differences.releaseEmpty();
    return report;
  }

  async #listening(): Promise<boolean> {
    const { port, listening } = this.#options.filter;
    this.#listeners.begin();
    const filter = port === null || !listening ? null : { ...NO_FILTER, localPort: port };
    const whole = await this.#both(
      { states: 1 << TCP_LISTEN, info: false, drops: true, filter },
      (socket) => this.#listeners.add(socket),
    );
    this.#listeners.end();
    return whole;
  }

  async #connections(): Promise<boolean> {
    const { peers, port } = this.#options.filter;
    // The kernel takes one peer. With several it gives all, and the differences leave out the others.
    const only = peers?.length === 1 ? peers[0] : null;
    const filter = { port, localPort: null, remotePort: only?.port ?? null, remote: only };
    return await this.#both(
      { states: CONNECTION_STATES, info: true, drops: false, filter },
      this.#differences.add,
    );
  }

  /** Dumps the sockets of both families; whether that was all of them. */
  async #both(
    request: Omit<DumpRequest, "family">,
    visit: (socket: DiagSocket) => void,
  ): Promise<boolean> {
    const v4 = await this.#dump({ ...request, family: 4 }, visit);
    return await this.#dump({ ...request, family: 6 }, visit) && v4;
  }

  async #dump(request: DumpRequest, visit: (socket: DiagSocket) => void): Promise<boolean> {
    const { source, clock } = this.#ports;
    for (let i = 0; i < TRIES; i++) {
      source.begin(request);
      let turnMs = clock.now();
      let end = source.next(visit);
      while (end === null) {
        if (clock.now() - turnMs >= TURN_MS) {
          await sleepUntil(clock, clock.now());
          turnMs = clock.now();
        }
        end = source.next(visit);
      }
      if (end === "done") return true;
    }
    return false;
  }

  #report(
    atMs: number,
    intervalMs: number,
    complete: boolean,
    now: TcpCounters | null,
  ): ConnectionReport {
    const wall: WallTime = { wallSeconds: 0, wallNanos: 0 };
    this.#anchor.stamp(atMs, wall);
    const { connections, connecting, opened, closed, untracked } = this.#differences;
    const before = this.#lastCounters;
    const grown = (of: (counters: TcpCounters) => number) =>
      now === null || before === null ? null : Math.max(0, of(now) - of(before));
    const listenOverflows = grown((counters) => counters.listenOverflows);
    // Where the counter cannot be read, a drop is taken for an overflow.
    const { groups, all, others } = this.#reporter.groups(listenOverflows !== 0);
    return {
      ...wall,
      intervalMs,
      groups,
      listening: this.#reporter.listening(),
      totals: {
        connections,
        connecting,
        opened,
        closed,
        groups: all,
        groupsInOthers: others,
        activeOpens: grown((counters) => counters.activeOpens),
        passiveOpens: grown((counters) => counters.passiveOpens),
        listenOverflows,
        listenDrops: grown((counters) => counters.listenDrops),
        untracked,
        incomplete: !complete,
      },
    };
  }
}

const NO_FILTER: DiagFilter = { port: null, localPort: null, remotePort: null, remote: null };
