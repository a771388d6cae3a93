/**
 * wire-probe as a library: what the network takes, as a TCP client meets it, and the diagnostics beside.
 * Nothing is printed, no signal is handled, no permission given up and the process never ended.
 *
 * Wants `--allow-net`, and on Linux `--allow-ffi` for the kernel's figures. Times of round trips are
 * microseconds (µs), all others milliseconds (ms), as the names of the fields say.
 *
 * @example Five handshakes with a database
 * ```ts
 * import { probe, serve } from "@wire-probe/wire-probe";
 *
 * await using database = serve({ addresses: ["127.0.0.1"], port: 0 });
 * const target = `127.0.0.1:${database.port}`;
 * for await (const { seq, outcome, rttUs } of probe(target, { count: 5, intervalMs: 10 })) {
 *   console.log(seq, outcome, rttUs);
 * }
 * ```
 *
 * @module
 */
export type {
  AcceptQueues,
  ConnectionDirection,
  ConnectionGroup,
  ConnectionReport,
  ConnectionTotals,
  ConnectionVerdict,
  ConnectionVerdictName,
  Grouping,
  ListeningPort,
  RttSpread,
} from "./domain/connection.ts";
export { SystemError, UsageError } from "./domain/exit.ts";
export type { Endpoint } from "./domain/target.ts";
export type { Outcome } from "./domain/outcome.ts";
export type {
  AddressOrigin,
  HopAnswerDetail,
  HopAnswerKind,
  IcmpErrorKind,
  IcmpExtensions,
  InterfaceInfo,
  InterfaceRole,
  MplsLabel,
  MtuStep,
  PathEnd,
  PathMtu,
  SynAckFacts,
  TraceProtocol,
  Translation,
} from "./domain/path.ts";
export type { Distribution } from "./domain/summary.ts";
export type { RttSource } from "./domain/probe_record.ts";
export type { Label, Target } from "./domain/target.ts";
export { connections, type ConnectionsOptions } from "./library/connections.ts";
export {
  knock,
  type Knocker,
  type KnockerOptions,
  openKnocker,
  openPinger,
  openProber,
  ping,
  type Pinger,
  type PingerOptions,
  probe,
  type Prober,
  type ProberOptions,
} from "./library/probers.ts";
export type { ProbeResult } from "./library/probe_result.ts";
export type { ProbeStream, ScheduleOptions } from "./library/probe_stream.ts";
export type { ResultStream, StreamOptions, WhenFull } from "./library/result_stream.ts";
export type { SocketOptions } from "./library/shared_prober.ts";
export type {
  HostParts,
  OneOrMore,
  PingTarget,
  PortlessParts,
  PortParts,
  PortTarget,
} from "./library/targets.ts";
export { serve, type ServeOptions, type Server } from "./library/serve.ts";
export type { TracerOptions, TraceStreamOptions } from "./library/trace_options.ts";
export { openTracer, trace, type Tracer } from "./library/tracer.ts";
export type {
  TraceAddress,
  TraceEnd,
  TraceHandshake,
  TraceHop,
  TraceResult,
} from "./library/trace_result.ts";
export type { CloseKind } from "./net/connector.ts";
export type { AcceptCounters } from "./net/listener.ts";
export type { ListeningSocket } from "./net/responder.ts";
export type { ClockChoice } from "./net/prober.ts";
export type { Family, Resolver } from "./net/resolver.ts";
export type { Cancel, Clock } from "./time/clock.ts";
