/**
 * Messages with their control data, read many at a time into memory made once (recvmmsg(2)): data,
 * the kernel's timestamp, and what the error queue says of a packet of ours.
 */
import { openLibc } from "./libc.ts";
import { AF_INET, AF_INET6 } from "./sockaddr.ts";

const LIBC_SYMBOLS = {
  recvmmsg: { parameters: ["i32", "buffer", "u32", "i32", "pointer"], result: "i32" },
} as const;

/** Messages a call. */
const BATCH = 32;
/** What is kept of a message: an IPv4 header with all its options, a quote, a cookie. */
const MESSAGE_BYTES = 256;
const NAME_BYTES = 32;
const CONTROL_BYTES = 224;
const SLOT_BYTES = MESSAGE_BYTES + NAME_BYTES + CONTROL_BYTES;

// <bits/socket.h>, struct msghdr and struct mmsghdr on 64-bit machines: offsets and sizes.
const HEADER_BYTES = 64;
const NAME_POINTER_AT = 0;
const NAME_LENGTH_AT = 8;
const VECTOR_POINTER_AT = 16;
const VECTOR_COUNT_AT = 24;
const CONTROL_POINTER_AT = 32;
const CONTROL_LENGTH_AT = 40;
const RECEIVED_LENGTH_AT = 56;
// <bits/types/struct_iovec.h>
const VECTOR_BYTES = 16;
// <bits/socket.h>, struct cmsghdr: length (size_t), level, type, then data, aligned to 8.
const CMSG_LEVEL_AT = 8;
const CMSG_TYPE_AT = 12;
const CMSG_DATA_AT = 16;
// <bits/socket.h>, <bits/in.h>
const MSG_DONTWAIT = 0x40;
const MSG_ERRQUEUE = 0x2000;
const SOL_SOCKET = 1;
const SOL_IP = 0;
const IP_RECVERR = 11;
const SOL_IPV6 = 41;
const IPV6_RECVERR = 25;
/** <asm-generic/socket.h>: SCM_TIMESTAMPING; its data is three struct timespec, the first software's. */
const SCM_TIMESTAMPING = 37;
// <linux/errqueue.h>, struct sock_extended_err; the offender's sockaddr lies behind it.
const ERROR_ORIGIN_AT = 4;
const ERROR_TYPE_AT = 5;
const ERROR_CODE_AT = 6;
const ERROR_INFO_AT = 8;
const ERROR_DATA_AT = 12;
const OFFENDER_AT = 16;
const ERROR_BYTES = 16;

/** struct sock_extended_err, ee_origin: who tells of the packet. */
export const ORIGIN_NONE = 0;
export const ORIGIN_ICMP = 2;
export const ORIGIN_ICMP6 = 3;
export const ORIGIN_TIMESTAMPING = 4;

/** One message; places are offsets into `bytes`, and hold until the next read. */
export interface Message {
  bytes: Uint8Array;
  at: number;
  end: number;
  /** Address bytes of the sender; in the error queue, of whom our packet was for. */
  addressAt: number;
  /** When the kernel received the packet, or sent it, in µs after the batch's base; NaN if unknown. */
  stampUs: number;
  /** ORIGIN_NONE outside the error queue. */
  origin: number;
  /** Type and code of the ICMP error. */
  type: number;
  code: number;
  /** The next hop's MTU, where the error gives one. */
  info: number;
  /** The ordinal of the packet that a timestamp is of. */
  ordinal: number;
  /** Address bytes of the router that sent the error; -1 for none. */
  offenderAt: number;
}

/** A message with nothing in it. */
export function blankMessage(bytes: Uint8Array): Message {
  return {
    bytes,
    at: 0,
    end: 0,
    addressAt: 0,
    stampUs: NaN,
    origin: ORIGIN_NONE,
    type: 0,
    code: 0,
    info: 0,
    ordinal: 0,
    offenderAt: -1,
  };
}

type Libc = Deno.DynamicLibrary<typeof LIBC_SYMBOLS>["symbols"];

export class MessageBatch {
  #libc: Libc;
  #arena = new DataView(new ArrayBuffer(BATCH * SLOT_BYTES));
  #bytes = new Uint8Array(this.#arena.buffer);
  #headers = new DataView(new ArrayBuffer(BATCH * HEADER_BYTES));
  #headerBytes = new Uint8Array(this.#headers.buffer);
  #vectors = new DataView(new ArrayBuffer(BATCH * VECTOR_BYTES));
  #message = blankMessage(this.#bytes);
  #baseSeconds: number;

  private constructor(libc: Libc, baseSeconds: number) {
    this.#libc = libc;
    this.#baseSeconds = baseSeconds;
    const arena = addressOf(this.#arena);
    const vectors = addressOf(this.#vectors);
    for (let i = 0; i < BATCH; i++) {
      const slot = arena + BigInt(i * SLOT_BYTES);
      const vector = i * VECTOR_BYTES;
      this.#vectors.setBigUint64(vector, slot, true);
      this.#vectors.setBigUint64(vector + 8, BigInt(MESSAGE_BYTES), true);
      const header = i * HEADER_BYTES;
      this.#headers.setBigUint64(header + NAME_POINTER_AT, slot + BigInt(MESSAGE_BYTES), true);
      this.#headers.setBigUint64(header + VECTOR_POINTER_AT, vectors + BigInt(vector), true);
      this.#headers.setBigUint64(header + VECTOR_COUNT_AT, 1n, true);
      const control = slot + BigInt(MESSAGE_BYTES + NAME_BYTES);
      this.#headers.setBigUint64(header + CONTROL_POINTER_AT, control, true);
    }
  }

  /** Null where there is no libc; `baseSeconds` of the wall clock is what stamps count from. */
  static open(baseSeconds: number): MessageBatch | null {
    const library = openLibc(LIBC_SYMBOLS);
    return library === null ? null : new MessageBatch(library.symbols, baseSeconds);
  }

  /** Reads what waits, of either queue, and never waits itself: how many, or -1 with errno set. */
  read(descriptor: number, errorQueue: boolean): number {
    for (let header = 0; header < this.#headerBytes.length; header += HEADER_BYTES) {
      this.#headers.setUint32(header + NAME_LENGTH_AT, NAME_BYTES, true);
      this.#headers.setUint32(header + CONTROL_LENGTH_AT, CONTROL_BYTES, true);
    }
    const flags = MSG_DONTWAIT | (errorQueue ? MSG_ERRQUEUE : 0);
    return this.#libc.recvmmsg(descriptor, this.#headerBytes, BATCH, flags, null);
  }

  /** Whether a read that gave so many may have left some behind. */
  isFull(count: number): boolean {
    return count === BATCH;
  }

  /** The message read as number `index`; the same record each time. */
  message(index: number): Message {
    const message = this.#message;
    const slot = index * SLOT_BYTES;
    const header = index * HEADER_BYTES;
    const received = this.#headers.getUint32(header + RECEIVED_LENGTH_AT, true);
    message.at = slot;
    message.end = slot + Math.min(received, MESSAGE_BYTES);
    message.addressAt = this.#addressAt(slot + MESSAGE_BYTES);
    message.stampUs = NaN;
    message.origin = ORIGIN_NONE;
    message.type =
      message.code =
      message.info =
      message.ordinal =
        0;
    message.offenderAt = -1;
    const control = slot + MESSAGE_BYTES + NAME_BYTES;
    const length = this.#headers.getUint32(header + CONTROL_LENGTH_AT, true);
    this.#readControl(control, control + Math.min(length, CONTROL_BYTES));
    return message;
  }

  #readControl(at: number, end: number): void {
    while (at + CMSG_DATA_AT <= end) {
      const length = this.#arena.getUint32(at, true);
      if (length < CMSG_DATA_AT || at + length > end) return;
      const level = this.#arena.getInt32(at + CMSG_LEVEL_AT, true);
      const type = this.#arena.getInt32(at + CMSG_TYPE_AT, true);
      const data = at + CMSG_DATA_AT;
      const isError = level === SOL_IP && type === IP_RECVERR ||
        level === SOL_IPV6 && type === IPV6_RECVERR;
      if (isError) this.#readError(data, at + length);
      else if (level === SOL_SOCKET && type === SCM_TIMESTAMPING) this.#readStamp(data);
      at += length + 7 & ~7;
    }
  }

  /** struct timespec: seconds and nanoseconds, 8 bytes each. */
  #readStamp(at: number): void {
    const low = this.#arena.getUint32(at, true);
    const seconds = this.#arena.getUint32(at + 4, true) * 2 ** 32 + low;
    const nanos = this.#arena.getUint32(at + 8, true);
    if (seconds === 0) return;
    this.#message.stampUs = (seconds - this.#baseSeconds) * 1_000_000 + nanos / 1000;
  }

  #readError(at: number, end: number): void {
    if (at + ERROR_BYTES > end) return;
    const message = this.#message;
    message.origin = this.#bytes[at + ERROR_ORIGIN_AT];
    message.type = this.#bytes[at + ERROR_TYPE_AT];
    message.code = this.#bytes[at + ERROR_CODE_AT];
    message.info = this.#arena.getUint32(at + ERROR_INFO_AT, true);
    message.ordinal = this.#arena.getUint32(at + ERROR_DATA_AT, true);
    const family = at + OFFENDER_AT + 2 <= end ? this.#bytes[at + OFFENDER_AT] : 0;
    message.offenderAt = family === 0 ? -1 : this.#addressAt(at + OFFENDER_AT);
  }

  /** Where the address lies in a sockaddr_in or sockaddr_in6 (ip(7), ipv6(7)); -1 in none of them. */
  #addressAt(sockaddr: number): number {
    switch (this.#bytes[sockaddr]) {
      case AF_INET:
        return sockaddr + 4;
      case AF_INET6:
        return sockaddr + 8;
      default:
        return -1;
    }
  }
}

/** Where a buffer lies; what is made by `ArrayBuffer` never moves. */
function addressOf(view: DataView<ArrayBuffer>): bigint {
  return Deno.UnsafePointer.value(Deno.UnsafePointer.of(view));
}
