/**
 * A probe by a packet of our own and its answer: what is in flight, the kernel's times of both,
 * ICMP errors told apart from silence. The exchange defines the packets.
 */
import { type IcmpErrorKind, type Outcome, outcomeOfIcmp } from "../domain/outcome.ts";
import { NONE, type ProbeRecord } from "../domain/probe_record.ts";
import type { Endpoint } from "../domain/target.ts";
import { ErrnoError } from "../kernel/errno.ts";
import type { Message } from "../kernel/message_batch.ts";
import type { Clock } from "../time/clock.ts";
import { type Deadline, Deadlines } from "../time/deadlines.ts";
import { addressText } from "../domain/address.ts";
import type { Exchange } from "./exchange.ts";
import { type Flight, PacketLink } from "./packet_link.ts";
import type { ClockChoice, PendingProbe, Prober } from "./prober.ts";
import { clockUs, kernelUs, wallOffset } from "./round_trip.ts";

/** The exchange of a family, or why there is none. */
export type ExchangeOrReason = Exchange | string;

const OVERFLOWED = "this host was too busy to take all answers";

/** A probe under way. */
interface ProbeFlight extends Flight {
  readonly record: ProbeRecord;
  readonly link: PacketLink<ProbeFlight>;
  deadline: Deadline<ProbeFlight> | null;
  readonly resolve: () => void;
}

export class PacketProber implements Prober {
  /** Answers that came twice, or after their time, or to somebody else. */
  unmatched = 0;
  #clock: Clock;
  #timeoutUs: number;
  #choice: ClockChoice;
  #deadlines: Deadlines<ProbeFlight>;
  #links: Readonly<Record<4 | 6, PacketLink<ProbeFlight> | string>>;
  #moreRemarks: () => readonly string[];

  /** The exchanges by address family; the socket of each is watched from now on. */
  constructor(
    exchanges: Readonly<Record<4 | 6, ExchangeOrReason>>,
    clock: Clock,
    timeoutMs: number,
    choice: ClockChoice,
    moreRemarks: () => readonly string[] = () => [],
  ) {
    this.#clock = clock;
    this.#timeoutUs = timeoutMs * 1000;
    this.#choice = choice;
    this.#moreRemarks = moreRemarks;
    this.#deadlines = new Deadlines(clock, timeoutMs, (flight) => this.#expire(flight));
    const linkOf = (exchange: ExchangeOrReason) =>
      typeof exchange === "string" ? exchange : new PacketLink<ProbeFlight>(exchange, {
        answered: (flight, { outcome }, message) =>
          this.#answered(flight, outcome, message.stampUs),
        returned: (flight, kind, message) => this.#returned(flight, kind, message),
        unmatched: () => this.unmatched++,
      });
    this.#links = { 4: linkOf(exchanges[4]), 6: linkOf(exchanges[6]) };
  }

  probe(endpoint: Endpoint, pending: PendingProbe): void {
    const { record } = pending;
    // Later, since answers are told while the socket's messages are being read.
    const resolve = () => queueMicrotask(() => pending.settled());
    const link = this.#links[endpoint.family];
    const key = typeof link === "string" ? NONE : link.nextKey();
    if (typeof link === "string" || key === NONE) {
      record.outcome = "error";
      record.error = typeof link === "string" ? link : "too many probes under way";
      return resolve();
    }
    record.synRetransmits = link.exchange.synRetransmits;
    const flight: ProbeFlight = {
      endpoint,
      key,
      nonce: 0,
      hops: 0,
      wantedBytes: 0,
      sentBytes: 0,
      record,
      link,
      wallOffsetMs: wallOffset(this.#clock),
      sentMs: this.#clock.now(),
      leftUs: NaN,
      deadline: null,
      resolve,
    };
    const errno = link.send(flight, record.seq);
    if (errno !== 0) return this.#refused(flight, errno);
    flight.deadline = this.#deadlines.set(flight.sentMs, flight);
  }

  remarks(): readonly string[] {
    const { unmatched } = this;
    const came = unmatched === 1 ? "1 answer came" : `${unmatched} answers came`;
    const remark = unmatched === 0 ? [] : [`${came} twice, too late, or to nobody here`];
    return [...remark, ...this.#moreRemarks()];
  }

  /** Gives up whatever is under way, and the sockets; those probes are never reported. */
  stop(): void {
    this.#deadlines.stop();
    for (const link of [this.#links[4], this.#links[6]]) {
      if (typeof link !== "string") link.close();
    }
  }

  /** The system did not send it. */
  #refused({ record, resolve }: ProbeFlight, errno: number): void {
    record.outcome = "error";
    record.error = new ErrnoError("send", errno).message;
    resolve();
  }

  #expire(flight: ProbeFlight): void {
    // The answer may still be unread, if this process was not scheduled for a while.
    flight.link.drain();
    if (!flight.link.has(flight)) return;
    // The socket dropped packets meanwhile: the answer may have been one of them.
    if (flight.link.overflowedSince(flight.sentMs, this.#clock.now())) {
      this.#end(flight, "error", OVERFLOWED);
    } else this.#end(flight, "timeout", null);
  }

  #answered(flight: ProbeFlight, outcome: "established" | "refused", stampUs: number): void {
    const { record } = flight;
    const connectUs = clockUs(flight, this.#clock);
    const rttUs = kernelUs(flight, stampUs, connectUs, this.#clock);
    // Answered after its time: by the kernel's stamps, or by this process's clock where they are missing.
    if ((rttUs === NONE ? connectUs : rttUs) > this.#timeoutUs) {
      return this.#end(flight, "timeout", null);
    }
    record.connectUs = connectUs;
    // A refusal has a connect time and no RTT.
    if (outcome === "refused") return this.#end(flight, outcome, null);
    if (rttUs !== NONE && this.#choice !== "userland") {
      record.rttUs = rttUs;
      record.rttSource = "kernel";
    } else if (this.#choice !== "kernel") {
      record.rttUs = connectUs;
      record.rttSource = "clock";
    }
    this.#end(flight, outcome, null);
  }

  /** An ICMP error came back. */
  #returned(flight: ProbeFlight, kind: IcmpErrorKind, message: Message): void {
    const outcome = outcomeOfIcmp(kind);
    if (outcome === "refused") flight.record.connectUs = clockUs(flight, this.#clock);
    this.#end(flight, outcome, errorText(kind, message));
  }

  #end(flight: ProbeFlight, outcome: Outcome, error: string | null): void {
    flight.link.delete(flight);
    if (flight.deadline !== null) this.#deadlines.clear(flight.deadline);
    flight.record.outcome = outcome;
    flight.record.error = error;
    flight.resolve();
  }
}

/** What an ICMP error says, from whom, and the MTU that it names. */
function errorText(kind: IcmpErrorKind, message: Message): string {
  const { bytes, offenderAt, offenderBytes, info } = message;
  const from = offenderAt < 0 ? "" : ` from ${addressText(bytes, offenderAt, offenderBytes)}`;
  const mtu = kind === "packet too big" && info > 0 ? `, MTU ${info}` : "";
  return `${kind}${from}${mtu}`;
}
