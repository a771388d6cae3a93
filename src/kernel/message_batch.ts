/**
 * Messages with their control data, read many at a time into memory made once (recvmmsg(2)): data,
 * the kernel's timestamp, and what the error queue says of a packet of ours.
 */
import { type Calls, openLibc } from "./libc.ts";
import {
  AF_INET,
  AF_INET6,
  IP_RECVERR,
  IP_TTL,
  IPV6_HOPLIMIT,
  IPV6_RECVERR,
  MSG_DONTWAIT,
  MSG_ERRQUEUE,
  MSG_TRUNC,
  SO_EE_ORIGIN_NONE,
  SO_TIMESTAMPING,
  SO_TIMESTAMPNS,
  SOL_IP,
  SOL_IPV6,
  SOL_SOCKET,
} from "./linux.ts";

const CALLS = ["recvmmsg"] as const;

/** How much is read at a time, and how much of it is kept: multiples of 8. */
export interface BatchSizes {
  readonly messages: number;
  readonly messageBytes: number;
  readonly controlBytes: number;
}

/** For answers and ICMP errors as long as a common link carries them. */
const PACKETS: BatchSizes = { messages: 64, messageBytes: 1600, controlBytes: 320 };
/** Memory for the longest packets is bounded by reading fewer of them at a time. */
const LARGE_MESSAGES = 8;

/** Sizes of a batch for packets of up to `packetBytes`. */
export function batchSizesFor(packetBytes: number): BatchSizes {
  if (packetBytes <= PACKETS.messageBytes) return PACKETS;
  const messageBytes = packetBytes + 7 & ~7;
  return { ...PACKETS, messages: LARGE_MESSAGES, messageBytes };
}

const NAME_BYTES = 32;

// <bits/socket.h>, struct msghdr and struct mmsghdr on 64-bit machines: offsets and sizes.
const HEADER_BYTES = 64;
const NAME_POINTER_AT = 0;
const NAME_LENGTH_AT = 8;
const VECTOR_POINTER_AT = 16;
const VECTOR_COUNT_AT = 24;
const CONTROL_POINTER_AT = 32;
const CONTROL_LENGTH_AT = 40;
const FLAGS_AT = 48;
const RECEIVED_LENGTH_AT = 56;
// <bits/types/struct_iovec.h>
const VECTOR_BYTES = 16;
// <bits/socket.h>, struct cmsghdr: length (size_t), level, type, then data, aligned to 8.
const CMSG_LEVEL_AT = 8;
const CMSG_TYPE_AT = 12;
const CMSG_DATA_AT = 16;
/** What SO_TIMESTAMPNS brings; SO_TIMESTAMPING brings three, the first software's. */
const TIMESPEC_BYTES = 16;
// <linux/errqueue.h>, struct sock_extended_err; the offender's sockaddr lies behind it.
const ERROR_ERRNO_AT = 0;
const ERROR_ORIGIN_AT = 4;
const ERROR_TYPE_AT = 5;
const ERROR_CODE_AT = 6;
const ERROR_INFO_AT = 8;
const ERROR_DATA_AT = 12;
const OFFENDER_AT = 16;
const ERROR_BYTES = 16;

/** One message; places are offsets into `bytes`, and hold until the next read. */
export interface Message {
  bytes: Uint8Array;
  at: number;
  end: number;
  /** Address bytes of the sender; in the error queue, of whom our packet was for. */
  addressAt: number;
  /** When the kernel received the packet, or sent it, in µs after the batch's base; NaN if unknown. */
  stampUs: number;
  /** SO_EE_ORIGIN_NONE outside the error queue. */
  origin: number;
  /** Type and code of the ICMP error. */
  type: number;
  code: number;
  /** The next hop's MTU, where the error gives one. */
  info: number;
  /** The ordinal of the packet that a timestamp is of; of an ICMP error, its extensions' place and flags. */
  data: number;
  /** ee_errno of an entry of the error queue. */
  errno: number;
  /** Address bytes of the router that sent the error, 4 or 16 of them; -1 for none. */
  offenderAt: number;
  offenderBytes: number;
  /** TTL or hop limit with which the packet, or the error, arrived; 0 where it was not asked for. */
  ttl: number;
  /** Whether all of it is here: false where the packet was longer than there is room for. */
  isWhole: boolean;
}

/** A message with nothing in it. */
export function blankMessage(bytes: Uint8Array): Message {
  return {
    bytes,
    at: 0,
    end: 0,
    addressAt: 0,
    stampUs: NaN,
    origin: SO_EE_ORIGIN_NONE,
    type: 0,
    code: 0,
    info: 0,
    data: 0,
    errno: 0,
    offenderAt: -1,
    offenderBytes: 0,
    ttl: 0,
    isWhole: true,
  };
}

type Libc = Calls<typeof CALLS>;

export class MessageBatch {
  /** All messages lie here, one behind the other, each followed by its name and control data. */
  readonly bytes: Uint8Array;
  #libc: Libc;
  #sizes: BatchSizes;
  #slotBytes: number;
  #arena: DataView<ArrayBuffer>;
  #headers: DataView<ArrayBuffer>;
  #headerBytes: Uint8Array<ArrayBuffer>;
  #vectors: DataView<ArrayBuffer>;
  #message: Message;
  #baseSeconds: number;
  /** Headers whose lengths are to be set before the next read. */
  #written: number;

  private constructor(libc: Libc, baseSeconds: number, sizes: BatchSizes) {
    const { messages, messageBytes, controlBytes } = sizes;
    this.#libc = libc;
    this.#baseSeconds = baseSeconds;
    this.#sizes = sizes;
    this.#written = messages;
    this.#slotBytes = messageBytes + NAME_BYTES + controlBytes;
    this.#arena = new DataView(new ArrayBuffer(messages * this.#slotBytes));
    this.#headers = new DataView(new ArrayBuffer(messages * HEADER_BYTES));
    this.#vectors = new DataView(new ArrayBuffer(messages * VECTOR_BYTES));
    this.bytes = new Uint8Array(this.#arena.buffer);
    this.#headerBytes = new Uint8Array(this.#headers.buffer);
    this.#message = blankMessage(this.bytes);
    const arena = addressOf(this.#arena);
    const vectors = addressOf(this.#vectors);
    for (let i = 0; i < messages; i++) {
      const slot = arena + BigInt(i * this.#slotBytes);
      const vector = i * VECTOR_BYTES;
      this.#vectors.setBigUint64(vector, slot, true);
      this.#vectors.setBigUint64(vector + 8, BigInt(messageBytes), true);
      const header = i * HEADER_BYTES;
      this.#headers.setBigUint64(header + NAME_POINTER_AT, slot + BigInt(messageBytes), true);
      this.#headers.setBigUint64(header + VECTOR_POINTER_AT, vectors + BigInt(vector), true);
      this.#headers.setBigUint64(header + VECTOR_COUNT_AT, 1n, true);
      const control = slot + BigInt(messageBytes + NAME_BYTES);
      this.#headers.setBigUint64(header + CONTROL_POINTER_AT, control, true);
    }
  }

  /** Null where there is no libc; `baseSeconds` of the wall clock is what stamps count from. */
  static open(baseSeconds: number, sizes = PACKETS): MessageBatch | null {
    const library = openLibc(CALLS);
    return library === null ? null : new MessageBatch(library.symbols, baseSeconds, sizes);
  }

  /** Reads what waits, of either queue, and never waits itself: how many, or -1 with errno set. */
  read(descriptor: number, errorQueue: boolean): number {
    const { messages, controlBytes } = this.#sizes;
    // The kernel has written its own lengths over those of the messages that it gave.
    for (let i = 0; i < this.#written; i++) {
      const header = i * HEADER_BYTES;
      this.#headers.setUint32(header + NAME_LENGTH_AT, NAME_BYTES, true);
      this.#headers.setUint32(header + CONTROL_LENGTH_AT, controlBytes, true);
    }
    const flags = MSG_DONTWAIT | (errorQueue ? MSG_ERRQUEUE : 0);
    const count = this.#libc.recvmmsg(descriptor, this.#headerBytes, messages, flags, null);
    // A message that failed may have been begun.
    this.#written = Math.min(messages, Math.max(0, count) + 1);
    return count;
  }

  /** Whether a read that gave so many may have left some behind. */
  isFull(count: number): boolean {
    return count === this.#sizes.messages;
  }

  /** The message read as number `index`; the same record each time. */
  message(index: number): Message {
    const message = this.#message;
    const { messageBytes, controlBytes } = this.#sizes;
    const slot = index * this.#slotBytes;
    const header = index * HEADER_BYTES;
    const received = this.#headers.getUint32(header + RECEIVED_LENGTH_AT, true);
    message.at = slot;
    message.end = slot + Math.min(received, messageBytes);
    message.addressAt = this.#addressAt(slot + messageBytes);
    message.stampUs = NaN;
    message.origin = SO_EE_ORIGIN_NONE;
    message.type =
      message.code =
      message.info =
      message.data =
      message.errno =
        0;
    message.offenderAt = -1;
    message.offenderBytes = 0;
    message.ttl = 0;
    message.isWhole = (this.#headers.getUint32(header + FLAGS_AT, true) & MSG_TRUNC) === 0;
    const control = slot + messageBytes + NAME_BYTES;
    const length = this.#headers.getUint32(header + CONTROL_LENGTH_AT, true);
    this.#readControl(control, control + Math.min(length, controlBytes));
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
      else if (level === SOL_SOCKET && (type === SO_TIMESTAMPING || type === SO_TIMESTAMPNS)) {
        this.#readStamp(data, at + length);
      } else if (isTtl(level, type)) this.#message.ttl = this.#arena.getInt32(data, true);
      at += length + 7 & ~7;
    }
  }

  /** struct timespec: seconds and nanoseconds, 8 bytes each. */
  #readStamp(at: number, end: number): void {
    if (at + TIMESPEC_BYTES > end) return;
    const low = this.#arena.getUint32(at, true);
    const seconds = this.#arena.getUint32(at + 4, true) * 2 ** 32 + low;
    const nanos = this.#arena.getUint32(at + 8, true);
    if (seconds === 0) return;
    this.#message.stampUs = (seconds - this.#baseSeconds) * 1_000_000 + nanos / 1000;
  }

  #readError(at: number, end: number): void {
    if (at + ERROR_BYTES > end) return;
    const message = this.#message;
    message.origin = this.bytes[at + ERROR_ORIGIN_AT];
    message.type = this.bytes[at + ERROR_TYPE_AT];
    message.code = this.bytes[at + ERROR_CODE_AT];
    message.info = this.#arena.getUint32(at + ERROR_INFO_AT, true);
    message.data = this.#arena.getUint32(at + ERROR_DATA_AT, true);
    message.errno = this.#arena.getUint32(at + ERROR_ERRNO_AT, true);
    const address = at + OFFENDER_AT < end ? this.#addressAt(at + OFFENDER_AT) : -1;
    const bytes = this.bytes[at + OFFENDER_AT] === AF_INET ? 4 : 16;
    if (address < 0 || address + bytes > end) return;
    message.offenderAt = address;
    message.offenderBytes = bytes;
  }

  /** Where the address lies in a sockaddr_in or sockaddr_in6 (ip(7), ipv6(7)); -1 in none of them. */
  #addressAt(sockaddr: number): number {
    switch (this.bytes[sockaddr]) {
      case AF_INET:
        return sockaddr + 4;
      case AF_INET6:
        return sockaddr + 8;
      default:
        return -1;
    }
  }
}

function isTtl(level: number, type: number): boolean {
  return level === SOL_IP && type === IP_TTL || level === SOL_IPV6 && type === IPV6_HOPLIMIT;
}

/** Where a buffer lies; what is made by `ArrayBuffer` never moves. */
function addressOf(view: DataView<ArrayBuffer>): bigint {
  return Deno.UnsafePointer.value(Deno.UnsafePointer.of(view));
}
