/** probe, ping and knock: each by a stream of its own, or by sockets that many streams share. */
import { SystemError, UsageError } from "../domain/exit.ts";
import { MAX_HOPS } from "../domain/limits.ts";
import type { Target } from "../domain/target.ts";
import { descriptorLimit } from "../kernel/process.ts";
import { TcpSockets } from "../kernel/tcp_info.ts";
import type { CloseKind } from "../net/connector.ts";
import { DEFAULT_ECHO_BYTES, MAX_ECHO_BYTES } from "../domain/limits.ts";
import { openKnockProber } from "../net/knock_prober.ts";
import { NO_KERNEL_FIGURES, OWN_SOCKETS_FROM } from "../net/connector_choice.ts";
import { connectorFor } from "../net/open_connector.ts";
import { openPingProber } from "../net/ping_prober.ts";
import { TcpProber } from "../net/tcp_prober.ts";
import { mostInFlight } from "../run/limit_notices.ts";
import { sourceOf, whole } from "./checks.ts";
import { type ProbeStream, probeStream, type ScheduleOptions } from "./probe_stream.ts";
import {
  checkedSocketOptions,
  type ProberKind,
  SharedProber,
  type SocketOptions,
} from "./shared_prober.ts";
import {
  type OneOrMore,
  type PingTarget,
  pingTargets,
  type PortTarget,
  portTargets,
} from "./targets.ts";

/** How handshakes are made. */
export interface ProberOptions extends SocketOptions {
  /** How a connection is closed: by FIN, or by RST, which leaves no TIME_WAIT. `fin` unless given. */
  readonly close?: CloseKind;
}

/** How echoes are sent. */
export interface PingerOptions extends SocketOptions {
  /** Bytes behind the ICMP header: 0 to 65,507; 56 unless given. */
  readonly payloadBytes?: number;
  /** Time to live, or hop limit: 1 to 255; the system's unless given. */
  readonly ttl?: number;
}

/** How SYNs are sent that are never followed up. */
export type KnockerOptions = SocketOptions;

/** Sockets of `probe` that any number of streams share. */
export interface Prober extends AsyncDisposable {
  /** As the function `probe`, by these sockets; throws UsageError. */
  probe(targets: OneOrMore<PortTarget>, options?: ScheduleOptions): ProbeStream;
  /** Ends all its streams and frees everything. */
  close(): Promise<void>;
}

/** Sockets of `ping` that any number of streams share: one for each address family. */
export interface Pinger extends AsyncDisposable {
  /** As the function `ping`, by these sockets; throws UsageError. */
  ping(targets: OneOrMore<PingTarget>, options?: ScheduleOptions): ProbeStream;
  /** Ends all its streams and frees everything. */
  close(): Promise<void>;
}

/** Sockets of `knock` that any number of streams share: one for each address family. */
export interface Knocker extends AsyncDisposable {
  /** As the function `knock`, by these sockets; throws UsageError. */
  knock(targets: OneOrMore<PortTarget>, options?: ScheduleOptions): ProbeStream;
  /** Ends all its streams and frees everything. */
  close(): Promise<void>;
}

/** Echoes and knocks under way at once: a sequence number has 16 bits. */
const MOST_PACKETS = 50_000;

/**
 * TCP handshakes with one target or many, timed by the kernel from SYN to SYN-ACK, in one stream. Throws
 * UsageError at once where targets or options cannot be used; SystemError comes with the first result,
 * where the source or the interface cannot be had. Wants `--allow-net`, and `--allow-ffi` for the kernel's
 * figures: without them `rttSource` is `clock`, and no source can be chosen.
 *
 * @example Loss of a service, of 20 handshakes in 200 ms
 * ```ts
 * import { probe, serve } from "@wire-probe/wire-probe";
 *
 * await using service = serve({ addresses: ["127.0.0.1"], port: 0 });
 * let lost = 0;
 * const target = { name: "service", host: "127.0.0.1", port: service.port };
 * for await (const { outcome } of probe(target, { count: 20, intervalMs: 10 })) {
 *   if (outcome !== "established") lost++;
 * }
 * console.log(`${lost} of 20 were lost`);
 * ```
 */
export function probe(
  targets: OneOrMore<PortTarget>,
  options: ProberOptions & ScheduleOptions = {},
): ProbeStream {
  const parsed = portTargets(targets);
  const { intervalMs = 1000 } = options;
  const kind = handshakes(options, parsed.length * 1000 / intervalMs, true);
  return alone(parsed, options, kind);
}

/**
 * ICMP echoes to one target or many, timed by the kernel on both ends, in one stream. Throws UsageError at
 * once where targets or options cannot be used; SystemError comes with the first result, and says how to
 * allow it, where this process may send no echoes. Linux alone; wants `--allow-ffi`.
 *
 * @example Three echoes
 * ```ts
 * import { ping } from "@wire-probe/wire-probe";
 *
 * for await (const { seq, rttUs } of ping("127.0.0.1", { count: 3, intervalMs: 10 })) {
 *   console.log(seq, rttUs === null ? "no answer" : `${rttUs} µs`);
 * }
 * ```
 */
export function ping(
  targets: OneOrMore<PingTarget>,
  options: PingerOptions & ScheduleOptions = {},
): ProbeStream {
  return alone(pingTargets(targets), options, echoes(options));
}

/**
 * A SYN, its SYN-ACK, a RST: as `probe`, but the application behind the port sees no connection. Throws
 * UsageError at once where targets or options cannot be used; SystemError comes with the first result, and
 * says how to allow it, where raw sockets are not permitted. Linux alone; wants `--allow-ffi`.
 *
 * @example Whether a port is open
 * ```ts
 * import { knock, serve } from "@wire-probe/wire-probe";
 *
 * await using service = serve({ addresses: ["127.0.0.1"], port: 0 });
 * for await (const { outcome } of knock(`127.0.0.1:${service.port}`, { count: 1 })) {
 *   console.log(outcome === "established" ? "open" : outcome);
 * }
 * ```
 */
export function knock(
  targets: OneOrMore<PortTarget>,
  options: KnockerOptions & ScheduleOptions = {},
): ProbeStream {
  return alone(portTargets(targets), options, knocks(options));
}

/**
 * Opens the sockets of `probe` for any number of streams at the same time. Each stream bounds its own probes
 * under way; where the descriptors run out all the same, a probe's outcome is `error`. Throws UsageError, and
 * SystemError where the source or the interface cannot be had.
 *
 * @example Two services at the same time
 * ```ts
 * import { openProber, serve } from "@wire-probe/wire-probe";
 *
 * await using a = serve({ addresses: ["127.0.0.1"], port: 0 });
 * await using b = serve({ addresses: ["127.0.0.1"], port: 0 });
 * await using prober = openProber({ timeoutMs: 500, close: "rst" });
 * await Promise.all([a, b].map(async ({ port }) => {
 *   for await (const { rttUs } of prober.probe(`127.0.0.1:${port}`, { count: 3, intervalMs: 10 })) {
 *     console.log(port, rttUs);
 *   }
 * }));
 * ```
 */
export function openProber(options: ProberOptions = {}): Prober {
  // The rate is not known yet.
  const shared = SharedProber.open(handshakes(options, OWN_SOCKETS_FROM, false), options);
  return {
    probe: (targets, schedule = {}) => shared.stream(portTargets(targets), schedule),
    ...endings(shared),
  };
}

/**
 * Opens the sockets of `ping`, one for each address family, for any number of streams at the same time.
 * Throws UsageError, and SystemError where this process may send no echoes.
 *
 * @example A thousand addresses by one socket
 * ```ts
 * import { openPinger } from "@wire-probe/wire-probe";
 *
 * await using pinger = openPinger({ timeoutMs: 1000 });
 * const hosts = Array.from({ length: 1000 }, (_, i) => `127.0.${i >> 8}.${i & 255}`);
 * const answers = await Promise.all(hosts.map(async (host) => {
 *   const [answer] = await Array.fromAsync(pinger.ping(host, { count: 1 }));
 *   return answer.outcome;
 * }));
 * console.log(answers.filter((outcome) => outcome === "established").length);
 * ```
 */
export function openPinger(options: PingerOptions = {}): Pinger {
  const shared = SharedProber.open(echoes(options), options);
  return {
    ping: (targets, schedule = {}) => shared.stream(pingTargets(targets), schedule),
    ...endings(shared),
  };
}

/**
 * Opens the sockets of `knock`, one for each address family, for any number of streams at the same time.
 * Throws UsageError, and SystemError where raw sockets are not permitted.
 *
 * @example Which ports are open
 * ```ts
 * import { openKnocker } from "@wire-probe/wire-probe";
 *
 * await using knocker = openKnocker({ timeoutMs: 200 });
 * const ports = [1, 2, 3].map((port) => ({ host: "127.0.0.1", port }));
 * for await (const { target, outcome } of knocker.knock(ports, { count: 1 })) {
 *   console.log(target.port, outcome);
 * }
 * ```
 */
export function openKnocker(options: KnockerOptions = {}): Knocker {
  const shared = SharedProber.open(knocks(options), options);
  return {
    knock: (targets, schedule = {}) => shared.stream(portTargets(targets), schedule),
    ...endings(shared),
  };
}

/** A stream with sockets of its own, which are opened and closed with it. */
function alone(
  targets: readonly Target[],
  options: SocketOptions & ScheduleOptions,
  kind: ProberKind,
): ProbeStream {
  const source = sourceOf(options.source);
  return probeStream(targets, options, source, () => SharedProber.open(kind, options));
}

function endings(shared: SharedProber): AsyncDisposable & { close(): Promise<void> } {
  return { close: () => shared.close(), [Symbol.asyncDispose]: () => shared.close() };
}

/** Handshakes at about `rate` a second; `even`: spread evenly over each second. */
function handshakes(options: ProberOptions, rate: number, even: boolean): ProberKind {
  const { timeoutMs, source, device, rttFrom, clock } = checkedSocketOptions(options);
  const { close = "fin" } = options;
  if (close !== "fin" && close !== "rst") {
    throw new UsageError(`close ${String(close)}: wants "fin" or "rst"`);
  }
  return {
    open: () => {
      const sockets = TcpSockets.open();
      if (sockets === null && (rttFrom === "kernel" || close === "rst" || source !== null)) {
        throw new SystemError(NO_KERNEL_FIGURES);
      }
      const connector = connectorFor({ source, device, close, rate, even }, sockets, clock);
      return new TcpProber(connector, clock, timeoutMs, rttFrom);
    },
    maxInFlight: () => mostInFlight(descriptorLimit(), 0),
  };
}

function echoes(options: PingerOptions): ProberKind {
  const { rttFrom, clock, ...sockets } = checkedSocketOptions(options);
  const payloadBytes = whole(
    "payloadBytes",
    options.payloadBytes,
    0,
    MAX_ECHO_BYTES,
    DEFAULT_ECHO_BYTES,
  );
  const ttl = whole("ttl", options.ttl, 1, MAX_HOPS, null);
  return {
    open: () => openPingProber({ ...sockets, clock: rttFrom, payloadBytes, ttl }, clock),
    maxInFlight: () => MOST_PACKETS,
  };
}

function knocks(options: KnockerOptions): ProberKind {
  const { rttFrom, clock, ...sockets } = checkedSocketOptions(options);
  return {
    open: () => openKnockProber({ ...sockets, clock: rttFrom }, clock),
    maxInFlight: () => MOST_PACKETS,
  };
}
