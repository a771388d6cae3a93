/** Ranges and defaults that the command line's options and a program's have in common. */

const HOUR_MS = 3_600_000;

/** A run, in ms. */
export const MAX_DURATION_MS = 1000 * HOUR_MS;
/** Between two probes of a target, in ms. */
export const MAX_INTERVAL_MS = 24 * HOUR_MS;
export const DEFAULT_INTERVAL_MS = 1000;
/** Between two readings of this machine's connections, in ms. */
export const MIN_READING_MS = 100;
export const MAX_READING_MS = HOUR_MS;
/** How long a probe may go unanswered, in ms; and a probe of a trace. */
export const MAX_TIMEOUT_MS = 60_000;
export const DEFAULT_TIMEOUT_MS = 5000;
export const DEFAULT_HOP_TIMEOUT_MS = 1000;
/** Probes of a target, rounds of a trace, reports. */
export const MAX_COUNT = 2 ** 31 - 1;
/** Failures in a row after which a name is resolved again. */
export const MAX_RESOLVE_AFTER = 1_000_000;
export const DEFAULT_RESOLVE_AFTER = 5;
/** Probes under way at once. */
export const MAX_IN_FLIGHT = 1_000_000;
/** TTL or hop limit. */
export const MAX_HOPS = 255;
export const DEFAULT_MAX_HOPS = 30;
export const MAX_PORT = 65_535;
/** Flows of a trace, and its probes of each flow to each hop. */
export const MAX_FLOWS = 64;
export const MAX_QUERIES = 10;
export const DEFAULT_QUERIES = 3;
/** A probe's whole IP packet. */
export const MIN_PACKET_BYTES = 28;
export const MAX_PACKET_BYTES = 65_535;
/** Groups of connections shown by themselves. */
export const MAX_TOP = 1000;
export const DEFAULT_TOP = 8;
/** Connections that wait to be accepted. */
export const DEFAULT_BACKLOG = 4096;
/** The payload of an echo. With the 8 bytes of the ICMP header it makes ping's usual 64. */
export const DEFAULT_ECHO_BYTES = 56;
/** RFC 791: 65,535 bytes with the IP header (20) and the echo's own (8, RFC 792). */
export const MAX_ECHO_BYTES = 65_535 - 20 - 8;
