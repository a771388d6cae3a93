/**
 * What this process may do on this machine; the cost of each missing right, and how to allow it.
 */
import { ALLOW_PING_SOCKETS, allowRawSockets, capabilities } from "../../kernel/capabilities.ts";
import { descriptorLimit } from "../../kernel/process.ts";
import { ephemeralPorts } from "../../kernel/system_file.ts";
import { TcpSockets } from "../../kernel/tcp_info.ts";
import { backlogInForce, listening, listenOn } from "../../net/listener.ts";

export interface Finding {
  readonly name: string;
  readonly ok: boolean;
  /** What there is, or what its lack costs. */
  readonly detail: string;
  /** The command that would allow it; null where nothing is wrong or nothing can be done. */
  readonly remedy: string | null;
}

const WANTED_BACKLOG = 4096;
const WANTED_DESCRIPTORS = 10_240;
/** A closed connection holds its port this long (TCP_TIMEWAIT_LEN). */
const TIME_WAIT_S = 60;

export function findings(): Finding[] {
  const can = capabilities();
  return [
    kernelRtt(),
    finding(
      "ping sockets",
      can?.pingSocket === true,
      "ICMP echo without privileges",
      "ping needs a raw socket instead",
      ALLOW_PING_SOCKETS,
    ),
    finding(
      "raw sockets",
      can?.rawSocket === true,
      "knock, one flow in trace by TCP, and ping where ping sockets are not allowed",
      "no knock; trace by TCP is a flow a probe",
      allowRawSockets(),
    ),
    finding(
      "error queues",
      can?.errorQueue === true,
      "trace by TCP and UDP without privileges",
      "no trace",
      null,
    ),
    finding(
      "packet times",
      can?.packetTimes === true,
      "ping and knock are timed by the kernel on both ends",
      "rtt of ping and knock is the clock's and holds this machine's scheduling delays",
      null,
    ),
    ports(),
    descriptors(),
    backlog(),
  ];
}

function finding(
  name: string,
  ok: boolean,
  gain: string,
  loss: string,
  remedy: string | null,
): Finding {
  return { name, ok, detail: ok ? gain : loss, remedy: ok ? null : remedy };
}

function kernelRtt(): Finding {
  return finding(
    "kernel RTT",
    TcpSockets.open() !== null,
    "rtt is the kernel's own sample, whatever this machine's load",
    "rtt is the clock's and holds this machine's scheduling delays",
    null,
  );
}

function ports(): Finding {
  const count = ephemeralPorts();
  return finding(
    "ephemeral ports",
    count !== null && count >= WANTED_DESCRIPTORS,
    `${count} ports: ${Math.floor((count ?? 0) / TIME_WAIT_S)} closes a second to one address ` +
      "and port if this side held TIME_WAIT; --close rst holds none",
    count === null ? "their number is not known" : `only ${count} ports`,
    count === null ? null : 'sysctl -w net.ipv4.ip_local_port_range="32768 60999"',
  );
}

function descriptors(): Finding {
  const limit = descriptorLimit();
  return finding(
    "descriptors",
    limit !== null && limit >= WANTED_DESCRIPTORS,
    `${limit} may be open: as many probes in flight`,
    limit === null ? "their limit is not known" : `only ${limit} may be open`,
    limit === null ? null : `ulimit -n ${WANTED_DESCRIPTORS}`,
  );
}

function backlog(): Finding {
  const [listener] = listenOn(["127.0.0.1"], 0, listening(WANTED_BACKLOG));
  const inForce = backlogInForce(listener, TcpSockets.open());
  listener.close();
  return finding(
    "backlog",
    inForce !== null && inForce >= WANTED_BACKLOG,
    `${inForce} handshakes may wait for serve to be scheduled`,
    inForce === null
      ? "its size is not known"
      : `only ${inForce} handshakes may wait; when full, a SYN waits a second`,
    inForce === null ? null : `sysctl -w net.core.somaxconn=${WANTED_BACKLOG}`,
  );
}
