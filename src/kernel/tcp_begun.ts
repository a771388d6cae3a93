/**
 * Whether a connect that did not succeed at once is under way. Its errno, EINPROGRESS, tells that
 * too, but between the call and the reading of errno the runtime may make calls of its own, which
 * fail now and then and leave theirs there.
 */
import { SOL_TCP, TCP_INFO } from "./linux.ts";

/** struct tcp_info (linux/tcp.h) up to and with tcpi_segs_out, since Linux 4.2. */
const INFO_BYTES = 140;
const SEGMENTS_OUT_AT = 136;

type GetSocketOption = (
  descriptor: number,
  level: number,
  name: number,
  value: Uint8Array<ArrayBuffer>,
  size: Uint32Array<ArrayBuffer>,
) => number;

const info = new Uint8Array(INFO_BYTES);
const size = new Uint32Array(1);

/** Whether a TCP socket has sent its SYN, whatever came of it; false for any other socket. */
export function hasSent(getsockopt: GetSocketOption, descriptor: number): boolean {
  size[0] = INFO_BYTES;
  if (getsockopt(descriptor, SOL_TCP, TCP_INFO, info, size) !== 0) return false;
  return size[0] === INFO_BYTES && new DataView(info.buffer).getUint32(SEGMENTS_OUT_AT, true) > 0;
}
