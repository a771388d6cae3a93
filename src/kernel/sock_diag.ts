/**
 * Dumps of the TCP sockets of this network namespace (sock_diag(7), netlink(7)): every socket of one
 * address family at a time, into one buffer that is used again, through one cursor that is moved from
 * socket to socket. Wants no privilege.
 */
import { SystemError } from "../domain/exit.ts";
import { ErrnoError, netlinkRefusal, openErrno, type ReadErrno } from "./errno.ts";
import { type Calls, openLibc } from "./libc.ts";
import {
  AF_INET,
  AF_INET6,
  AF_NETLINK,
  ERRNO,
  MSG_TRUNC,
  NETLINK_SOCK_DIAG,
  SO_RCVTIMEO,
  SOCK_CLOEXEC,
  SOCK_RAW,
  SOL_SOCKET,
} from "./linux.ts";
import { type DiagFilter, filterCode } from "./sock_diag_filter.ts";

const CALLS = ["socket", "setsockopt", "send", "recv", "close"] as const;

// <linux/netlink.h>, struct nlmsghdr: length (u32), type (u16), flags (u16), sequence, port.
const HEADER_BYTES = 16;
const TYPE_AT = 4;
const FLAGS_AT = 6;
const SEQUENCE_AT = 8;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLM_F_REQUEST = 0x1;
const NLM_F_DUMP = 0x300;
const NLM_F_DUMP_INTR = 0x10;
// <linux/sock_diag.h>, <linux/inet_diag.h>
const SOCK_DIAG_BY_FAMILY = 20;
const INET_DIAG_REQ_BYTECODE = 1;
const INET_DIAG_INFO = 2;
const INET_DIAG_SKMEMINFO = 7;
/** struct inet_diag_req_v2 */
const REQUEST_BYTES = 56;
const IPPROTO_TCP = 6;
/** In front of an IPv4 address in IPv6's form: 80 bits of 0, 16 of 1; the last word as it is read here. */
const MAPPED_BYTES = 12;
const MAPPED_WORD = 0xffff0000;
/** struct inet_diag_msg: state at 1; ports, addresses, cookie, … as the getters below say. */
const MESSAGE_BYTES = 72;
const ATTRIBUTE_HEADER_BYTES = 4;
/** SK_MEMINFO_DROPS, the last of nine words. */
const DROPS_AT = 32;

/** The kernel fills parts of 32 KiB at most; a longer one makes the buffer grow. */
const BUFFER_BYTES = 64 * 1024;
const MAX_BUFFER_BYTES = 4 * 1024 * 1024;
/** A dump is made within the call that reads it; a part that takes longer never comes. */
const TIMEOUT_S = 2;

/** One family's sockets in these states. */
export interface DumpRequest {
  readonly family: 4 | 6;
  /** A bit for each of TCP_… that is wanted: `1 << TCP_ESTABLISHED`. */
  readonly states: number;
  /** Whether tcp_info is wanted, and whether the socket's drops are. */
  readonly info: boolean;
  readonly drops: boolean;
  readonly filter: DiagFilter | null;
}

/** How a dump ended. `again`: a part was cut or the tables changed meanwhile, so it is incomplete. */
export type DumpEnd = "done" | "again";

/** The socket that a dump has come to; the same object each time. */
export class DiagSocket {
  /** What was read; offsets below are into it. */
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  words: Uint32Array<ArrayBuffer> = new Uint32Array(0);
  /** Where struct inet_diag_msg lies; a multiple of 4. */
  at = 0;
  /** Where struct tcp_info lies, and its length: 0 where there is none. */
  infoAt = 0;
  infoBytes = 0;
  /** What the socket itself dropped; 0 where that was not asked for. */
  drops = 0;

  /** 6 for IPv4-mapped addresses too. */
  get family(): 4 | 6 {
    return this.bytes[this.at] === AF_INET ? 4 : 6;
  }

  /** TCP_… of <net/tcp_states.h> */
  get state(): number {
    return this.bytes[this.at + 1];
  }

  get localPort(): number {
    return this.bytes[this.at + 4] << 8 | this.bytes[this.at + 5];
  }

  get remotePort(): number {
    return this.bytes[this.at + 6] << 8 | this.bytes[this.at + 7];
  }

  /** Where the addresses begin: 4 bytes where `v4` says so, else 16. */
  get localAt(): number {
    return this.at + 8 + (this.#mapped(8) ? MAPPED_BYTES : 0);
  }

  get remoteAt(): number {
    return this.at + 24 + (this.#mapped(24) ? MAPPED_BYTES : 0);
  }

  /** Whether the remote address is IPv4, as it is or mapped into IPv6. */
  get v4(): boolean {
    return this.family === 4 || this.#mapped(24);
  }

  /** The same of the local address: a listening socket has no remote one. */
  get localV4(): boolean {
    return this.family === 4 || this.#mapped(8);
  }

  /** The index of the interface it is bound to, or of a link-local address's; 0 for none. */
  get interfaceIndex(): number {
    return this.words[this.at + 40 >> 2];
  }

  /** Distinguishes this socket from all others since the machine started. */
  get cookieLow(): number {
    return this.words[this.at + 44 >> 2];
  }

  get cookieHigh(): number {
    return this.words[this.at + 48 >> 2];
  }

  /** Of a listening socket: what waits in the accept queue, and the queue's limit. */
  get receiveQueue(): number {
    return this.words[this.at + 56 >> 2];
  }

  get sendQueue(): number {
    return this.words[this.at + 60 >> 2];
  }

  /** 0 while nobody has accepted it, and once nobody holds it any more. */
  get inode(): number {
    return this.words[this.at + 68 >> 2];
  }

  /** Whether the address at this offset is IPv6's form of an IPv4 one (RFC 4291, section 2.5.5.2). */
  #mapped(offset: number): boolean {
    const word = this.at + offset >> 2;
    return this.family === 6 && this.words[word] === 0 && this.words[word + 1] === 0 &&
      this.words[word + 2] === MAPPED_WORD;
  }

  /** Whether tcp_info is long enough for a field of so many bytes at this offset. */
  has(offset: number, bytes: number): boolean {
    return offset + bytes <= this.infoBytes;
  }

  /** A u32 of tcp_info, or the lower half of a u64; 0 where this kernel has no such field. */
  info(offset: number): number {
    return offset + 4 <= this.infoBytes ? this.words[this.infoAt + offset >> 2] : 0;
  }
}

/** Takes a dump apart, part by part, as the kernel hands the parts over. */
export class DumpReader {
  readonly socket = new DiagSocket();
  #sequence = 0;
  #incomplete = false;

  constructor() {
    this.#resize(BUFFER_BYTES);
  }

  /** The number that the request for the dump must carry. */
  begin(): number {
    this.#sequence = this.#sequence + 1 >>> 0;
    this.#incomplete = false;
    return this.#sequence;
  }

  /**
   * Takes the part whose first bytes lie in `socket.bytes`; `length` is its whole length, which may be
   * more than there was room for. Hands over its sockets, each good until the visit returns. Null while
   * there is more to come. Throws SystemError when the kernel refuses.
   */
  take(length: number, visit: (socket: DiagSocket) => void): DumpEnd | null {
    const { bytes, words } = this.socket;
    if (length > bytes.length) {
      this.#incomplete = true;
      this.#resize(length);
      return null;
    }
    for (let at = 0; at + HEADER_BYTES <= length;) {
      const size = words[at >> 2];
      if (size < HEADER_BYTES || at + size > length) {
        this.#incomplete = true;
        break;
      }
      const type = bytes[at + TYPE_AT] | bytes[at + TYPE_AT + 1] << 8;
      // An earlier dump's messages may still be waiting.
      if (words[at + SEQUENCE_AT >> 2] === this.#sequence) {
        if ((bytes[at + FLAGS_AT] & NLM_F_DUMP_INTR) !== 0) this.#incomplete = true;
        if (type === SOCK_DIAG_BY_FAMILY) this.#visit(at + HEADER_BYTES, at + size, visit);
        else if (type === NLMSG_ERROR || type === NLMSG_DONE) {
          // Both begin with an errno, negative; 0 is none.
          const errno = size < HEADER_BYTES + 4 ? 0 : words[at + HEADER_BYTES >> 2] | 0;
          if (errno < 0) throw refusal(reasonOf(-errno));
          return this.#incomplete ? "again" : "done";
        }
      }
      at += size + 3 & ~3;
    }
    return null;
  }

  #resize(atLeast: number): void {
    if (atLeast > MAX_BUFFER_BYTES) throw refusal(`a message of ${atLeast} bytes is too long`);
    let size = BUFFER_BYTES;
    while (size < atLeast) size *= 2;
    this.socket.bytes = new Uint8Array(size);
    this.socket.words = new Uint32Array(this.socket.bytes.buffer);
  }

  #visit(at: number, end: number, visit: (socket: DiagSocket) => void): void {
    if (at + MESSAGE_BYTES > end) return;
    const { socket } = this;
    const { bytes } = socket;
    socket.at = at;
    socket.infoBytes = 0;
    socket.drops = 0;
    for (let attribute = at + MESSAGE_BYTES; attribute + ATTRIBUTE_HEADER_BYTES <= end;) {
      const size = bytes[attribute] | bytes[attribute + 1] << 8;
      if (size < ATTRIBUTE_HEADER_BYTES || attribute + size > end) break;
      const type = bytes[attribute + 2];
      if (type === INET_DIAG_INFO) {
        socket.infoAt = attribute + ATTRIBUTE_HEADER_BYTES;
        socket.infoBytes = size - ATTRIBUTE_HEADER_BYTES;
      } else if (type === INET_DIAG_SKMEMINFO && size >= ATTRIBUTE_HEADER_BYTES + DROPS_AT + 4) {
        socket.drops = socket.words[attribute + ATTRIBUTE_HEADER_BYTES + DROPS_AT >> 2];
      }
      attribute += size + 3 & ~3;
    }
    visit(socket);
  }
}

export class SockDiag {
  #libc: Calls<typeof CALLS>;
  #errno: ReadErrno;
  #descriptor: number;
  #reader = new DumpReader();

  private constructor(libc: Calls<typeof CALLS>, errno: ReadErrno, descriptor: number) {
    this.#libc = libc;
    this.#errno = errno;
    this.#descriptor = descriptor;
  }

  /** Throws SystemError where this system has no such socket, or refuses it. */
  static open(): SockDiag {
    const libc = openLibc(CALLS)?.symbols;
    const errno = openErrno();
    if (libc === undefined || errno === null) {
      throw new SystemError("connections are read by sock_diag, which only Linux with glibc has");
    }
    const descriptor = libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (descriptor < 0) throw refusal(netlinkRefusal(errno()));
    // struct timeval
    const patience = new BigInt64Array([BigInt(TIMEOUT_S), 0n]);
    libc.setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, new Uint8Array(patience.buffer), 16);
    return new SockDiag(libc, errno, descriptor);
  }

  /** Begins a dump; the one before must have come to its end. Throws SystemError. */
  begin(request: DumpRequest): void {
    const bytes = requestBytes(request, this.#reader.begin());
    if (this.#libc.send(this.#descriptor, bytes, BigInt(bytes.length), 0) !== bytes.length) {
      throw refusal(reasonOf(this.#errno()));
    }
  }

  /** Reads the dump's next part, some dozens of sockets; the rest is as in `DumpReader.take`. */
  next(visit: (socket: DiagSocket) => void): DumpEnd | null {
    return this.#reader.take(this.#receive(), visit);
  }

  close(): void {
    this.#libc.close(this.#descriptor);
    this.#descriptor = -1;
  }

  #receive(): number {
    const { bytes } = this.#reader.socket;
    for (;;) {
      const size = BigInt(bytes.length);
      const length = this.#libc.recv(this.#descriptor, bytes, size, MSG_TRUNC);
      if (length > 0) return length;
      const errno = this.#errno();
      if (length === 0 || errno !== ERRNO.EINTR) throw refusal(reasonOf(errno));
    }
  }
}

function reasonOf(errno: number): string {
  switch (errno) {
    case ERRNO.EAGAIN:
      return `no answer within ${TIMEOUT_S} s`;
    case ERRNO.ENOENT:
      return "it has no module tcp_diag (modprobe tcp_diag)";
    default:
      return new ErrnoError("sock_diag", errno).reason;
  }
}

function refusal(why: string): SystemError {
  return new SystemError(
    `cannot read this machine's connections: the kernel refuses sock_diag: ${why}`,
  );
}

/** The netlink message that asks for a dump. */
function requestBytes(
  { family, states, info, drops, filter }: DumpRequest,
  sequence: number,
): Uint8Array<ArrayBuffer> {
  const code = filter === null ? new Uint8Array(0) : filterCode(filter);
  const attribute = code.length === 0 ? 0 : ATTRIBUTE_HEADER_BYTES + code.length;
  const bytes = new Uint8Array(HEADER_BYTES + REQUEST_BYTES + attribute);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint16(TYPE_AT, SOCK_DIAG_BY_FAMILY, true);
  view.setUint16(FLAGS_AT, NLM_F_REQUEST | NLM_F_DUMP, true);
  view.setUint32(SEQUENCE_AT, sequence, true);
  view.setUint8(HEADER_BYTES, family === 4 ? AF_INET : AF_INET6);
  view.setUint8(HEADER_BYTES + 1, IPPROTO_TCP);
  view.setUint8(
    HEADER_BYTES + 2,
    (info ? 1 << INET_DIAG_INFO - 1 : 0) | (drops ? 1 << INET_DIAG_SKMEMINFO - 1 : 0),
  );
  view.setUint32(HEADER_BYTES + 4, states, true);
  if (attribute > 0) {
    const at = HEADER_BYTES + REQUEST_BYTES;
    view.setUint16(at, attribute, true);
    view.setUint16(at + 2, INET_DIAG_REQ_BYTECODE, true);
    bytes.set(code, at + ATTRIBUTE_HEADER_BYTES);
  }
  return bytes;
}
