/** A bounded record of the packets on a link: written by the link's process, read by the tests, exported as pcap. */

// A record: f64 time in, due, out and handed over (0: not yet), i32 length, i32 direction, then the first bytes.
const RECORD_BYTES = 200;
const IN = 0;
const DUE = 1;
const OUT = 2;
const HANDED = 3;
const LENGTH_AT = 32;
const DIRECTION_AT = 36;
const HEAD_BYTES = 40;
export const SNAP_BYTES = RECORD_BYTES - HEAD_BYTES;
export const CAPTURE_MAX = 1 << 20;

/** One packet as the link met it. */
export interface CapturedPacket {
  /** 0 is from the link's first host to its second, 1 the way back. */
  direction: number;
  /** Wall clock in microseconds since 1970 when it came in. */
  inUs: number;
  /** The same when it was to leave; null where it never did. */
  dueUs: number | null;
  /** The same when it left; null where it was dropped or is still on its way. */
  outUs: number | null;
  /** When the host certainly had it, since the host acts within the hand-over; null as `outUs`. */
  handedUs: number | null;
  /** Its length on the wire; `bytes` are its first `SNAP_BYTES` at most. */
  length: number;
  bytes: Uint8Array;
}

/** How much later a packet left than it was to. */
export function lateness(packet: CapturedPacket): number {
  return (packet.outUs ?? 0) - (packet.dueUs ?? 0);
}

/** The last `capacity` packets of a link. Writing to it allocates nothing. */
export class CaptureRing {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #doubles: Float64Array;
  readonly #words: Int32Array;
  total = 0;

  constructor(readonly capacity: number) {
    if (!(capacity > 0 && capacity <= CAPTURE_MAX)) {
      throw new RangeError(`a capture holds 1 to ${CAPTURE_MAX} packets`);
    }
    this.bytes = new Uint8Array(capacity * RECORD_BYTES);
    this.#doubles = new Float64Array(this.bytes.buffer);
    this.#words = new Int32Array(this.bytes.buffer);
  }

  /** Records the packet at `at`, come in at `clock[0]`, and leaves its number in `serials[slot]`. */
  came(
    from: Uint8Array,
    at: number,
    length: number,
    direction: number,
    clock: Float64Array,
    serials: Float64Array,
    slot: number,
  ): void {
    const record = (this.total % this.capacity) * RECORD_BYTES;
    this.#doubles[record / 8 + IN] = clock[0];
    this.#doubles[record / 8 + DUE] = 0;
    this.#doubles[record / 8 + OUT] = 0;
    this.#doubles[record / 8 + HANDED] = 0;
    this.#words[(record + LENGTH_AT) / 4] = length;
    this.#words[(record + DIRECTION_AT) / 4] = direction;
    const kept = length < SNAP_BYTES ? length : SNAP_BYTES;
    for (let i = 0; i < kept; i++) this.bytes[record + HEAD_BYTES + i] = from[at + i];
    serials[slot] = this.total;
    this.total += 1;
  }

  /**
   * Notes that the packet in `slot`, due at `dues[slot]`, left at `left[0]` and was handed over at
   * `clock[0]`, unless the ring has moved on.
   */
  left(
    serials: Float64Array,
    dues: Float64Array,
    slot: number,
    left: Float64Array,
    clock: Float64Array,
  ): void {
    const serial = serials[slot];
    if (serial < 0 || serial < this.total - this.capacity) return;
    const record = (serial % this.capacity) * RECORD_BYTES;
    this.#doubles[record / 8 + DUE] = dues[slot];
    this.#doubles[record / 8 + OUT] = left[0];
    this.#doubles[record / 8 + HANDED] = clock[0];
  }
}

/**
 * Rings that are used again: freed memory would bring the collector, which cannot give back pages
 * that the real-time process has locked, and ends it.
 */
export class Rings {
  #free: CaptureRing[] = [];

  take(capacity: number): CaptureRing {
    const at = this.#free.findIndex((ring) => ring.capacity === capacity);
    if (at < 0) return new CaptureRing(capacity);
    const [ring] = this.#free.splice(at, 1);
    ring.total = 0;
    return ring;
  }

  giveBack(ring: CaptureRing | null): void {
    if (ring !== null) this.#free.push(ring);
  }
}

/** The packets in a dumped ring, oldest first. */
export function readCapture(
  dump: Uint8Array,
  total: number,
  capacity: number,
  epochUs: number,
): CapturedPacket[] {
  const view = new DataView(dump.buffer, dump.byteOffset, dump.byteLength);
  const packets: CapturedPacket[] = [];
  for (let serial = Math.max(0, total - capacity); serial < total; serial++) {
    const at = (serial % capacity) * RECORD_BYTES;
    const timeUs = (field: number) => {
      const ns = view.getFloat64(at + 8 * field, true);
      return ns === 0 ? null : epochUs + ns / 1000;
    };
    const length = view.getInt32(at + LENGTH_AT, true);
    packets.push({
      direction: view.getInt32(at + DIRECTION_AT, true),
      inUs: timeUs(IN) ?? epochUs,
      dueUs: timeUs(DUE),
      outUs: timeUs(OUT),
      handedUs: timeUs(HANDED),
      length,
      bytes: dump.slice(at + HEAD_BYTES, at + HEAD_BYTES + Math.min(length, SNAP_BYTES)),
    });
  }
  return packets;
}

// draft-ietf-opsawg-pcap: magic for microseconds, version 2.4; LINKTYPE_RAW is 101
const PCAP_MAGIC = 0xa1b2c3d4;
const PCAP_HEAD_BYTES = 24;
const PCAP_RECORD_HEAD_BYTES = 16;
const LINKTYPE_RAW = 101;

/** A pcap file of `packets` as they were when they came in (`inUs`) or, without those that never did, left (`outUs`). */
export function toPcap(packets: CapturedPacket[], when: "inUs" | "outUs"): Uint8Array<ArrayBuffer> {
  const kept = packets.filter((packet) => packet[when] !== null);
  const size = kept.reduce(
    (sum, packet) => sum + PCAP_RECORD_HEAD_BYTES + packet.bytes.length,
    PCAP_HEAD_BYTES,
  );
  const file = new Uint8Array(size);
  const view = new DataView(file.buffer);
  view.setUint32(0, PCAP_MAGIC, true);
  view.setUint16(4, 2, true);
  view.setUint16(6, 4, true);
  view.setUint32(16, SNAP_BYTES, true);
  view.setUint32(20, LINKTYPE_RAW, true);
  let at = PCAP_HEAD_BYTES;
  for (const packet of kept) {
    const timeUs = Math.round(packet[when] ?? 0);
    view.setUint32(at, Math.floor(timeUs / 1e6), true);
    view.setUint32(at + 4, timeUs % 1e6, true);
    view.setUint32(at + 8, packet.bytes.length, true);
    view.setUint32(at + 12, packet.length, true);
    file.set(packet.bytes, at + PCAP_RECORD_HEAD_BYTES);
    at += PCAP_RECORD_HEAD_BYTES + packet.bytes.length;
  }
  return file;
}
