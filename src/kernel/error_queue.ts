/**
 * recvmsg(2) with what comes beside the bytes: the kernel's time of arrival, and from a socket's
 * error queue (ip(7), IP_RECVERR) the ICMP error that a packet of ours met and who sent it.
 */
import { openErrno, type ReadErrno } from "./errno.ts";
import { openLibc } from "./libc.ts";
import { AF_INET, AF_INET6 } from "./sockaddr.ts";

const LIBC_SYMBOLS = {
  recvmsg: { parameters: ["i32", "buffer", "i32"], result: "i32" },
} as const;

// <bits/socket.h>
const MSG_DONTWAIT = 0x40;
const MSG_ERRQUEUE = 0x2000;
// struct msghdr and struct cmsghdr on 64-bit Linux, recvmsg(2) and cmsg(3)
const MSGHDR_BYTES = 56;
const MSGHDR_NAME_AT = 0;
const MSGHDR_NAME_BYTES_AT = 8;
const MSGHDR_IOV_AT = 16;
const MSGHDR_IOV_COUNT_AT = 24;
const MSGHDR_CONTROL_AT = 32;
const MSGHDR_CONTROL_BYTES_AT = 40;
const CMSGHDR_BYTES = 16;
const CMSG_LEVEL_AT = 8;
const CMSG_TYPE_AT = 12;
const CMSG_ALIGN = 8;
// The messages beside the bytes: <asm-generic/socket.h>, ip(7), ipv6(7)
const SOL_SOCKET = 1;
const SCM_TIMESTAMPNS = 35;
const SOL_IP = 0;
const IP_RECVERR = 11;
const SOL_IPV6 = 41;
const IPV6_RECVERR = 25;
// struct sock_extended_err, <linux/errqueue.h>; the offender's sockaddr lies behind it
const EE_ERRNO_AT = 0;
const EE_ORIGIN_AT = 4;
const EE_TYPE_AT = 5;
const EE_CODE_AT = 6;
const EE_INFO_AT = 8;
const EE_EXTENSION_AT = 12;
const EE_EXTENSION_FLAGS_AT = 14;
const EE_BYTES = 16;
const ORIGIN_ICMP = 2;
const ORIGIN_ICMP6 = 3;
const EXTENSION_INVALID = 1;

/** A quoted packet, or a reply; what is longer is cut. */
const MAX_MESSAGE_BYTES = 4096;
const NAME_BYTES = 128;
const CONTROL_BYTES = 512;

/** The ICMP error behind an entry of an error queue. */
export interface IcmpOffence {
  readonly type: number;
  readonly code: number;
  /** Who sent it: 4 or 16 bytes, a copy. */
  readonly offender: Uint8Array;
  /** Where in the message RFC 4884's extensions begin, as the router says; 0 where it does not. */
  readonly extensionAt: number;
}

/** One message, in memory that the next one reuses. */
export interface Message {
  /** The bytes are `messageBytesView` of the reader up to here. */
  length: number;
  /** CLOCK_REALTIME in µs when the kernel took it in, or NaN. */
  arrivedUs: number;
  /** Null for plain bytes. */
  offence: IcmpOffence | null;
  /** The errno of an entry of an error queue, 0 else; without an offence it is this machine's own. */
  errno: number;
  /** With "message too long", the MTU that it met: a router's, or this machine's own. */
  mtuBytes: number;
}

/** Opened before the FFI permission is given up. */
export class MessageReader {
  readonly message: Message = { length: 0, arrivedUs: NaN, offence: null, errno: 0, mtuBytes: 0 };
  /** Shared by all messages. */
  readonly messageBytesView = new Uint8Array(MAX_MESSAGE_BYTES);
  #recvmsg: (descriptor: number, header: Uint8Array<ArrayBuffer>, flags: number) => number;
  #errno: ReadErrno;
  #header = new Uint8Array(MSGHDR_BYTES);
  #headerView = new DataView(this.#header.buffer);
  #name = new Uint8Array(NAME_BYTES);
  #control = new Uint8Array(CONTROL_BYTES);
  #controlView = new DataView(this.#control.buffer);
  /** struct iovec: base, length. Referred to by the header alone, and so kept here. */
  #vector = new BigUint64Array(2);

  private constructor(
    recvmsg: (descriptor: number, header: Uint8Array<ArrayBuffer>, flags: number) => number,
    errno: ReadErrno,
  ) {
    this.#recvmsg = recvmsg;
    this.#errno = errno;
    this.#vector[0] = addressOf(this.messageBytesView);
    this.#vector[1] = BigInt(MAX_MESSAGE_BYTES);
    const view = this.#headerView;
    view.setBigUint64(MSGHDR_NAME_AT, addressOf(this.#name), true);
    view.setBigUint64(MSGHDR_IOV_AT, addressOf(this.#vector), true);
    view.setBigUint64(MSGHDR_IOV_COUNT_AT, 1n, true);
    view.setBigUint64(MSGHDR_CONTROL_AT, addressOf(this.#control), true);
  }

  /** Null where there is no libc. */
  static open(): MessageReader | null {
    const libc = openLibc(LIBC_SYMBOLS)?.symbols;
    const errno = openErrno();
    return libc === undefined || errno === null ? null : new MessageReader(libc.recvmsg, errno);
  }

  /** Takes the next entry of a socket's error queue into `message`; false when there is none. */
  readError(descriptor: number): boolean {
    return this.#read(descriptor, MSG_DONTWAIT | MSG_ERRQUEUE);
  }

  /** Takes the next plain message; false when there is none, or an error is reported instead. */
  readPlain(descriptor: number): boolean {
    return this.#read(descriptor, MSG_DONTWAIT);
  }

  /** Why the last read gave nothing. */
  get errno(): number {
    return this.#errno();
  }

  #read(descriptor: number, flags: number): boolean {
    this.#headerView.setUint32(MSGHDR_NAME_BYTES_AT, NAME_BYTES, true);
    this.#headerView.setBigUint64(MSGHDR_CONTROL_BYTES_AT, BigInt(CONTROL_BYTES), true);
    const length = this.#recvmsg(descriptor, this.#header, flags);
    if (length < 0) return false;
    const message = this.message;
    message.length = length;
    message.arrivedUs = NaN;
    message.offence = null;
    message.errno = 0;
    message.mtuBytes = 0;
    this.#readControl(Number(this.#headerView.getBigUint64(MSGHDR_CONTROL_BYTES_AT, true)));
    return true;
  }

  #readControl(controlBytes: number): void {
    const view = this.#controlView;
    const end = Math.min(controlBytes, CONTROL_BYTES);
    for (let at = 0; at + CMSGHDR_BYTES <= end;) {
      const bytes = Number(view.getBigUint64(at, true));
      if (bytes < CMSGHDR_BYTES || at + bytes > end) return;
      const level = view.getInt32(at + CMSG_LEVEL_AT, true);
      const type = view.getInt32(at + CMSG_TYPE_AT, true);
      const dataAt = at + CMSGHDR_BYTES;
      const dataBytes = bytes - CMSGHDR_BYTES;
      if (level === SOL_SOCKET && type === SCM_TIMESTAMPNS && dataBytes >= 16) {
        const seconds = Number(view.getBigInt64(dataAt, true));
        this.message.arrivedUs = seconds * 1e6 + Number(view.getBigInt64(dataAt + 8, true)) / 1000;
      }
      const error = (level === SOL_IP && type === IP_RECVERR) ||
        (level === SOL_IPV6 && type === IPV6_RECVERR);
      if (error && dataBytes >= EE_BYTES) this.#readOffence(dataAt, at + bytes);
      at += Math.ceil(bytes / CMSG_ALIGN) * CMSG_ALIGN;
    }
  }

  #readOffence(at: number, end: number): void {
    const view = this.#controlView;
    this.message.errno = view.getUint32(at + EE_ERRNO_AT, true);
    this.message.mtuBytes = view.getUint32(at + EE_INFO_AT, true);
    const origin = view.getUint8(at + EE_ORIGIN_AT);
    const offender = this.#offender(at + EE_BYTES, end);
    if (offender === null || (origin !== ORIGIN_ICMP && origin !== ORIGIN_ICMP6)) return;
    const invalid = (view.getUint8(at + EE_EXTENSION_FLAGS_AT) & EXTENSION_INVALID) !== 0;
    this.message.offence = {
      type: view.getUint8(at + EE_TYPE_AT),
      code: view.getUint8(at + EE_CODE_AT),
      offender,
      extensionAt: invalid ? 0 : view.getUint16(at + EE_EXTENSION_AT, true),
    };
  }

  /** The address in the sockaddr at `at`; null where the kernel names nobody. */
  #offender(at: number, end: number): Uint8Array | null {
    if (at + 2 > end) return null;
    const family = this.#controlView.getUint16(at, true);
    if (family === AF_INET && at + 8 <= end) return this.#control.slice(at + 4, at + 8);
    if (family === AF_INET6 && at + 24 <= end) return this.#control.slice(at + 8, at + 24);
    return null;
  }
}

/** Where a buffer lies; it must outlive whoever is told. */
function addressOf(buffer: Uint8Array<ArrayBuffer> | BigUint64Array<ArrayBuffer>): bigint {
  return Deno.UnsafePointer.value(Deno.UnsafePointer.of(buffer));
}
