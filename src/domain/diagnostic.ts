/** What a run probes with: all else about it is the same. */

/** By TCP handshake, by ICMP echo, by a SYN that is never followed up. */
export type Diagnostic = "probe" | "ping" | "knock";
