/** The forwarding loop: takes packets from TUN devices, holds each for its delay and hands it to the device at the far end. */

import type { CaptureRing } from "./capture.ts";
import { type Device, Reader } from "./device.ts";
import {
  EXTRA_NS,
  FORWARDED,
  LATE,
  MAX_LATE_NS,
  OneWay,
  OVERFLOWED,
  UNWRITTEN,
} from "./one_way.ts";
import { CLOCK_MONOTONIC, CLOCK_REALTIME, libc, POLLFD_BYTES, POLLIN } from "./libc.ts";
import { FACTS, KIND, KINDS, readFacts } from "./packet.ts";
import { Pool, SLOT_BYTES, SPARE } from "./pool.ts";

export const IDLE_WAIT_NS = 3e9;

const LINKS_MAX = 64;
/** A sleeping thread wakes up late by up to this much, so the end of each wait is spent awake. */
const SPIN_NS = 200_000;
/** With a packet due sooner than this, requests wait: parsing one may take that long. */
const QUIET_NS = 300_000;
const REQUEST_WAIT_MAX_NS = 20_000_000;
/** A packet later than this is the link's own fault; a machine that stood still causes it. */
const LATE_NS = 50_000;
/** Packets read from one device before due ones get their turn. */
const READ_BURST = 8;
/** A thread that never blocks is ended by its RLIMIT_RTTIME, so it blocks for a moment at least this often. */
const AWAKE_MAX_NS = 200_000_000;
const BREATHER_NS = 20_000;
/** The engine's clock starts here: code compiled while it fits 31 bits is thrown away when it no longer does. */
const START_SECONDS = 1000;

// Places in `#times`: numbers with fractions are kept in arrays, as arguments and fields they would be boxed.
// When the next packet is due; how long to wait; when the thread last slept; since when a request waits (0: none does);
// how long to wait with nothing on its way.
const [DUE, WAIT, SLEPT, REQUESTED, IDLE] = [0, 1, 2, 3, 4];

export class Engine {
  readonly links: (readonly [OneWay, OneWay])[] = [];
  readonly epochUs: number;
  readonly #ways: OneWay[] = [];
  readonly #pool = new Pool();
  readonly #reader = new Reader(this.#pool.bytes);
  readonly #facts = new Int32Array(FACTS);
  readonly #clock = new Float64Array(1);
  /** When the packet that is being handed over left. */
  readonly #left = new Float64Array(1);
  readonly #timespec = new Int32Array(4);
  readonly #timeout = new Int32Array(4);
  readonly #pollWords = new Int32Array((1 + 2 * LINKS_MAX) * POLLFD_BYTES / 4);
  readonly #pollHalves = new Int16Array(this.#pollWords.buffer);
  readonly #startSeconds: number;
  readonly #times = new Float64Array(5);
  /** Whether there may be packets that no descriptor tells of. */
  #more = false;

  /** `onRequest` is called when the descriptor given to `listen` can be read. */
  constructor(readonly onRequest: () => void) {
    this.idleWaitNs = IDLE_WAIT_NS;
    libc.clock_gettime(CLOCK_REALTIME, this.#timespec);
    const wallUs = (this.#timespec[0] >>> 0) * 1e6 + this.#timespec[2] / 1000;
    libc.clock_gettime(CLOCK_MONOTONIC, this.#timespec);
    this.#startSeconds = this.#timespec[0] - START_SECONDS;
    this.epochUs = wallUs - START_SECONDS * 1e6 - this.#timespec[2] / 1000;
  }

  /** How long a step waits at most when nothing is on its way. */
  set idleWaitNs(ns: number) {
    this.#times[IDLE] = ns;
  }

  /** Requests come from `fd`. */
  listen(fd: number): void {
    this.#watch(0, fd);
  }

  /** Joins two devices by a link without delay; its number is its place in `links`. */
  join(a: Device, b: Device): number {
    if (this.links.length === LINKS_MAX) throw new RangeError(`at most ${LINKS_MAX} links`);
    const ways: [OneWay, OneWay] = [new OneWay(a, b, 0), new OneWay(b, a, 1)];
    for (const way of ways) {
      this.#ways.push(way);
      this.#watch(this.#ways.length, way.from.tun);
    }
    return this.links.push(ways) - 1;
  }

  /** Records a link's packets in `ring` from now on, or no longer. */
  record(link: number, ring: CaptureRing | null): void {
    for (const way of this.links[link]) {
      way.capture = ring;
      // Packets on their way have numbers of an earlier ring, if any.
      for (const head of way.heads) {
        for (let slot = head; slot >= 0; slot = this.#pool.next[slot]) this.#pool.serial[slot] = -1;
      }
    }
  }

  /** Forgets all links and what is on its way, closing their descriptors. */
  reset(): void {
    for (const way of this.#ways.splice(0)) {
      for (const head of way.heads) this.#forget(head);
      libc.close(way.from.tap);
      libc.close(way.from.tun);
    }
    this.links.length = 0;
  }

  /** Gives back a queue's slots. */
  #forget(head: number): void {
    for (let slot = head; slot >= 0;) {
      const next = this.#pool.next[slot];
      this.#pool.giveBack(slot);
      slot = next;
    }
  }

  #watch(place: number, fd: number): void {
    this.#pollWords[place * 2] = fd;
    this.#pollHalves[place * 4 + 2] = POLLIN;
  }

  /** Sends the packet that is due first, if one is due, then waits for the next event and takes in what came. */
  step(): void {
    this.#tick();
    const times = this.#times;
    const now = this.#clock[0];
    const way = this.#earliest();
    if (way === null) times[WAIT] = times[IDLE];
    else if (times[DUE] > now) times[WAIT] = times[DUE] - now - SPIN_NS;
    else {
      // One packet a step: the far end answers within the write, and the answer is to be stamped at once.
      this.#send(way);
      times[WAIT] = 0;
    }
    if (this.#more) times[WAIT] = 0;
    if (times[WAIT] > 0) times[SLEPT] = now;
    else if (now - times[SLEPT] < AWAKE_MAX_NS) times[WAIT] = 0;
    else times[WAIT] = BREATHER_NS;
    if (this.#poll() > 0 || this.#more) this.#serve();
  }

  /** Reads CLOCK_MONOTONIC into `#clock`: as a returned number it would be boxed. */
  #tick(): void {
    libc.clock_gettime(CLOCK_MONOTONIC, this.#timespec);
    this.#clock[0] = (this.#timespec[0] - this.#startSeconds) * 1e9 + this.#timespec[2];
  }

  /** The direction whose packet leaves first, its due time in `#times[0]`. */
  #earliest(): OneWay | null {
    const ways = this.#ways;
    const dueNs = this.#pool.dueNs;
    let found: OneWay | null = null;
    let least = Infinity;
    for (let i = 0; i < ways.length; i++) {
      const heads = ways[i].heads;
      for (let kind = 0; kind < KINDS; kind++) {
        const slot = heads[kind];
        if (slot >= 0 && dueNs[slot] < least) {
          least = dueNs[slot];
          found = ways[i];
        }
      }
    }
    this.#times[DUE] = least;
    return found;
  }

  #send(way: OneWay): void {
    const pool = this.#pool;
    let kind = 0;
    while (way.heads[kind] < 0 || pool.dueNs[way.heads[kind]] !== this.#times[DUE]) kind++;
    const slot = way.heads[kind];
    way.heads[kind] = pool.next[slot];
    const late = this.#clock[0] - pool.dueNs[slot];
    if (late > way.doubles[MAX_LATE_NS]) way.doubles[MAX_LATE_NS] = late;
    if (late > LATE_NS) way.counts[LATE] += 1;
    this.#left[0] = this.#clock[0];
    const written = libc.write(way.to.tun, pool.views[slot], pool.length[slot]);
    way.counts[written < 0 ? UNWRITTEN : FORWARDED] += 1;
    if (way.capture !== null) {
      this.#tick();
      way.capture.left(pool.serial, pool.dueNs, slot, this.#left, this.#clock);
    }
    pool.giveBack(slot);
  }

  /** Waits as long as `#times` says, at most; the number of descriptors that can be read. */
  #poll(): number {
    const timeout = this.#timeout;
    const wait = this.#times[WAIT];
    timeout[0] = Math.floor(wait / 1e9);
    timeout[2] = wait % 1e9;
    if (wait === BREATHER_NS) this.#times[SLEPT] = this.#clock[0];
    return libc.ppoll(this.#pollWords, 1 + this.#ways.length, timeout, null);
  }

  #serve(): void {
    const halves = this.#pollHalves;
    const ways = this.#ways;
    const times = this.#times;
    this.#more = false;
    for (let i = 0; i < ways.length; i++) {
      if (halves[(i + 1) * 4 + 3] !== 0 || ways[i].more) this.#takeIn(ways[i]);
    }
    if (halves[3] === 0) return;
    this.#tick();
    const now = this.#clock[0];
    if (times[REQUESTED] === 0) times[REQUESTED] = now;
    if (times[DUE] - now < QUIET_NS && now - times[REQUESTED] < REQUEST_WAIT_MAX_NS) return;
    times[REQUESTED] = 0;
    this.onRequest();
  }

  #takeIn(way: OneWay): void {
    const pool = this.#pool;
    // The packet socket has a packet before the device does: what is taken off here can be read there.
    const taken = this.#reader.drain(way.from.tun, READ_BURST);
    way.more = true;
    for (let i = 0; i < READ_BURST; i++) {
      const slot = pool.peek();
      const length = this.#reader.read(way.from.tap, slot);
      if (length <= 0) {
        // The first read tells of a device that was down.
        if (i === 0 && taken > 0) continue;
        way.more = false;
        break;
      }
      this.#tick();
      this.#clock[0] -= this.#reader.age[0];
      const at = slot * SLOT_BYTES;
      readFacts(pool.bytes, at, length, this.#facts);
      const admitted = way.admit(pool.bytes, at, length, this.#facts, this.#clock);
      if (way.capture !== null) {
        way.capture.came(pool.bytes, at, length, way.direction, this.#clock, pool.serial, slot);
      }
      if (!admitted) continue;
      if (slot === SPARE) {
        way.counts[OVERFLOWED] += 1;
        continue;
      }
      if (way.capture === null) pool.serial[slot] = -1;
      pool.take();
      pool.length[slot] = length;
      this.#enqueue(way, this.#facts[KIND], slot);
    }
    // A device whose queue was full has fewer packets than its socket, and gives no sign of the others.
    if (way.more) this.#more = true;
  }

  #enqueue(way: OneWay, kind: number, slot: number): void {
    const pool = this.#pool;
    const due = this.#clock[0] + way.delayNs[kind] + way.doubles[EXTRA_NS];
    const last = way.heads[kind] < 0 ? -1 : way.tails[kind];
    // A delay that was shortened just now does not let a packet overtake those before it.
    pool.dueNs[slot] = last >= 0 && pool.dueNs[last] > due ? pool.dueNs[last] : due;
    if (last < 0) way.heads[kind] = slot;
    else pool.next[last] = slot;
    way.tails[kind] = slot;
  }
}
