/**
 * One end of a link: a TUN device, written to through /dev/net/tun and read through a packet
 * socket. The socket gives the kernel's own timestamp of each packet's departure, so a late wake-up
 * costs no accuracy. The link waits for the device and not for the socket: waking a waiter on the
 * socket takes time, a lot on a virtual machine. The kernel would spend this time between the
 * socket's stamp of a packet and the stamp that the sender may ask for.
 */

import {
  CLOCK_REALTIME,
  cString,
  inNamespace,
  libc,
  O_CLOEXEC,
  O_NONBLOCK,
  O_RDWR,
} from "./libc.ts";
import { SLOT_BYTES } from "./pool.ts";

// linux/if_tun.h, linux/if.h, linux/sockios.h; `struct ifreq` is 40 bytes: name 16, then flags or index
const TUNSETIFF = 0x400454can;
const SIOCGIFINDEX = 0x8933n;
const IFF_TUN = 0x0001;
const IFF_NO_PI = 0x1000;
const IFREQ = { bytes: 40, valueAt: 16 };

// linux/socket.h, asm-generic/socket.h, linux/if_ether.h, linux/if_packet.h
const AF_PACKET = 17;
const SOCK_DGRAM = 2;
const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;
const SO_RCVBUFFORCE = 33;
const SO_TIMESTAMPNS = 35;
const MSG_DONTWAIT = 0x40;
const ETH_P_ALL = 3;
const SOL_PACKET = 263;
const PACKET_STATISTICS = 6;
const SOCKADDR_LL_BYTES = 20;
const RECEIVE_BUFFER_BYTES = 64 << 20;

// linux/filter.h: the packet socket is to see what leaves the host, not what the link itself brings
const OUTGOING_ONLY = [
  [0x30, 0, 0, 0xfffff000 + 4], // A = packet type (SKF_AD_OFF + SKF_AD_PKTTYPE)
  [0x15, 0, 1, 4], // A == PACKET_OUTGOING, else skip one
  [0x06, 0, 0, 0x40000], // take it whole
  [0x06, 0, 0, 0], // leave it
];

// bits/types/struct_msghdr.h and struct_iovec.h, 64-bit: offsets of the fields set
const MSGHDR = { iovAt: 16, iovlenAt: 24, controlAt: 32, controllenAt: 40, bytes: 56 };
const IOVEC_BYTES = 16;
// A `struct cmsghdr` of 16 bytes, then `struct timespec`
const CMSG_TYPE_AT = 12;
const CMSG_DATA_AT = 16;
const CONTROL_BYTES = 64;

/** An older stamp is not this packet's. */
const AGE_MAX_NS = 10e9;

/** A TUN device with its two descriptors. */
export interface Device {
  /** Packets written here arrive at the host. */
  tun: number;
  /** Packets the host sends are read here. */
  tap: number;
}

/** Makes the TUN device `name` in the namespace `namespace`. */
export function openDevice(namespace: string, name: string): Device {
  return inNamespace(namespace, () => {
    const tun = libc.open(cString("/dev/net/tun"), O_RDWR | O_NONBLOCK | O_CLOEXEC, 0);
    if (tun < 0) throw new Error("cannot open /dev/net/tun");
    const request = new Uint8Array(IFREQ.bytes);
    const view = new DataView(request.buffer);
    request.set(cString(name));
    view.setInt16(IFREQ.valueAt, IFF_TUN | IFF_NO_PI, true);
    if (libc.ioctl(tun, TUNSETIFF, request) < 0) throw new Error(`cannot make device ${name}`);
    const tap = libc.socket(AF_PACKET, SOCK_DGRAM | O_CLOEXEC, 0);
    if (tap < 0 || libc.ioctl(tap, SIOCGIFINDEX, request) < 0) {
      throw new Error(`cannot watch device ${name}`);
    }
    setUpTap(tap, view.getInt32(IFREQ.valueAt, true));
    return { tun, tap };
  });
}

function setUpTap(tap: number, deviceIndex: number): void {
  const filter = new DataView(new ArrayBuffer(OUTGOING_ONLY.length * 8));
  OUTGOING_ONLY.forEach(([code, whenTrue, whenFalse, k], i) => {
    filter.setUint16(i * 8, code, true);
    filter.setUint8(i * 8 + 2, whenTrue);
    filter.setUint8(i * 8 + 3, whenFalse);
    filter.setUint32(i * 8 + 4, k, true);
  });
  const program = new DataView(new ArrayBuffer(16));
  program.setUint16(0, OUTGOING_ONLY.length, true);
  program.setBigUint64(8, addressOf(filter.buffer), true);
  setOption(tap, SO_ATTACH_FILTER, program);
  setOption(tap, SO_RCVBUFFORCE, new Int32Array([RECEIVE_BUFFER_BYTES]));
  stampArrivals(tap);
  const address = new DataView(new ArrayBuffer(SOCKADDR_LL_BYTES));
  address.setUint16(0, AF_PACKET, true);
  address.setUint16(2, ETH_P_ALL, false);
  address.setInt32(4, deviceIndex, true);
  if (libc.bind(tap, address, SOCKADDR_LL_BYTES) !== 0) {
    throw new Error("cannot bind a packet socket");
  }
}

/** Lets the kernel note when each packet came to the socket `fd`. */
export function stampArrivals(fd: number): void {
  setOption(fd, SO_TIMESTAMPNS, new Int32Array([1]));
}

function setOption(fd: number, option: number, value: ArrayBufferView<ArrayBuffer>): void {
  if (libc.setsockopt(fd, SOL_SOCKET, option, value, value.byteLength) !== 0) {
    throw new Error(`cannot set socket option ${option}`);
  }
}

function addressOf(buffer: ArrayBuffer): bigint {
  return Deno.UnsafePointer.value(Deno.UnsafePointer.of(buffer));
}

/** Packets that found the packet socket's buffer full since the last call. */
export function lostAt(tap: number): number {
  const statistics = new Uint32Array(2); // struct tpacket_stats: packets, drops
  libc.getsockopt(
    tap,
    SOL_PACKET,
    PACKET_STATISTICS,
    statistics,
    new Uint32Array([statistics.byteLength]),
  );
  return statistics[1];
}

/** Reads packets into the slots of one buffer, each with its age. Reading allocates nothing. */
export class Reader {
  // Buffers of their own, for V8 may move the contents of small typed arrays.
  readonly #header = new Uint8Array(new ArrayBuffer(MSGHDR.bytes));
  readonly #headerView = new Int32Array(this.#header.buffer);
  readonly #vector = new Uint32Array(new ArrayBuffer(IOVEC_BYTES));
  readonly #control = new Int32Array(new ArrayBuffer(CONTROL_BYTES));
  readonly #timespec = new Int32Array(new ArrayBuffer(16));
  readonly #scratch = new Uint8Array(new ArrayBuffer(1));
  readonly #base: number;
  /** [0] nanoseconds since the packet last read was sent; 0 where the kernel gave no stamp. */
  readonly age = new Float64Array(1);

  constructor(into: Uint8Array<ArrayBuffer>) {
    this.#base = Number(addressOf(into.buffer));
    const view = new DataView(this.#header.buffer);
    view.setBigUint64(MSGHDR.iovAt, addressOf(this.#vector.buffer), true);
    view.setUint32(MSGHDR.iovlenAt, 1, true);
    view.setBigUint64(MSGHDR.controlAt, addressOf(this.#control.buffer), true);
    this.#vector[2] = SLOT_BYTES;
  }

  /** Reads one packet into `slot`; its length, or what is not above 0 when there is none. */
  read(tap: number, slot: number): number {
    const at = this.#base + slot * SLOT_BYTES;
    this.#vector[0] = at % 0x1_0000_0000;
    this.#vector[1] = at / 0x1_0000_0000;
    this.#headerView[MSGHDR.controllenAt / 4] = CONTROL_BYTES;
    this.#control[CMSG_TYPE_AT / 4] = 0;
    const length = libc.recvmsg(tap, this.#header, MSG_DONTWAIT);
    this.age[0] = 0;
    if (length <= 0 || this.#control[CMSG_TYPE_AT / 4] !== SO_TIMESTAMPNS) return length;
    libc.clock_gettime(CLOCK_REALTIME, this.#timespec);
    const seconds = this.#timespec[0] - this.#control[CMSG_DATA_AT / 4];
    const age = seconds * 1e9 + this.#timespec[2] - this.#control[CMSG_DATA_AT / 4 + 2];
    if (age > 0 && age < AGE_MAX_NS) this.age[0] = age;
    return length;
  }

  /** The device keeps its own copy of each packet: takes off `count` at most, unread; how many it took. */
  drain(tun: number, count: number): number {
    let taken = 0;
    while (taken < count && libc.read(tun, this.#scratch, 1) > 0) taken += 1;
    return taken;
  }
}
