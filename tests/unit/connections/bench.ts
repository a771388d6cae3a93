/** Readings of made-up sockets: a kernel that a test sets, and an observer of it. */
import { assert } from "@std/assert";
import type {
  ConnectionGroup,
  ConnectionReport,
  Grouping,
} from "../../../src/domain/connection.ts";
import { Observer, type SocketSource } from "../../../src/connections/observer.ts";
import type { DiagSocket, DumpEnd, DumpRequest } from "../../../src/kernel/sock_diag.ts";
import type { TcpCounters } from "../../../src/kernel/tcp_counters.ts";
import { TCP_INFO_AT as AT } from "../../../src/kernel/tcp_info_layout.ts";
import { FakeClock } from "../fake_clock.ts";
import { LISTEN, type SocketFields, visitAll } from "./sockets.ts";

/** A kernel whose sockets a test sets. */
class FakeSource implements SocketSource {
  sockets: SocketFields[] = [];
  /** How many dumps of connections come out incomplete. */
  interrupted = 0;
  readonly requests: DumpRequest[] = [];

  begin(request: DumpRequest): void {
    this.requests.push(request);
  }

  next(visit: (socket: DiagSocket) => void): DumpEnd {
    const { family, states } = this.requests[this.requests.length - 1];
    visitAll(
      this.sockets.filter(({ state = 1, local = "" }) =>
        (states & 1 << state) !== 0 && (local.includes(":") ? 6 : 4) === family
      ),
      visit,
    );
    if (states === 1 << LISTEN || this.interrupted === 0) return "done";
    this.interrupted--;
    return "again";
  }
}

interface Options {
  readonly by: Grouping;
  readonly top: number;
  readonly port: number | null;
  readonly listening: boolean;
  readonly steady: boolean;
}

/** An observer of a kernel that a test sets, by a clock that it moves. */
export class Bench {
  readonly source = new FakeSource();
  readonly clock = new FakeClock();
  counters: TcpCounters | null = null;
  readonly observer: Observer;

  constructor(options: Partial<Options> = {}) {
    const { by = "peer", top = 10, port = null, listening = false, steady = false } = options;
    this.observer = new Observer({
      by,
      top,
      listening,
      groupedPortsOnly: port !== null,
      steady,
      filter: { peers: null, port, listening },
      thresholds: { rttUs: null, retransmittedRatio: null },
    }, {
      source: this.source,
      clock: this.clock,
      counters: () => this.counters,
      beside: { handshakes: () => null, ownerOf: () => null, peerName: () => null },
    });
  }

  /** The report a second later. */
  async report(sockets: readonly SocketFields[]): Promise<ConnectionReport> {
    this.source.sockets = [...sockets];
    this.clock.stall(1000);
    return await this.observer.read();
  }
}

/** This machine's address. */
export const local = "10.0.0.1";

/** A connection of this machine's to 10.0.0.2:5432 with these counters. */
export function out(
  cookie: number,
  info: NonNullable<SocketFields["info"]>,
  more: SocketFields = {},
): SocketFields {
  return { cookie, local, localPort: 40_000 + cookie, info, ...more };
}

/** The group of that name. */
export function named(report: ConnectionReport, name: string): ConnectionGroup {
  const found = report.groups.find(({ group }) => group === name);
  assert(found !== undefined, `${name} is not among ${report.groups.map(({ group }) => group)}`);
  return found;
}

/** Counters of a connection that sent `data` segments and got `pure` and `replies`. */
export function segments(
  data: number,
  pure: number,
  replies: number,
  rttUs: number,
): NonNullable<SocketFields["info"]> {
  return {
    [AT.rtt]: rttUs,
    [AT.minRtt]: 10_000,
    [AT.segmentsOut]: data,
    [AT.dataSegmentsOut]: data,
    [AT.segmentsIn]: pure + replies,
    [AT.dataSegmentsIn]: replies,
    [AT.delivered]: data + 1,
  };
}
