/**
 * A probe by a packet of our own and its answer: what is in flight, the kernel's times of both,
 * ICMP errors told apart from silence. Which packets, says the exchange.
 */
import { type IcmpErrorKind, type Outcome, outcomeOfIcmp } from "../domain/outcome.ts";
import { NONE, type ProbeRecord } from "../domain/probe_record.ts";
import type { Endpoint } from "../domain/target.ts";
import { ErrnoError } from "../kernel/errno.ts";
import { SO_EE_ORIGIN_ICMP, SO_EE_ORIGIN_ICMP6 } from "../kernel/linux.ts";
import type { Message } from "../kernel/message_batch.ts";
import { icmpErrorKind } from "../packet/icmp_kind.ts";
import type { Clock } from "../time/clock.ts";
import { type Deadline, Deadlines } from "../time/deadlines.ts";
import { addressText } from "../domain/address.ts";
import type { Answer, Exchange, Request } from "./exchange.ts";
import type { ClockChoice, PendingProbe, Prober } from "./prober.ts";
import { StampBook } from "./stamp_book.ts";

/** The exchange of a family, or why there is none. */
export type Side = Exchange | string;

/** The wall clock, which the kernel's stamps are of, reads whole milliseconds: beyond this it was stepped. */
const STEP_MS = 2;
/** How often the two clocks are read anew when something came between. */
const MAX_READINGS = 3;
/** How much longer the kernel's span may seem than the clock's around it: the clocks' own steering. */
const SLACK_US = 100;

const OVERFLOWED = "this host was too busy to take all answers";

/** A probe under way. */
interface Flight extends Request {
  readonly record: ProbeRecord;
  readonly side: FamilySide;
  readonly sentMs: number;
  /** Wall minus monotonic clock when it was sent. */
  readonly wallOffsetMs: number;
  /** The kernel's time of sending; NaN until it has told. */
  leftUs: number;
  deadline: Deadline<Flight> | null;
  readonly resolve: () => void;
}

/** What came that no probe waited for. */
export interface Strays {
  /** Answers that came twice, or after their time, or to somebody else. */
  answers: number;
}

export class PacketProber implements Prober {
  readonly strays: Strays = { answers: 0 };
  #clock: Clock;
  #timeoutUs: number;
  #choice: ClockChoice;
  #deadlines: Deadlines<Flight>;
  #sides: Readonly<Record<4 | 6, FamilySide | string>>;

  /** `sides` by address family; each watches its socket from now on. */
  constructor(
    sides: Readonly<Record<4 | 6, Side>>,
    clock: Clock,
    timeoutMs: number,
    choice: ClockChoice,
  ) {
    this.#clock = clock;
    this.#timeoutUs = timeoutMs * 1000;
    this.#choice = choice;
    this.#deadlines = new Deadlines(clock, timeoutMs, (flight) => this.#expire(flight));
    const sideOf = (side: Side) =>
      typeof side === "string" ? side : new FamilySide(side, this.strays, {
        answered: (flight, outcome, stampUs) => this.#answered(flight, outcome, stampUs),
        returned: (flight, kind, error) => this.#returned(flight, kind, error),
      });
    this.#sides = { 4: sideOf(sides[4]), 6: sideOf(sides[6]) };
  }

  probe(endpoint: Endpoint, pending: PendingProbe): void {
    const { record } = pending;
    // Later, since answers are told while the socket's messages are being read.
    const resolve = () => queueMicrotask(() => pending.settled());
    const side = this.#sides[endpoint.family];
    const key = typeof side === "string" ? NONE : side.nextKey();
    if (typeof side === "string" || key === NONE) {
      record.outcome = "error";
      record.error = typeof side === "string" ? side : "too many probes under way";
      return resolve();
    }
    const wallOffsetMs = wallOffset(this.#clock);
    const now = this.#clock.now();
    const flight: Flight = {
      endpoint,
      key,
      nonce: 0,
      record,
      side,
      sentMs: now,
      wallOffsetMs,
      leftUs: NaN,
      deadline: null,
      resolve,
    };
    const errno = side.send(flight);
    if (errno !== 0) return this.#refused(flight, errno);
    flight.deadline = this.#deadlines.set(now, flight);
    side.afterSend();
  }

  remarks(): readonly string[] {
    const { answers } = this.strays;
    if (answers === 0) return [];
    const came = answers === 1 ? "1 answer came" : `${answers} answers came`;
    return [`${came} twice, too late, or to nobody here`];
  }

  /** Gives up whatever is under way, and the sockets; those probes are never reported. */
  stop(): void {
    this.#deadlines.stop();
    for (const side of [this.#sides[4], this.#sides[6]]) {
      if (typeof side !== "string") side.close();
    }
  }

  /** The system did not send it. */
  #refused({ record, resolve }: Flight, errno: number): void {
    record.outcome = "error";
    record.error = new ErrnoError("send", errno).message;
    resolve();
  }

  #expire(flight: Flight): void {
    // The answer may lie in the socket, when this process was not scheduled for a while.
    flight.side.drain();
    if (!flight.side.has(flight)) return;
    // Whether the network lost it, nobody knows.
    if (flight.side.overflowedSince(flight.sentMs, this.#clock.now())) {
      this.#end(flight, "error", OVERFLOWED);
    } else this.#end(flight, "timeout", null);
  }

  #answered(flight: Flight, outcome: "established" | "refused", stampUs: number): void {
    const { record } = flight;
    const connectUs = Math.max(0, Math.round((this.#clock.now() - flight.sentMs) * 1000));
    const kernelUs = this.#kernelUs(flight, stampUs, connectUs);
    // Answered after its time, by whichever clock knows better.
    if ((kernelUs === NONE ? connectUs : kernelUs) > this.#timeoutUs) {
      return this.#end(flight, "timeout", null);
    }
    record.connectUs = connectUs;
    // A refusal has a connect time and no RTT.
    if (outcome === "refused") return this.#end(flight, outcome, null);
    if (kernelUs !== NONE && this.#choice !== "userland") {
      record.rttUs = kernelUs;
      record.rttSource = "kernel";
    } else if (this.#choice !== "kernel") {
      record.rttUs = connectUs;
      record.rttSource = "clock";
    }
    this.#end(flight, outcome, null);
  }

  /** An ICMP error came back. */
  #returned(flight: Flight, kind: IcmpErrorKind, error: string): void {
    const outcome = outcomeOfIcmp(kind);
    if (outcome === "refused") {
      flight.record.connectUs = Math.max(0, Math.round((this.#clock.now() - flight.sentMs) * 1000));
    }
    this.#end(flight, outcome, error);
  }

  /** From the kernel's one stamp to the other in whole µs; NONE where one is missing or not to be believed. */
  #kernelUs(flight: Flight, stampUs: number, connectUs: number): number {
    const us = Math.round(stampUs - flight.leftUs);
    const offsetMs = wallOffset(this.#clock);
    const stepped = Math.abs(offsetMs - flight.wallOffsetMs) > STEP_MS;
    return stepped || !(us >= 0 && us <= connectUs + SLACK_US) ? NONE : us;
  }

  #end(flight: Flight, outcome: Outcome, error: string | null): void {
    flight.side.delete(flight);
    if (flight.deadline !== null) this.#deadlines.clear(flight.deadline);
    flight.record.outcome = outcome;
    flight.record.error = error;
    flight.resolve();
  }
}

/** Wall minus monotonic clock, both read at one moment if this process is let. */
function wallOffset(clock: Clock): number {
  for (let readings = 1;; readings++) {
    const before = clock.now();
    const wall = clock.wall();
    const after = clock.now();
    if (after - before < STEP_MS / 2 || readings === MAX_READINGS) return wall - after;
  }
}

/** What a side tells its prober. */
interface Verdicts {
  answered(flight: Flight, outcome: "established" | "refused", stampUs: number): void;
  returned(flight: Flight, kind: IcmpErrorKind, error: string): void;
}

/** The probes under way in one address family, behind one socket. */
class FamilySide {
  #exchange: Exchange;
  #flights = new Map<number, Flight>();
  #stamps = new StampBook<Flight>();
  #answer: Answer = { key: NONE, outcome: "established" };
  #strays: Strays;
  #verdicts: Verdicts;
  #overflowed = 0;
  /** When more of them was last found out. */
  #overflowedMs = -Infinity;
  #taken = (key: number) => this.#flights.has(key);

  constructor(exchange: Exchange, strays: Strays, verdicts: Verdicts) {
    this.#exchange = exchange;
    this.#strays = strays;
    this.#verdicts = verdicts;
    exchange.socket.watch({
      received: (message) => this.#received(message),
      returned: (message) => this.#returned(message),
      left: (ordinal, stampUs) => {
        const flight = this.#stamps.take(ordinal);
        if (flight !== null) flight.leftUs = stampUs;
      },
    });
  }

  nextKey(): number {
    return this.#exchange.nextKey(this.#taken);
  }

  send(flight: Flight): number {
    flight.record.synRetransmits = this.#exchange.synRetransmits;
    const errno = this.#exchange.send(flight, flight.record.seq);
    if (errno !== 0) this.#stamps.failed();
    else {
      this.#stamps.sent(flight);
      this.#flights.set(flight.key, flight);
    }
    return errno;
  }

  /** The kernel's time of a packet is there as a rule when the send returns, and is of no other packet. */
  afterSend(): void {
    this.#exchange.socket.drainErrors();
  }

  drain(): void {
    this.#exchange.socket.drain();
  }

  has(flight: Flight): boolean {
    return this.#flights.get(flight.key) === flight;
  }

  delete(flight: Flight): void {
    this.#flights.delete(flight.key);
  }

  /** Whether answers were lost here after a moment; `nowMs` is when that is asked. */
  overflowedSince(sentMs: number, nowMs: number): boolean {
    const overflowed = this.#exchange.socket.overflowed();
    if (overflowed !== this.#overflowed) this.#overflowedMs = nowMs;
    this.#overflowed = overflowed;
    return sentMs <= this.#overflowedMs;
  }

  close(): void {
    this.#flights.clear();
    this.#exchange.close();
  }

  #received(message: Message): void {
    const answer = this.#answer;
    if (!this.#exchange.read(message, answer)) return;
    const flight = this.#flights.get(answer.key);
    if (flight === undefined || !this.#exchange.matches(message, flight)) this.#strays.answers++;
    else this.#verdicts.answered(flight, answer.outcome, message.stampUs);
  }

  #returned(message: Message): void {
    if (message.origin !== SO_EE_ORIGIN_ICMP && message.origin !== SO_EE_ORIGIN_ICMP6) return;
    const family = message.origin === SO_EE_ORIGIN_ICMP ? 4 : 6;
    const kind = icmpErrorKind(family, message.type, message.code);
    const flight = this.#flights.get(this.#exchange.readQuoted(message));
    if (kind === null || flight === undefined || !this.#exchange.matches(message, flight)) return;
    const from = message.offenderAt < 0
      ? ""
      : ` from ${addressText(message.bytes, message.offenderAt, family === 4 ? 4 : 16)}`;
    const mtu = kind === "packet too big" && message.info > 0 ? `, MTU ${message.info}` : "";
    this.#verdicts.returned(flight, kind, `${kind}${from}${mtu}`);
  }
}
