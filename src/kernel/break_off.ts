/**
 * Breaks a TCP connection off whose peer has stopped reading: the runtime's `close()` waits for a
 * write under way, which then ends only when the peer goes. shutdown(2) ends it at once.
 *
 * Checked with Deno 2.7.11 and 2.9.6. It rests on the descriptor search, which hands out no socket
 * but the one whose names fit. Where that finds none, nothing is done, and the connection lasts as
 * long as its peer likes. Its test is tests/receivers/http_server_test.ts: a client that stops
 * reading is broken off.
 */
import type { Peer } from "./descriptor_search.ts";
import { openLibc } from "./libc.ts";
import { SHUT_RDWR } from "./linux.ts";
import { TcpSockets } from "./tcp_info.ts";

const CALLS = ["shutdown"] as const;

/** Fails what is under way on the connection; closing it afterwards sends RST. */
export type BreakOff = (localPort: number, peer: Peer) => void;

/** Null where there is no libc to call: then such a connection lasts until its peer ends it. */
export function openBreakOff(): BreakOff | null {
  const sockets = TcpSockets.open();
  const libc = openLibc(CALLS, "seldom")?.symbols;
  if (sockets === null || libc === undefined) return null;
  return (localPort, peer) => {
    const descriptor = sockets.search.findAccepted(localPort, peer);
    if (descriptor < 0) return;
    sockets.resetOnClose(descriptor);
    libc.shutdown(descriptor, SHUT_RDWR);
  };
}
