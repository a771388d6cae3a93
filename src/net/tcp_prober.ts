/** A probe by TCP handshake: connect, ask the kernel what it measured, close. */
import { outcomeOfErrno } from "../domain/outcome.ts";
import { NONE, type ProbeRecord } from "../domain/probe_record.ts";
import type { Endpoint } from "../domain/target.ts";
import { errnoName } from "../kernel/errno.ts";
import { messageOf } from "../text/quote.ts";
import type { Clock } from "../time/clock.ts";
import { Deadline, Deadlines } from "../time/deadlines.ts";
import type { Connector, HandshakeObserver, HandshakeSample } from "./connector.ts";
import type { ClockChoice, PendingProbe, Prober } from "./prober.ts";

/** A reset as the answer to a SYN is ECONNREFUSED: this one came after the handshake. */
const RESET_ONCE_ESTABLISHED = "ECONNRESET";
/**
 * The runtime saw neither an error nor a peer, and closed the socket. Linux reports an ICMP error a
 * moment before it says which one, or the target reset what was just established. Which of the two
 * is lost, so the handshake is made once more.
 */
const NOT_TOLD = "ENOTCONN";

/** A handshake under way; used again when it has ended. */
class Flight implements HandshakeObserver {
  readonly deadline: Deadline<Flight> = new Deadline<Flight>(this);
  endpoint!: Endpoint;
  pending!: PendingProbe;
  sentMs = 0;
  /** The connector's, while it is under way. */
  handle = NONE;
  /** Whether it was made once more already. */
  again = false;
  #ends: FlightEnds;

  constructor(ends: FlightEnds) {
    this.#ends = ends;
  }

  established(sample: HandshakeSample): void {
    this.#ends.established(this, sample);
  }

  failed(error: unknown): void {
    this.#ends.failed(this, error);
  }

  notSent(error: unknown): void {
    this.#ends.notSent(this, error);
  }
}

/** What a flight's end leads to. */
interface FlightEnds {
  established(flight: Flight, sample: HandshakeSample): void;
  failed(flight: Flight, error: unknown): void;
  notSent(flight: Flight, error: unknown): void;
}

const NO_SAMPLE: HandshakeSample = { rttUs: NONE, synRetransmits: NONE };

export class TcpProber implements Prober {
  #connector: Connector;
  #clock: Clock;
  #timeoutUs: number;
  #choice: ClockChoice;
  #deadlines: Deadlines<Flight>;
  /** Flights that have ended: only as many are made as were ever under way at once. */
  #spare: Flight[] = [];
  #ends: FlightEnds = {
    established: (flight, sample) => this.#connected(flight, sample),
    failed: (flight, error) => this.#failed(flight, error),
    notSent: (flight, error) => this.#notSent(flight, error),
  };

  constructor(connector: Connector, clock: Clock, timeoutMs: number, choice: ClockChoice) {
    this.#connector = connector;
    this.#clock = clock;
    this.#timeoutUs = timeoutMs * 1000;
    this.#choice = choice;
    this.#deadlines = new Deadlines(clock, timeoutMs, (flight) => this.#expired(flight));
  }

  get sendsATurn(): number {
    return this.#connector.sendsATurn;
  }

  readAnswers(): void {
    this.#connector.readAnswers?.();
  }

  probe(endpoint: Endpoint, pending: PendingProbe): void {
    const flight = this.#spare.pop() ?? new Flight(this.#ends);
    flight.endpoint = endpoint;
    flight.pending = pending;
    flight.again = false;
    this.#begin(flight);
  }

  /** Gives up whatever is under way; those probes are never reported. */
  stop(): void {
    for (const { handle } of this.#deadlines.stop()) this.#connector.cancel(handle);
  }

  #begin(flight: Flight): void {
    flight.sentMs = this.#clock.now();
    flight.handle = this.#connector.connect(flight.endpoint, flight);
    // The deadline is set until the flight has ended.
    this.#deadlines.start(flight.sentMs, flight.deadline);
  }

  #expired(flight: Flight): void {
    // An answer that waits in the kernel, because this process was too busy to read it, is no loss.
    if (this.#connector.poll(flight.handle)) return;
    this.#connector.cancel(flight.handle);
    flight.pending.record.outcome = "timeout";
    this.#end(flight);
  }

  #connected(flight: Flight, sample: HandshakeSample): void {
    this.#deadlines.clear(flight.deadline);
    this.#established(flight.pending.record, sample, this.#microsSince(flight.sentMs));
    this.#end(flight);
  }

  #failed(flight: Flight, error: unknown): void {
    this.#deadlines.clear(flight.deadline);
    const code = errnoName(error);
    if (code === NOT_TOLD && !flight.again) {
      flight.again = true;
      this.#begin(flight);
      return;
    }
    this.#classify(flight.pending.record, code, error, this.#microsSince(flight.sentMs));
    this.#end(flight);
  }

  #notSent(flight: Flight, error: unknown): void {
    this.#deadlines.clear(flight.deadline);
    flight.pending.record.outcome = "error";
    flight.pending.record.error = messageOf(error);
    this.#end(flight);
  }

  /** The flight may be in use again before `settled` returns. */
  #end(flight: Flight): void {
    const { pending } = flight;
    this.#spare.push(flight);
    pending.settled();
  }

  #microsSince(startMs: number): number {
    return Math.max(0, Math.round((this.#clock.now() - startMs) * 1000));
  }

  #established(record: ProbeRecord, sample: HandshakeSample, connectUs: number): void {
    // A smoothed RTT of a handshake whose SYN was sent again says nothing about the wait.
    const kernel = sample.rttUs > 0 && sample.synRetransmits === 0;
    record.synRetransmits = sample.synRetransmits;
    // Established after its time, by the kernel's RTT or else by the clock: no answer within the timeout.
    if ((kernel ? sample.rttUs : connectUs) > this.#timeoutUs) {
      record.outcome = "timeout";
      return;
    }
    record.outcome = "established";
    record.connectUs = connectUs;
    if (kernel && this.#choice !== "userland") this.#rtt(record, sample.rttUs, "kernel");
    else if (this.#choice !== "kernel") this.#rtt(record, connectUs, "clock");
  }

  #classify(record: ProbeRecord, code: string, error: unknown, connectUs: number): void {
    if (code === RESET_ONCE_ESTABLISHED) return this.#established(record, NO_SAMPLE, connectUs);
    record.outcome = outcomeOfErrno(code);
    // A refusal has a connect time and no RTT.
    if (record.outcome === "refused") record.connectUs = connectUs;
    else if (record.outcome !== "timeout") record.error = messageOf(error);
  }

  #rtt(record: ProbeRecord, micros: number, source: "kernel" | "clock"): void {
    record.rttUs = micros;
    record.rttSource = source;
  }
}
