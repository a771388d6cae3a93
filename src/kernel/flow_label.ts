/**
 * Leases of IPv6 flow labels (ipv6(7), IPV6_FLOWLABEL_MGR). The kernel lets a socket send only
 * labels that it has leased: before Linux 5.3 always, since then where somebody holds a label
 * exclusively.
 */
import type { Endpoint } from "../domain/target.ts";
import { ERRNO, IPV6_FLOWLABEL_MGR, SOL_IPV6 } from "./linux.ts";

// <linux/in6.h>, struct in6_flowlabel_req: the destination, the label, and what is asked for.
const REQUEST_BYTES = 32;
const LABEL_AT = 16;
const ACTION_AT = 20;
const SHARE_AT = 21;
const FLAGS_AT = 22;
const ACTION_GET = 0;
/** Anybody may lease the same label. */
const SHARE_ANY = 255;
const FLAG_CREATE = 1;

/** setsockopt(2). */
export type SetSocketOption = (
  descriptor: number,
  level: number,
  name: number,
  value: Uint8Array<ArrayBuffer> | Int32Array<ArrayBuffer>,
  size: number,
) => number;

/** Leases the label for what this socket sends there; false where the kernel refuses. */
export function leaseFlowLabel(
  setsockopt: SetSocketOption,
  descriptor: number,
  flowLabel: number,
  to: Endpoint,
): boolean {
  const request = new Uint8Array(REQUEST_BYTES);
  const view = new DataView(request.buffer);
  request.set(to.bytes, 0);
  view.setUint32(LABEL_AT, flowLabel, false);
  view.setUint8(ACTION_AT, ACTION_GET);
  view.setUint8(SHARE_AT, SHARE_ANY);
  view.setUint16(FLAGS_AT, FLAG_CREATE, true);
  return setsockopt(descriptor, SOL_IPV6, IPV6_FLOWLABEL_MGR, request, REQUEST_BYTES) === 0;
}

/** Whether a send with a label may have failed for want of a lease. */
export function wantsLease(errno: number, flowLabel: number): boolean {
  return errno === ERRNO.EINVAL && flowLabel !== 0;
}
