/** Traces to one peer at a time, for those whose connections are slow at this moment. */
import type { TraceOrder } from "../../connections/beside.ts";
import type { TraceReport } from "../../domain/path.ts";
import { systemClock } from "../../time/clock.ts";
import { WallAnchor, type WallTime } from "../../time/wall_anchor.ts";
import { isNoRoute, openHopProber, openHopTools } from "../../trace/hop_open.ts";
import type { HopTools } from "../../trace/hop_prober.ts";
import { NO_NAMES } from "../../trace/names.ts";
import { TracePath } from "../../trace/path.ts";
import { NOTHING_KNOWN, TraceRound } from "../../trace/round.ts";

const MAX_HOPS = 30;
const TIMEOUT_MS = 1000;
const QUERIES = 3;
/** Of a probe's whole packet, by ICMP. */
const PACKET_BYTES = 60;

export class PeerTracer {
  #tools: HopTools;
  #anchor = new WallAnchor(systemClock);

  private constructor(tools: HopTools) {
    this.#tools = tools;
  }

  /** Throws SystemError where nothing can be traced. */
  static open(): PeerTracer {
    return new PeerTracer(openHopTools(systemClock));
  }

  /** One round along one flow. Throws SystemError, with the remedy, where this process may not. */
  async trace({ target, protocol }: TraceOrder): Promise<TraceReport> {
    const options = { protocol, source: null, flows: 1, flowsMatter: false };
    const prober = openHopProber(this.#tools, target, options);
    const began: WallTime = { wallSeconds: 0, wallNanos: 0 };
    const startMs = systemClock.now();
    this.#anchor.stamp(startMs, began);
    const path = new TracePath();
    path.beginRound();
    const sizeBytes = protocol === "icmp" ? PACKET_BYTES : null;
    const round = new TraceRound(
      {
        firstHop: 1,
        maxHops: MAX_HOPS,
        timeoutMs: TIMEOUT_MS,
        sizeBytes: PACKET_BYTES,
        mtu: false,
        queries: QUERIES,
        flows: 1,
      },
      NOTHING_KNOWN,
      {
        clock: systemClock,
        prober,
        onFate: (fate) => void path.add(fate),
        onMtu: () => {},
      },
    );
    try {
      await round.run();
    } catch (error) {
      if (!isNoRoute(error)) throw error;
    } finally {
      prober.close();
    }
    return {
      ...began,
      host: target.address,
      address: target.address,
      family: target.family,
      port: protocol === "icmp" ? null : target.port,
      protocol,
      flow: prober.flow,
      paths: 1,
      rounds: path.rounds,
      queries: QUERIES,
      firstHop: 1,
      maxHops: MAX_HOPS,
      sizeBytes,
      durationMs: systemClock.now() - startMs,
      hops: path.hops(),
      silentTail: path.silentTail(),
      end: path.end(),
      mtu: null,
      handshake: null,
      namesOf: () => NO_NAMES,
    };
  }
}
