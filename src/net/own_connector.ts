/**
 * Handshakes on sockets of our own: from an address of the user's choice, or at a rate at which the
 * runtime's own connect costs too much. No promise, closure or object is made for a handshake: it is
 * a slot in a few arrays. Each socket is asked once soon after its SYN was sent: in a data centre most
 * have their answer by then, and cost no more. The others are watched by an epoll set, which is read in
 * each turn of the event loop in which something is sent; where turns are rare, by one wait in a thread.
 */
import { NONE } from "../domain/probe_record.ts";
import type { Endpoint } from "../domain/target.ts";
import { ConnectEvents, type ConnectingSockets } from "../kernel/connecting_sockets.ts";
import type { ErrnoError } from "../kernel/errno.ts";
import { ERRNO } from "../kernel/linux.ts";
import { endsWithScope } from "../kernel/scope.ts";
import type { TcpInfo, TcpSockets } from "../kernel/tcp_info.ts";
import type { Cancel, Clock } from "../time/clock.ts";
import type { CloseKind, Connector, HandshakeObserver, HandshakeSample } from "./connector.ts";

/**
 * With a steady rate the next turn reads the answers of this one, unless it comes later than this.
 */
const STEADY_GAP_MS = 4;
/** How often a socket may report an error without saying which, before it is given up. */
const MAX_UNTOLD = 3;

export interface OwnConnectorOptions {
  readonly close: CloseKind;
  /** Whether something is sent every few milliseconds all the time. */
  readonly steady: boolean;
}

/** Some 10 ms of work; their answers are read in the same turn. */
const SENDS_A_TURN = 256;

/** A wait in the thread ends by itself after this, so that nothing has to interrupt it. */
const WAIT_MS = 100;
/** Waits without events taken in one go, so that the event loop has its turn. */
const MAX_READS = 64;

export class OwnConnector implements Connector {
  readonly sendsATurn = SENDS_A_TURN;
  #sockets: ConnectingSockets;
  #infos: TcpSockets;
  #clock: Clock;
  #reset: boolean;
  #steady: boolean;
  /** By slot: whom to tell; null in a free one, or when it was cancelled. */
  #observers: (HandshakeObserver | null)[] = [];
  /** Slots sent since the last reading, whose sockets nobody watches yet, and how many. */
  #fresh = new Int32Array(SENDS_A_TURN);
  #freshCount = 0;
  /** By slot: the descriptor, or the errno as a negative number where the connect failed at once. */
  #descriptors = new Int32Array(FIRST_SLOTS);
  /** By slot: counts its uses, so that an event of an earlier one is known. */
  #generations = new Int32Array(FIRST_SLOTS);
  #untold = new Uint8Array(FIRST_SLOTS);
  #free: number[] = [];
  /** By slot: 1 where the epoll set watches the socket. */
  #watched = new Uint8Array(FIRST_SLOTS);
  /** How many sockets the epoll set watches. */
  #watching = 0;
  /** Slots whose connect failed at once, to be told in the next reading. */
  #failed: number[] = [];
  #errors: Partial<Record<number, ErrnoError>> = {};
  #events = new ConnectEvents();
  #threadEvents = new ConnectEvents();
  #readingQueued = false;
  #reading = false;
  #waiting = false;
  #gapTimer: Cancel | null = null;
  #turnMs = -Infinity;
  #info: TcpInfo = { rttUs: 0, retransmits: 0, closed: false };
  #sample: HandshakeSample = { rttUs: NONE, synRetransmits: NONE };
  #endTurn = (): void => this.#turnEnded();

  constructor(
    sockets: ConnectingSockets,
    infos: TcpSockets,
    clock: Clock,
    { close, steady }: OwnConnectorOptions,
  ) {
    this.#sockets = sockets;
    this.#infos = infos;
    this.#clock = clock;
    this.#reset = close === "rst";
    this.#steady = steady;
    // All handshakes are cancelled before the scope ends.
    endsWithScope(() => this.#gapTimer?.());
  }

  connect(endpoint: Endpoint, observer: HandshakeObserver): number {
    const slot = this.#free.pop() ?? this.#newSlot();
    this.#observers[slot] = observer;
    this.#untold[slot] = 0;
    const descriptor = this.#sockets.connect(endpoint);
    this.#descriptors[slot] = descriptor;
    if (descriptor < 0) this.#failed.push(slot);
    // Handshakes in a row, as in a burst, must not be told in a single turn: this one is waited
    // for.
    else if (this.#reading || this.#freshCount === SENDS_A_TURN) this.#watch(slot);
    else this.#fresh[this.#freshCount++] = slot;
    this.#queueReading();
    return slot;
  }

  poll(handle: number): boolean {
    const descriptor = this.#descriptors[handle];
    if (descriptor < 0) return false;
    return this.#tell(handle, this.#sockets.error(descriptor));
  }

  readAnswers(): void {
    if (this.#reading) return;
    this.#read();
    this.#keepWatch();
  }

  cancel(handle: number): void {
    if (this.#descriptors[handle] >= 0) this.#release(handle);
    // A handshake that failed at once keeps its slot until the reading comes to it.
    else this.#observers[handle] = null;
  }

  /** Reads at the end of this turn of the event loop; what a reading itself sends, the next one reads. */
  #queueReading(): void {
    if (this.#readingQueued || this.#reading) return;
    this.#readingQueued = true;
    queueMicrotask(this.#endTurn);
  }

  #turnEnded(): void {
    this.#readingQueued = false;
    this.#turnMs = this.#clock.now();
    this.#read();
    this.#keepWatch();
  }

  #read(): void {
    this.#reading = true;
    this.#tellFailed();
    for (let i = 0; i < this.#freshCount; i++) this.#askFresh(this.#fresh[i]);
    this.#freshCount = 0;
    for (let reads = 0; reads < MAX_READS && this.#watching > 0; reads++) {
      this.#sockets.take(this.#events);
      this.#deliver(this.#events);
      if (!this.#events.full) break;
    }
    this.#reading = false;
  }

  /** Asks the socket of a handshake that was just begun, and has it watched where it has no answer yet. */
  #askFresh(slot: number): void {
    const descriptor = this.#descriptors[slot];
    // It was given up, and its slot may be in use again.
    if (descriptor < 0 || this.#watched[slot] === 1) return;
    if (this.#tell(slot, 0)) return;
    const errno = this.#info.closed ? this.#sockets.error(descriptor) : 0;
    if (errno !== 0) this.#fail(slot, errno);
    else this.#watch(slot);
  }

  #watch(slot: number): void {
    const errno = this.#sockets.watch(this.#descriptors[slot], slot, this.#generations[slot]);
    if (errno === 0) {
      this.#watched[slot] = 1;
      this.#watching++;
    } else {
      this.#sockets.close(this.#descriptors[slot]);
      this.#descriptors[slot] = -errno;
      this.#failed.push(slot);
    }
  }

  /** Sees to it that what is still under way will be read. */
  #keepWatch(): void {
    if (this.#failed.length > 0) this.#queueReading();
    if (this.#watching === 0 || this.#waiting) return;
    if (!this.#isSteady()) this.#wait();
    else if (this.#gapTimer === null) this.#watchGap();
  }

  #isSteady(): boolean {
    return this.#steady && this.#clock.now() < this.#turnMs + STEADY_GAP_MS;
  }

  /** Watches that turns keep coming, and reads in place of one that does not come. */
  #watchGap(): void {
    this.#gapTimer = this.#clock.wakeAt(this.#turnMs + STEADY_GAP_MS, () => {
      this.#gapTimer = null;
      if (!this.#isSteady()) this.#read();
      this.#keepWatch();
    });
  }

  async #wait(): Promise<void> {
    this.#waiting = true;
    do {
      await this.#sockets.wait(this.#threadEvents, WAIT_MS);
      this.#reading = true;
      this.#tellFailed();
      this.#deliver(this.#threadEvents);
      this.#reading = false;
    } while (this.#watching > 0 && !this.#isSteady());
    this.#waiting = false;
    this.#keepWatch();
  }

  #deliver(events: ConnectEvents): void {
    for (let i = 0; i < events.count; i++) {
      const slot = events.slot(i);
      // The event's socket is closed already.
      if (events.generation(i) !== this.#generations[slot]) continue;
      const descriptor = this.#descriptors[slot];
      const errno = events.isError(i) ? this.#sockets.error(descriptor) : 0;
      if (this.#tell(slot, errno)) continue;
      // Linux reports an ICMP error a moment before it says which one. The next event will say it.
      const goesOn = ++this.#untold[slot] <= MAX_UNTOLD &&
        this.#sockets.watchAgain(descriptor, slot, this.#generations[slot]) === 0;
      if (!goesOn) this.#fail(slot, ERRNO.ENOTCONN);
    }
  }

  /** Tells the fate of a handshake, if the kernel knows it; false when it is still under way. */
  #tell(slot: number, errno: number): boolean {
    if (errno !== 0) {
      this.#fail(slot, errno);
      return true;
    }
    const descriptor = this.#descriptors[slot];
    const info = this.#info;
    if (!this.#infos.info(descriptor, info)) return false;
    // Closed, and no error: an event or another question will say why.
    if (info.rttUs === 0 && info.closed) return false;
    this.#sample.rttUs = info.rttUs > 0 ? info.rttUs : NONE;
    this.#sample.synRetransmits = info.retransmits;
    if (this.#reset) this.#sockets.resetOnClose(descriptor);
    const observer = this.#observers[slot];
    this.#release(slot);
    observer?.established(this.#sample);
    return true;
  }

  #fail(slot: number, errno: number): void {
    const observer = this.#observers[slot];
    this.#release(slot);
    observer?.failed(this.#errorOf(errno));
  }

  /** The same object each time: it is made with its stack, which costs more than the handshake. */
  #errorOf(errno: number): ErrnoError {
    return this.#errors[errno] ??= this.#sockets.errorOf(errno);
  }

  #tellFailed(): void {
    const count = this.#failed.length;
    if (count === 0) return;
    for (const slot of this.#failed.splice(0, count)) {
      const errno = -this.#descriptors[slot];
      const observer = this.#observers[slot];
      this.#freeSlot(slot);
      observer?.notSent(this.#errorOf(errno));
    }
  }

  /** Closes a handshake's socket, established or not. */
  #release(slot: number): void {
    this.#sockets.close(this.#descriptors[slot]);
    this.#watching -= this.#watched[slot];
    this.#freeSlot(slot);
  }

  #freeSlot(slot: number): void {
    this.#descriptors[slot] = NONE;
    this.#watched[slot] = 0;
    this.#observers[slot] = null;
    this.#generations[slot]++;
    this.#free.push(slot);
  }

  #newSlot(): number {
    const slot = this.#observers.length;
    this.#observers.push(null);
    if (slot === this.#descriptors.length) {
      this.#descriptors = grown(this.#descriptors, new Int32Array(2 * slot));
      this.#generations = grown(this.#generations, new Int32Array(2 * slot));
      this.#untold = grown(this.#untold, new Uint8Array(2 * slot));
      this.#watched = grown(this.#watched, new Uint8Array(2 * slot));
    }
    return slot;
  }
}

const FIRST_SLOTS = 64;

function grown<T extends Int32Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
