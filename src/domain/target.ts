/** What the user named, and the address it became. */

/** A label: its key and its value, in the order given. */
export type Label = readonly [key: string, value: string];

/** What the user named; never changes during a run. */
export interface Target {
  /** The label under which results appear; the user's text where none was given. */
  readonly name: string;
  /** Host name or IP literal, without brackets. */
  readonly host: string;
  /** NO_PORT, which is 0, where there is none. */
  readonly port: number;
  /** Availability zone. */
  readonly az: string;
  /** What else was said of it, in the order given. */
  readonly labels: readonly Label[];
  /**
   * What stands for its members, which are probed in its place and followed as they change: an SRV
   * name (`host` is the service's name), or a name of which each address is a target.
   */
  readonly standsFor?: "srv" | "addresses";
}

/** The port of a target that has none, as for ICMP. */
export const NO_PORT = 0;

/** The availability zone of a target that was given none. */
export const DEFAULT_AZ = "default";

/** An IP literal with a port: what a handshake is made with. */
export interface Endpoint {
  /** The literal as it is shown and dialled, with its zone where it has one. */
  readonly address: string;
  /** Its address family. */
  readonly family: 4 | 6;
  /** The address in network byte order: 4 or 16 bytes. */
  readonly bytes: Uint8Array;
  /** NO_PORT, which is 0, where there is none. */
  readonly port: number;
}

/** The key under which a target is the same one after a reload. */
export function targetKey(target: Target): string {
  let key = `${target.name}\u0000${target.host}\u0000${target.port}\u0000${target.az}`;
  for (const [name, value] of target.labels) key += `\u0000${name}=${value}`;
  return key;
}

/** The target's name with what was probed, unless they are the same: `db (10.0.0.5:5432)`. */
export function targetTitle(target: Target, address = ""): string {
  const probed = hostPort(address === "" ? target.host : address, target.port);
  return target.name === probed ? probed : `${target.name} (${probed})`;
}

/**
 * The key of a target's series at a receiver. Two targets with the same key would be one series.
 */
export function seriesKey({ name, az, labels }: Target): string {
  let series = `${name}\u0000${az}`;
  // The order of labels is no difference. Most targets have one or none, and there may be many targets.
  const sorted = labels.length < 2 ? labels : labels.toSorted(([a], [b]) => a < b ? -1 : 1);
  for (const [key, value] of sorted) series += `\u0000${key}=${value}`;
  return series;
}

/** Says that two targets are the same one, or one series to `receiver`. */
export function sameSeries(one: Target, other: Target, receiver = "every receiver"): string {
  const name = JSON.stringify(other.name);
  if (targetKey(one) === targetKey(other)) return `target ${name} is given twice`;
  const [first, second] = [one, other].map(({ host, port }) => hostPort(host, port));
  return `${first} and ${second} are both ${name}, one series to ${receiver}: ` +
    "give one of them another name";
}

/** `host:port`, with brackets around an IPv6 literal; the host alone where there is no port. */
export function hostPort(host: string, port: number): string {
  if (port === NO_PORT) return host;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
