/**
 * Messages one by one, each with what the error queue (ip(7), IP_RECVERR) says of a packet of ours:
 * the ICMP error that it met and who sent it, or this machine's own refusal.
 */
import { openErrno, type ReadErrno } from "./errno.ts";
import { SO_EE_ORIGIN_ICMP, SO_EE_ORIGIN_ICMP6, SO_EE_RFC4884_FLAG_INVALID } from "./linux.ts";
import { MessageBatch } from "./message_batch.ts";

/** A quoted packet, or a reply; what is longer is cut. */
const SIZES = { messages: 1, messageBytes: 4096, controlBytes: 512 };
// <linux/errqueue.h>, struct sock_ee_data_rfc4884: length (u16), flags (u8).
const EXTENSION_FLAGS_SHIFT = 16;

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
  readonly messageBytesView: Uint8Array;
  #batch: MessageBatch;
  #errno: ReadErrno;

  private constructor(batch: MessageBatch, errno: ReadErrno) {
    this.#batch = batch;
    this.#errno = errno;
    this.messageBytesView = batch.bytes.subarray(0, SIZES.messageBytes);
  }

  /** Null where there is no libc. */
  static open(): MessageReader | null {
    const batch = MessageBatch.open(0, SIZES);
    const errno = openErrno();
    return batch === null || errno === null ? null : new MessageReader(batch, errno);
  }

  /** Takes the next entry of a socket's error queue into `message`; false when there is none. */
  readError(descriptor: number): boolean {
    return this.#read(descriptor, true);
  }

  /** Takes the next plain message; false when there is none, or an error is reported instead. */
  readPlain(descriptor: number): boolean {
    return this.#read(descriptor, false);
  }

  /** Why the last read gave nothing. */
  get errno(): number {
    return this.#errno();
  }

  #read(descriptor: number, errorQueue: boolean): boolean {
    if (this.#batch.read(descriptor, errorQueue) <= 0) return false;
    const read = this.#batch.message(0);
    const message = this.message;
    message.length = read.end - read.at;
    message.arrivedUs = read.stampUs;
    message.errno = read.errno;
    message.mtuBytes = read.info;
    const fromRouter = read.origin === SO_EE_ORIGIN_ICMP || read.origin === SO_EE_ORIGIN_ICMP6;
    message.offence = !fromRouter || read.offenderAt < 0 ? null : {
      type: read.type,
      code: read.code,
      offender: read.bytes.slice(read.offenderAt, read.offenderAt + read.offenderBytes),
      extensionAt: extensionAt(read.data),
    };
    return true;
  }
}

/** Where a router says that its extensions begin; 0 where it does not, or wrongly. */
function extensionAt(data: number): number {
  const invalid = (data >>> EXTENSION_FLAGS_SHIFT & SO_EE_RFC4884_FLAG_INVALID) !== 0;
  return invalid ? 0 : data & 0xffff;
}
