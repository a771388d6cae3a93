/** What a program names as targets, as the engine knows them. */
import { UsageError } from "../domain/exit.ts";
import { MAX_PORT } from "../domain/limits.ts";
import { DEFAULT_AZ, hostPort, type Label, NO_PORT, type Target } from "../domain/target.ts";
import {
  checkedName,
  MAX_TARGETS,
  NO_DEFAULTS,
  parseHostPort,
  parseTargetText,
  type TargetDefaults,
} from "../input/target_text.ts";
import { whole } from "./checks.ts";

/** A host and what results call it. */
export interface HostParts {
  /** A host name or an IP address, IPv6 without brackets. */
  readonly host: string;
  /** What results call it; `host:port`, or the host, unless given. */
  readonly name?: string;
  /** Its availability zone; `default` unless given. */
  readonly az?: string;
  /** What else is known of it, for results to carry. */
  readonly labels?: readonly Label[];
}

/** A host and a port. */
export interface PortParts extends HostParts {
  /** 1 to 65,535. */
  readonly port: number;
}

/** A host where ports do not matter. */
export interface PortlessParts extends HostParts {
  /** An echo has no port. */
  readonly port?: never;
}

/**
 * What is probed, or knocked at. As text: `host:port`, `1.2.3.4:port`, `[v6]:port`, `name=host:port`, or a
 * connection string such as `postgres://user:secret@a,b/app`, of which only hosts and ports are kept.
 */
export type PortTarget = string | PortParts;

/** What is pinged. As text: a host name, an address, or `name=host`. */
export type PingTarget = string | PortlessParts;

/** One, or several. */
export type OneOrMore<T> = T | Iterable<T>;

/** Targets with ports; throws UsageError that names the one that is none. */
export function portTargets(given: OneOrMore<PortTarget>): Target[] {
  return bounded(
    listOf(given).flatMap((target) => {
      if (typeof target === "string") return parseTargetText(target, NO_DEFAULTS);
      const port = whole("port", target.port ?? NaN, 1, MAX_PORT, NO_PORT);
      return targetOf(target, parseHostPort(hostPort(target.host, port)));
    }),
  );
}

const PORTLESS: TargetDefaults = { ...NO_DEFAULTS, portless: true };

/** Targets without; throws UsageError as well. */
export function pingTargets(given: OneOrMore<PingTarget>): Target[] {
  return bounded(
    listOf(given).flatMap((target) => {
      if (typeof target === "string") return parseTargetText(target, PORTLESS);
      return parseTargetText(target.host, PORTLESS).map((parsed) => targetOf(target, parsed));
    }),
  );
}

function targetOf(
  { host: given, name, az = DEFAULT_AZ, labels = [] }: HostParts,
  { host, port }: Pick<Target, "host" | "port">,
): Target {
  const shown = name === undefined ? hostPort(host, port) : checkedName(name, given);
  return { name: shown, host, port, az, labels };
}

function listOf<T extends string | HostParts>(given: OneOrMore<T>): T[] {
  return isList(given) ? [...given] : [given];
}

function isList<T extends string | HostParts>(given: OneOrMore<T>): given is Iterable<T> {
  return typeof given === "object" && Symbol.iterator in given;
}

function bounded(targets: Target[]): Target[] {
  if (targets.length > 0 && targets.length <= MAX_TARGETS) return targets;
  throw new UsageError(`${targets.length} targets: wants 1 to ${MAX_TARGETS}`);
}
