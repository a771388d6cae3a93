/** Packet sockets by script: what was sent is kept, what comes is what the test says. */
import type { Endpoint } from "../../../src/domain/target.ts";
import {
  SO_EE_ORIGIN_ICMP,
  SO_EE_ORIGIN_ICMP6,
  SO_EE_ORIGIN_NONE,
} from "../../../src/kernel/linux.ts";
import { blankMessage, type Message } from "../../../src/kernel/message_batch.ts";
import type { PacketEvents, PacketSocket } from "../../../src/kernel/packet_port.ts";

export interface SentPacket {
  readonly bytes: Uint8Array;
  readonly to: Endpoint;
  readonly ordinal: number;
}

export interface IcmpFake {
  readonly type: number;
  readonly code: number;
  readonly info?: number;
  readonly from?: readonly number[];
}

export class FakePacketSocket implements PacketSocket {
  readonly sent: SentPacket[] = [];
  readonly filters: Uint8Array[] = [];
  /** The errno of coming sends; 0 sends. */
  errno = 0;
  /** Whether the kernel tells when a packet left, and when: µs; NaN for not at all. */
  leavesAtUs = NaN;
  /** Called by `drain`: what waits in the socket. */
  waiting: (() => void) | null = null;
  closed = false;
  hops = 0;
  interfaceIndex = 0;
  lostHere = 0;
  #events: PacketEvents | null = null;

  constructor(readonly family: 4 | 6, readonly id = 0) {}

  setHops(hops: number): void {
    this.hops = hops;
  }

  setInterface(index: number): void {
    this.interfaceIndex = index;
  }

  send(bytes: Uint8Array<ArrayBuffer>, length: number, to: Endpoint): number {
    if (this.errno !== 0) return this.errno;
    this.sent.push({ bytes: bytes.slice(0, length), to, ordinal: this.sent.length });
    return 0;
  }

  watch(events: PacketEvents): void {
    this.#events = events;
  }

  drain(): void {
    this.drainErrors();
    const waiting = this.waiting;
    this.waiting = null;
    waiting?.();
  }

  drainErrors(): void {
    const last = this.sent.at(-1);
    if (last !== undefined && !Number.isNaN(this.leavesAtUs)) {
      this.left(last.ordinal, this.leavesAtUs);
    }
    this.leavesAtUs = NaN;
  }

  overflowed(): number {
    return this.lostHere;
  }

  filter(program: Uint8Array): void {
    this.filters.push(program);
  }

  close(): void {
    this.closed = true;
  }

  left(ordinal: number, stampUs: number): void {
    this.#events?.left(ordinal, stampUs);
  }

  /** A packet comes from an address. */
  receive(bytes: ArrayLike<number>, from: ArrayLike<number>, stampUs = NaN): void {
    this.drainErrors();
    this.#events?.received({ ...messageOf(bytes, from), stampUs });
  }

  /** A packet that was for `target` comes back. */
  return(bytes: ArrayLike<number>, target: ArrayLike<number>, error: IcmpFake): void {
    const message = messageOf(bytes, target, error.from ?? []);
    message.origin = this.family === 4 ? SO_EE_ORIGIN_ICMP : SO_EE_ORIGIN_ICMP6;
    message.type = error.type;
    message.code = error.code;
    message.info = error.info ?? 0;
    this.#events?.returned(message);
  }
}

function messageOf(
  data: ArrayLike<number>,
  address: ArrayLike<number>,
  offender: ArrayLike<number> = [],
): Message {
  const bytes = Uint8Array.from([
    ...Array.from(data),
    ...Array.from(address),
    ...Array.from(offender),
  ]);
  const message = blankMessage(bytes);
  message.end = data.length;
  message.addressAt = data.length;
  message.origin = SO_EE_ORIGIN_NONE;
  message.offenderBytes = offender.length;
  message.offenderAt = offender.length === 0 ? -1 : data.length + address.length;
  return message;
}

/** Numbers that look random and are the same each time. */
export function counting(start: number): () => number {
  let next = start;
  return () => next++ >>> 0;
}
