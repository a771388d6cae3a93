/** Sends on sockets that keep their ICMP errors, where an earlier packet's error fails a later send. */
import { ErrnoError } from "../kernel/errno.ts";
import type { HopSockets } from "../kernel/hop_socket.ts";
import { ERRNO } from "../kernel/linux.ts";
import type { HopTools } from "./hop_prober.ts";

/** Errors may go on coming while a send is tried: one for each probe on its way. */
const MAX_TRIES = 256;

/** Sends the first `length` bytes; throws ErrnoError when it is this packet that cannot be sent. */
export function sendOnce(
  sockets: HopSockets,
  descriptor: number,
  packet: Uint8Array<ArrayBuffer>,
  length: number,
): void {
  let errno = 0;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    errno = sockets.send(descriptor, packet, length);
    if (errno === 0) return;
    // Nothing was sent: an error that waited on the socket was reported in its place, and is gone.
    sockets.takeError(descriptor);
  }
  throw new ErrnoError("send", errno);
}

/** The first link's MTU: what the kernel says of a packet that is larger than any link takes. */
export function tooBigFor(
  { sockets, reader }: HopTools,
  descriptor: number,
  packet: Uint8Array<ArrayBuffer>,
  headerBytes: number,
): number {
  const { message } = reader;
  if (sockets.send(descriptor, packet, packet.length - headerBytes) === 0) return packet.length;
  while (reader.readError(descriptor)) {
    if (message.offence === null && message.errno === ERRNO.EMSGSIZE) return message.mtuBytes;
  }
  throw new ErrnoError("send", ERRNO.EMSGSIZE);
}
