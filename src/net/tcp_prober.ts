/** A probe by TCP handshake: connect, ask the kernel what it measured, close. */
import type { Outcome } from "../domain/outcome.ts";
import { NONE, type ProbeRecord } from "../domain/probe_record.ts";
import type { Endpoint } from "../domain/target.ts";
import { messageOf } from "../text/quote.ts";
import type { Clock } from "../time/clock.ts";
import { type Deadline, Deadlines } from "../time/deadlines.ts";
import type { Attempt, Connection, Connector, HandshakeSample } from "./connector.ts";
import type { Prober } from "./prober.ts";

/** Where `rttUs` comes from: the kernel, else the clock; only the kernel; only the clock. */
export type ClockChoice = "auto" | "kernel" | "userland";

/** What the system's error codes (connect(2)) say about a handshake; the rest are `error`. */
const OUTCOME_OF_CODE: Readonly<Record<string, Outcome>> = {
  ECONNREFUSED: "refused",
  ETIMEDOUT: "timeout",
  ENETUNREACH: "unreachable",
  EHOSTUNREACH: "unreachable",
  ENETDOWN: "unreachable",
  EHOSTDOWN: "unreachable",
};

/** A reset as the answer to a SYN is ECONNREFUSED: this one came after the handshake. */
const RESET_ONCE_ESTABLISHED = "ECONNRESET";
/**
 * The runtime saw no error and then no peer either, and closed the socket: Linux tells of an ICMP
 * error a moment before it says which, or the target reset what was just established. Which of
 * them is lost, so that handshake is made once more.
 */
const NOT_TOLD = "ENOTCONN";

/** A handshake under way. */
interface Flight {
  readonly endpoint: Endpoint;
  readonly record: ProbeRecord;
  readonly resolve: () => void;
  readonly sentMs: number;
  readonly attempt: Attempt;
  /** Whether it was made once more already. */
  readonly again: boolean;
}

export class TcpProber implements Prober {
  #connector: Connector;
  #clock: Clock;
  #timeoutUs: number;
  #choice: ClockChoice;
  #deadlines: Deadlines<Flight>;
  #sample: HandshakeSample = { rttUs: NONE, synRetransmits: NONE };

  constructor(connector: Connector, clock: Clock, timeoutMs: number, choice: ClockChoice) {
    this.#connector = connector;
    this.#clock = clock;
    this.#timeoutUs = timeoutMs * 1000;
    this.#choice = choice;
    this.#deadlines = new Deadlines(clock, timeoutMs, (flight) => this.#expired(flight));
  }

  probe(endpoint: Endpoint, record: ProbeRecord): Promise<void> {
    return new Promise((resolve) => this.#begin(endpoint, record, resolve, false));
  }

  /** Gives up whatever is under way; those probes are never reported. */
  stop(): void {
    for (const { attempt } of this.#deadlines.stop()) attempt.cancel();
  }

  #begin(endpoint: Endpoint, record: ProbeRecord, resolve: () => void, again: boolean): void {
    const sentMs = this.#clock.now();
    const attempt = this.#connector.connect(endpoint);
    const flight = { endpoint, record, resolve, sentMs, attempt, again };
    // It is set for as long as anybody waits for the flight.
    const deadline = this.#deadlines.set(sentMs, flight);
    attempt.connection.then(
      (connection) => this.#connected(deadline, connection),
      (error) => this.#failed(deadline, error),
    );
  }

  #expired({ attempt, record, sentMs, resolve }: Flight): void {
    // What this process was too busy to read in time is no loss of the network's.
    if (attempt.answered(this.#sample)) this.#established(record, this.#microsSince(sentMs));
    else record.outcome = "timeout";
    attempt.cancel();
    resolve();
  }

  #connected(deadline: Deadline<Flight>, connection: Connection): void {
    if (deadline.set) {
      this.#deadlines.clear(deadline);
      const { record, sentMs, resolve } = deadline.value;
      connection.sample(this.#sample);
      this.#established(record, this.#microsSince(sentMs));
      resolve();
    }
    connection.close();
  }

  #failed(deadline: Deadline<Flight>, error: unknown): void {
    if (!deadline.set) return;
    this.#deadlines.clear(deadline);
    const { endpoint, record, resolve, sentMs, again } = deadline.value;
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (code === NOT_TOLD && !again) return this.#begin(endpoint, record, resolve, true);
    this.#classify(record, code, error, this.#microsSince(sentMs));
    resolve();
  }

  #microsSince(startMs: number): number {
    return Math.max(0, Math.round((this.#clock.now() - startMs) * 1000));
  }

  /** By what was sampled last. */
  #established(record: ProbeRecord, connectUs: number): void {
    const sample = this.#sample;
    // A smoothed RTT of a handshake whose SYN was sent again says nothing about the wait.
    const kernel = sample.rttUs > 0 && sample.synRetransmits === 0;
    record.synRetransmits = sample.synRetransmits;
    // Established after its time, by whichever clock knows better: no answer within the timeout.
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
    if (code === RESET_ONCE_ESTABLISHED) {
      this.#sample.rttUs = this.#sample.synRetransmits = NONE;
      return this.#established(record, connectUs);
    }
    record.outcome = OUTCOME_OF_CODE[code] ?? "error";
    if (record.outcome === "refused") {
      record.connectUs = connectUs;
      if (this.#choice !== "kernel") this.#rtt(record, connectUs, "clock");
    } else if (record.outcome !== "timeout") record.error = messageOf(error);
  }

  #rtt(record: ProbeRecord, micros: number, source: "kernel" | "clock"): void {
    record.rttUs = micros;
    record.rttSource = source;
  }
}
