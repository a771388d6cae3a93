/** The outcomes of a probe: a closed set, what each counts as, and which errno and ICMP error means which. */

/** What became of a probe; see `Fate` for what each counts as. */
export type Outcome =
  | "established"
  | "refused"
  | "timeout"
  | "unreachable"
  | "unresolved"
  | "error";

export const OUTCOMES: readonly Outcome[] = [
  "established",
  "refused",
  "timeout",
  "unreachable",
  "unresolved",
  "error",
];

/** A count for each outcome, all of them 0. */
export function noOutcomes(): Record<Outcome, number> {
  return { established: 0, refused: 0, timeout: 0, unreachable: 0, unresolved: 0, error: 0 };
}

/**
 * How an outcome is counted. `answered`: the target's host replied, a refusal included.
 * `lost`: sent, and no reply from the target. Its delay is undefined, not zero (RFC 2681).
 * `unsent`: the system did not send it, so it says nothing about the network.
 */
export type Fate = "answered" | "lost" | "unsent";

export function fateOf(outcome: Outcome): Fate {
  switch (outcome) {
    case "established":
    case "refused":
      return "answered";
    case "timeout":
    case "unreachable":
      return "lost";
    case "unresolved":
    case "error":
      return "unsent";
    default:
      return outcome satisfies never;
  }
}

/** What an ICMP or ICMPv6 error says, in one set for both families. */
export type IcmpErrorKind =
  | "network unreachable"
  | "host unreachable"
  | "protocol unreachable"
  | "port unreachable"
  | "packet too big"
  | "administratively prohibited"
  | "source route failed"
  | "wrong source address"
  | "ttl exceeded"
  | "reassembly time exceeded"
  | "parameter problem";

/**
 * The outcome of a probe that met an ICMP error. The same in every command, for both families. A
 * port unreachable is a refusal: the host, or a firewall in its place, answers that nothing listens.
 */
export function outcomeOfIcmp(kind: IcmpErrorKind): "refused" | "unreachable" {
  return kind === "port unreachable" ? "refused" : "unreachable";
}

/**
 * Outcomes by the errno with which a probe that was sent ended. Linux makes these of the peer's
 * answer and of ICMP errors (icmp_err_convert in net/ipv4/icmp.c, icmpv6_err_convert in
 * net/ipv6/icmp.c), so that they agree with `outcomeOfIcmp`. All others are `error`.
 */
const OUTCOME_OF_ERRNO: Readonly<Record<string, Outcome>> = {
  ECONNREFUSED: "refused",
  ETIMEDOUT: "timeout",
  EACCES: "unreachable",
  EHOSTDOWN: "unreachable",
  EHOSTUNREACH: "unreachable",
  EMSGSIZE: "unreachable",
  ENETUNREACH: "unreachable",
  ENONET: "unreachable",
  ENOPROTOOPT: "unreachable",
  EOPNOTSUPP: "unreachable",
  EPROTO: "unreachable",
};

/**
 * The outcome of a probe that was sent and ended with this errno (by its name, `EHOSTUNREACH`). A
 * probe that failed before it was sent is `error`, whatever the errno: it is counted as not sent.
 */
export function outcomeOfErrno(code: string): Outcome {
  return Object.hasOwn(OUTCOME_OF_ERRNO, code) ? OUTCOME_OF_ERRNO[code] : "error";
}
