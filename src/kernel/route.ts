/**
 * The route that the kernel gives a connected socket of a flow: source address, interface, gateway
 * (rtnetlink(7), RTM_GETROUTE with protocol and ports, which needs no privilege).
 */
import type { Endpoint } from "../domain/target.ts";
import { SystemError } from "../domain/exit.ts";
import { netlinkRefusal, openErrno, type ReadErrno } from "./errno.ts";
import { type Calls, openLibc } from "./libc.ts";
import {
  AF_INET,
  AF_INET6,
  AF_NETLINK,
  ERRNO,
  NETLINK_ROUTE,
  NLM_F_REQUEST,
  NLMSG_ERROR,
  RTA_DPORT,
  RTA_DST,
  RTA_FLOWLABEL,
  RTA_GATEWAY,
  RTA_IP_PROTO,
  RTA_OIF,
  RTA_PREFSRC,
  RTA_SPORT,
  RTA_SRC,
  RTM_GETROUTE,
  RTM_NEWROUTE,
  SOCK_CLOEXEC,
  SOCK_RAW,
} from "./linux.ts";
import { endsWithScope } from "./scope.ts";
import { openScopes, type ScopeOf } from "./sockaddr.ts";

const CALLS = ["socket", "send", "recv", "close"] as const;

// <linux/netlink.h>, struct nlmsghdr; <linux/rtnetlink.h>, struct rtmsg
const MESSAGE_HEADER_BYTES = 16;
const ROUTE_HEADER_BYTES = 12;
const ATTRIBUTES_AT = MESSAGE_HEADER_BYTES + ROUTE_HEADER_BYTES;
const REPLY_BYTES = 4096;
const REQUEST_BYTES = 160;
/** The answer is there when the request's call returns; other notices may come before it. */
const MAX_READS = 4;

/** What routes are chosen by. */
export interface RouteFlow {
  readonly to: Endpoint;
  /** 4 or 16 bytes; null before one is chosen. */
  readonly source: Uint8Array | null;
  /** Interface index that is asked for; 0 for none. */
  readonly interfaceIndex: number;
  readonly protocol: number;
  readonly sourcePort: number;
  readonly flowLabel: number;
  readonly tos: number;
}

export interface Route {
  /** 4 or 16 bytes; empty where the kernel names none. */
  readonly source: Uint8Array;
  readonly interfaceIndex: number;
  /** The next hop's bytes in hexadecimal; empty for the target itself. */
  readonly gateway: string;
}

type Libc = Calls<typeof CALLS>;

export class Routes {
  #libc: Libc;
  #errno: ReadErrno;
  #descriptor: number;
  #request = new Uint8Array(REQUEST_BYTES);
  #view = new DataView(this.#request.buffer);
  #reply = new Uint8Array(REPLY_BYTES);
  #replyView = new DataView(this.#reply.buffer);
  #sequence = 0;
  #labelsKnown = true;
  #scopeOf: ScopeOf;

  private constructor(libc: Libc, errno: ReadErrno, scopeOf: ScopeOf) {
    this.#libc = libc;
    this.#scopeOf = scopeOf;
    this.#errno = errno;
    this.#descriptor = libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (this.#descriptor < 0) {
      throw new SystemError(`cannot ask the kernel for routes: ${netlinkRefusal(errno())}`);
    }
    endsWithScope(() => this.close());
  }

  /** Null where there is no libc; throws SystemError. */
  static open(): Routes | null {
    const libc = openLibc(CALLS)?.symbols;
    const errno = openErrno();
    const scopeOf = openScopes();
    if (libc === undefined || errno === null || scopeOf === null) return null;
    return new Routes(libc, errno, scopeOf);
  }

  /** The route of a flow, or the errno that a connect would give. */
  lookUp(flow: RouteFlow): Route | number {
    const found = this.#ask(flow, this.#labelsKnown && flow.flowLabel !== 0);
    // Kernels before 6.13 do not know labels here: then the answer is by the rest of the flow.
    if (found !== ERRNO.EINVAL && found !== ERRNO.EOPNOTSUPP) return found;
    if (!this.#labelsKnown || flow.flowLabel === 0) return found;
    this.#labelsKnown = false;
    return this.#ask(flow, false);
  }

  close(): void {
    if (this.#descriptor >= 0) this.#libc.close(this.#descriptor);
    this.#descriptor = -1;
  }

  #ask(flow: RouteFlow, withLabel: boolean): Route | number {
    const length = this.#write(flow, withLabel);
    if (this.#libc.send(this.#descriptor, this.#request, BigInt(length), 0) !== length) {
      return this.#errno();
    }
    for (let reads = 0; reads < MAX_READS; reads++) {
      const got = this.#libc.recv(this.#descriptor, this.#reply, BigInt(REPLY_BYTES), 0);
      if (got < MESSAGE_HEADER_BYTES + 4) return this.#errno();
      if (this.#replyView.getUint32(8, true) !== this.#sequence) continue;
      const type = this.#replyView.getUint16(4, true);
      if (type === NLMSG_ERROR) return -this.#replyView.getInt32(MESSAGE_HEADER_BYTES, true);
      if (type === RTM_NEWROUTE) return this.#read(Math.min(got, REPLY_BYTES));
    }
    return ERRNO.EINVAL;
  }

  #write(flow: RouteFlow, withLabel: boolean): number {
    const { to, source, protocol, sourcePort, flowLabel, tos } = flow;
    // A zone names its interface.
    const interfaceIndex = flow.interfaceIndex === 0 ? this.#scopeOf(to) : flow.interfaceIndex;
    const view = this.#view;
    this.#request.fill(0);
    const bits = to.bytes.length * 8;
    this.#request[MESSAGE_HEADER_BYTES] = to.family === 4 ? AF_INET : AF_INET6;
    this.#request[MESSAGE_HEADER_BYTES + 1] = bits;
    if (source !== null) this.#request[MESSAGE_HEADER_BYTES + 2] = bits;
    this.#request[MESSAGE_HEADER_BYTES + 3] = tos;
    let at = this.#attribute(ATTRIBUTES_AT, RTA_DST, to.bytes);
    if (source !== null) at = this.#attribute(at, RTA_SRC, source);
    if (interfaceIndex > 0) {
      view.setUint32(at + 4, interfaceIndex, true);
      at = this.#attribute(at, RTA_OIF, this.#request.slice(at + 4, at + 8));
    }
    if (protocol > 0) at = this.#attribute(at, RTA_IP_PROTO, [protocol]);
    if (sourcePort > 0) {
      at = this.#attribute(at, RTA_SPORT, [sourcePort >> 8, sourcePort & 255]);
      at = this.#attribute(at, RTA_DPORT, [to.port >> 8, to.port & 255]);
    }
    if (withLabel) {
      const label = [
        flowLabel >>> 24,
        flowLabel >>> 16 & 255,
        flowLabel >>> 8 & 255,
        flowLabel & 255,
      ];
      at = this.#attribute(at, RTA_FLOWLABEL, label);
    }
    view.setUint32(0, at, true);
    view.setUint16(4, RTM_GETROUTE, true);
    view.setUint16(6, NLM_F_REQUEST, true);
    view.setUint32(8, ++this.#sequence, true);
    return at;
  }

  /** struct rtattr: length (u16), type (u16), then data, aligned to 4. */
  #attribute(at: number, type: number, data: ArrayLike<number>): number {
    this.#view.setUint16(at, 4 + data.length, true);
    this.#view.setUint16(at + 2, type, true);
    this.#request.set(data, at + 4);
    return at + (4 + data.length + 3 & ~3);
  }

  #read(end: number): Route {
    let source = new Uint8Array(0);
    let interfaceIndex = 0;
    let gateway = "";
    for (let at = ATTRIBUTES_AT; at + 4 <= end;) {
      const length = this.#replyView.getUint16(at, true);
      if (length < 4 || at + length > end) break;
      const type = this.#replyView.getUint16(at + 2, true);
      const data = this.#reply.slice(at + 4, at + length);
      if (type === RTA_PREFSRC) source = data;
      else if (type === RTA_OIF) interfaceIndex = this.#replyView.getUint32(at + 4, true);
      else if (type === RTA_GATEWAY) gateway = data.toHex();
      at += length + 3 & ~3;
    }
    return { source, interfaceIndex, gateway };
  }
}
