/** Checks that the options of several commands have in common; each throws UsageError with the line to show. */
import { quote } from "../text/quote.ts";
import { UsageError } from "../domain/exit.ts";
import { type Endpoint, hostPort, type Target } from "../domain/target.ts";
import { sameSeries, seriesKey } from "../domain/target.ts";
import { redacted } from "../input/connection_text.ts";
import {
  checkedZone,
  checkFamily,
  parseTargetText,
  type TargetDefaults,
} from "../input/target_text.ts";
import { literalEndpoint, unmapped } from "../domain/address.ts";
import type { Family } from "../net/resolver.ts";

interface AddressingValues {
  readonly ipv4: boolean;
  readonly ipv6: boolean;
  readonly source: string | null;
  /** An interface's name, or an address in its place. */
  readonly interface?: string | null;
}

/** The address family and the source address. A source's family applies to the targets too. */
export function addressing(
  { ipv4, ipv6, source: text, interface: where = null }: AddressingValues,
): { family: Family; source: Endpoint | null; device: string | null } {
  if (ipv4 && ipv6) throw new UsageError("-4 and -6 exclude each other");
  const asked = ipv4 ? 4 : ipv6 ? 6 : 0;
  // As in ping: an address in the place of an interface's name.
  const address = where !== null && literalEndpoint(where, 0) !== null;
  const given = text ?? (address ? where : null);
  const source = given === null ? null : sourceAddress(given, asked);
  const device = where === null || address ? null : interfaceName(where);
  return { family: source?.family ?? asked, source, device };
}

/** IFNAMSIZ of <net/if.h>, less its end. */
const INTERFACE_NAME = /^[^\s/]{1,15}$/;

function interfaceName(text: string): string {
  if (INTERFACE_NAME.test(text)) return text;
  throw new UsageError(
    `--interface ${quote(redacted(text))}: wants an interface's name, such as eth0`,
  );
}

/** `HOST PORT`, as nc and telnet have it, is `HOST:PORT`; all else stays. */
export function hostAndPort(operands: readonly string[]): readonly string[] {
  const [host, port] = operands;
  const pair = operands.length === 2 && /^[0-9]{1,5}$/.test(port) &&
    (!/[:/]/.test(host) || literalEndpoint(host, 1) !== null);
  return pair ? [hostPort(host, Number(port))] : operands;
}

/** The targets of operands; `port` is for those that name none. */
export function operandTargets(
  operands: readonly string[],
  port: number | null,
  defaults: TargetDefaults,
): Target[] {
  const given = port === null ? defaults : { ...defaults, port };
  const targets = hostAndPort(operands).flatMap((text) => parseTargetText(text, given));
  distinct(targets);
  return targets;
}

/** Refuses targets that are given twice, and those that would be one series to a receiver. */
export function distinct(targets: readonly Target[]): void {
  const seen = new Map<string, Target>();
  for (const target of targets) {
    const key = seriesKey(target);
    const earlier = seen.get(key);
    if (earlier !== undefined) throw new UsageError(sameSeries(earlier, target));
    seen.set(key, target);
  }
}

function sourceAddress(text: string, family: Family): Endpoint {
  const source = literalEndpoint(unmapped(text), 0);
  if (source === null) {
    throw new UsageError(
      `--source ${quote(redacted(text))}: wants an IP address of this machine; ` +
        "an interface is --interface NAME",
    );
  }
  checkedZone(text, `--source ${quote(redacted(text))}`);
  checkFamily(source.address, family, text);
  return source;
}

export function bindAddresses(given: readonly string[], option = "--bind"): string[] {
  for (const address of given) {
    if (literalEndpoint(address, 0) === null) {
      throw new UsageError(
        `${option} ${quote(redacted(address))}: wants an IP address of this machine`,
      );
    }
  }
  return [...new Set(given)];
}

export function noOperands(command: string, operands: readonly string[]): void {
  if (operands.length === 0) return;
  throw new UsageError(`'${command}' takes no arguments, but got ${quote(redacted(operands[0]))}`);
}

/** The one operand that a command may have, if it is there. */
export function oneOperand(command: string, operands: readonly string[]): string | undefined {
  if (operands.length <= 1) return operands[0];
  throw new UsageError(
    `'${command}' takes one argument, but got also ${quote(redacted(operands[1]))}`,
  );
}
