/** The port through which probers make handshakes, and what a handshake leaves behind. */
import type { Endpoint } from "../domain/target.ts";

/** How a connection is closed: FIN, or RST, which leaves no TIME_WAIT behind. */
export type CloseKind = "fin" | "rst";

/** What the kernel knows of a handshake; NONE for what it does not know. */
export interface HandshakeSample {
  /** SYN to SYN-ACK in µs. */
  rttUs: number;
  /** How often the SYN was sent again. */
  synRetransmits: number;
}

/** Is told of a handshake's fate: one of the three calls, once. */
export interface HandshakeObserver {
  /** Established. The sample holds during the call; the connector closes the connection after it. */
  established(sample: HandshakeSample): void;
  /** The system's error, whose `code` tells which: an answer, an ICMP error, a timeout. */
  failed(error: unknown): void;
  /** This machine refused to send the SYN, with this error. The network was not asked. */
  notSent(error: unknown): void;
}

export interface Connector {
  /** Handshakes that may be begun in one turn of the event loop; more are better spread over several. */
  readonly sendsATurn: number;
  /**
   * Sends the SYN before it returns. The observer is told later, never during this call. Returns
   * the handshake's handle, good until its fate is told or it is cancelled.
   */
  connect(endpoint: Endpoint, observer: HandshakeObserver): number;
  /**
   * Tells the observers of all answers that the kernel holds, where they would else wait until the end of
   * this turn of the event loop.
   */
  readAnswers?(): void;
  /**
   * Asks the kernel now: true, and the observer was told, where it holds an answer that this
   * process has not come to read of yet. False also where the kernel cannot be asked.
   */
  poll(handle: number): boolean;
  /**
   * Gives the handshake up and frees its socket; its observer is told nothing more. What is
   * established in the same moment is closed.
   */
  cancel(handle: number): void;
}
