/** The port through which a loop makes handshakes, and what a handshake leaves behind. */
import type { Endpoint } from "../domain/target.ts";

/** What the kernel knows of a handshake; NONE where it has no such thing. */
export interface HandshakeSample {
  /** SYN to SYN-ACK in µs. */
  rttUs: number;
  /** How often the SYN was sent again. */
  synRetransmits: number;
}

/** An established connection, to be closed by whoever holds it. */
export interface Connection {
  /** Writes what the kernel measured, NONE where it cannot tell. */
  sample(out: HandshakeSample): void;
  close(): void;
}

/** A handshake under way. */
export interface Attempt {
  /** Rejects with the system's error, or with any error after `cancel()`. */
  readonly connection: Promise<Connection>;
  /**
   * Whether the kernel holds an answered handshake that this process has not come to read of yet;
   * then writes what it measured. False also where the kernel cannot be asked.
   */
  answered(out: HandshakeSample): boolean;
  /**
   * Gives the attempt up and frees its socket. It may have been established in the same moment:
   * then `connection` still resolves, and must be closed.
   */
  cancel(): void;
}

export interface Connector {
  /** Sends the SYN before it returns. */
  connect(endpoint: Endpoint): Attempt;
}
