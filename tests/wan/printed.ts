/** What the tests read of the program's JSON: the fields that its lines have in common. */

/** Of a line of wire-probe.probe.v1. */
export interface ProbeFigures {
  readonly seq: number;
  readonly outcome: string;
  readonly rtt_ms: number | null;
  readonly rtt_source: string | null;
  readonly connect_ms: number | null;
  readonly syn_retransmits: number | null;
  readonly cold: boolean;
}

/** Of a window or a summary. */
export interface Counts {
  readonly sent: number;
  readonly answered: number;
  readonly refused: number;
  readonly lost: number;
  readonly not_sent: number;
  readonly skipped: number;
  readonly syn_retransmits: number | null;
}
