/** The bounds on what the peers of an HTTP server may make it hold, and for how long. */

/** What one server lets its peers use up. */
export interface HttpLimits {
  /** Connections at once. For a further one, the one with the least claim is ended (http_places.ts). */
  readonly connections: number;
  /** The request line and the headers, in bytes. */
  readonly headBytes: number;
  /** From accepting to the end of the head. */
  readonly headMs: number;
  /** For one piece of a response to be taken by the peer, as far as the kernel does not hold it. */
  readonly writeMs: number;
  /** For all of a response. */
  readonly responseMs: number;
  /** How long, and for how many bytes, a peer that still sends is listened to after its response. */
  readonly lingerMs: number;
  readonly lingerBytes: number;
  /** Whether POST is a method too; its body is not read. */
  readonly posts?: boolean;
}

export const HTTP_LIMITS: HttpLimits = {
  connections: 2048,
  headBytes: 8192,
  headMs: 5000,
  writeMs: 10_000,
  responseMs: 60_000,
  lingerMs: 1000,
  lingerBytes: 64 * 1024,
};

/** The share of a process's descriptors that connections may take, and what they have at least. */
const DESCRIPTOR_SHARE = 1 / 4;
const FEWEST_CONNECTIONS = 16;

/** The usual limits in a process of so many descriptors; null where the system does not tell. */
export function httpLimits(descriptors: number | null): HttpLimits {
  const share = Math.floor((descriptors ?? Infinity) * DESCRIPTOR_SHARE);
  const connections = Math.min(HTTP_LIMITS.connections, Math.max(FEWEST_CONNECTIONS, share));
  return { ...HTTP_LIMITS, connections };
}
