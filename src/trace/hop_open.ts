/** Which prober a trace gets: by its protocol, and by what this process may do. */
import type { TraceProtocol } from "../domain/path.ts";
import { SystemError } from "../domain/exit.ts";
import { type Endpoint, hostPort } from "../domain/target.ts";
import { MessageReader } from "../kernel/error_queue.ts";
import { ErrnoError } from "../kernel/errno.ts";
import { HopSockets } from "../kernel/hop_socket.ts";
import { Poller } from "../kernel/poller.ts";
import { ALLOW_PING_SOCKETS, allowRawSockets } from "../kernel/capabilities.ts";
import { TcpSockets } from "../kernel/tcp_info.ts";
import type { Clock } from "../time/clock.ts";
import type { HopProber, HopTools } from "./hop_prober.ts";
import { IcmpHopProber } from "./hop_prober_icmp.ts";
import { RawTcpHopProber } from "./hop_prober_raw_tcp.ts";
import { TcpHopProber } from "./hop_prober_tcp.ts";
import { UdpHopProber } from "./hop_prober_udp.ts";

export interface HopProberOptions {
  readonly protocol: TraceProtocol;
  readonly flows: number;
  /** Flows are wanted as such: where only one probe of each can be under way, so be it. */
  readonly flowsMatter: boolean;
  readonly source: Endpoint | null;
}

const NO_ROUTE = ["ENETUNREACH", "EHOSTUNREACH", "ENETDOWN", "EHOSTDOWN"];

/** The tools that probers share; opened before the FFI permission is given up. */
export function openHopTools(clock: Clock): HopTools {
  const sockets = HopSockets.open();
  const reader = MessageReader.open();
  const poller = Poller.open();
  if (sockets === null || reader === null || poller === null) {
    throw new SystemError("trace wants Linux's error queues, which this platform does not offer");
  }
  return { sockets, reader, poller, clock };
}

/** Throws SystemError with the remedy where this process may not. */
export function openHopProber(
  tools: HopTools,
  target: Endpoint,
  options: HopProberOptions,
): HopProber {
  try {
    return open(tools, target, options);
  } catch (error) {
    if (!(error instanceof ErrnoError)) throw error;
    const to = hostPort(target.address, target.port);
    const refused = error.code === "EACCES" || error.code === "EPERM";
    if (options.protocol === "icmp" && refused) {
      throw new SystemError(
        "trace --icmp may open neither a ping nor a raw socket; to allow it: " +
          `${ALLOW_PING_SOCKETS} or ${allowRawSockets()}`,
      );
    }
    throw new SystemError(`cannot trace to ${to}: ${error.reason}`);
  }
}

/** Whether an error of `send` says that there is no way to the target from here. */
export function isNoRoute(error: unknown): boolean {
  return error instanceof ErrnoError && NO_ROUTE.includes(error.code);
}

function open(tools: HopTools, target: Endpoint, options: HopProberOptions): HopProber {
  const { protocol, flows, flowsMatter, source } = options;
  switch (protocol) {
    case "udp":
      return new UdpHopProber(tools, target, flows, source);
    case "icmp":
      return new IcmpHopProber(tools, target, flows, source);
    case "tcp": {
      if (tools.sockets.refusal("raw tcp", target.family) === null) {
        return new RawTcpHopProber(tools, target, flows, source);
      }
      const infos = TcpSockets.open();
      if (infos === null) throw new SystemError("this platform offers no libc");
      return new TcpHopProber(tools, infos, target, { flows, fixed: flowsMatter, source });
    }
    default:
      return protocol satisfies never;
  }
}
