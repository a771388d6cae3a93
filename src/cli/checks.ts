/** Checks that the options of several commands have in common; each throws UsageError with the line to show. */
import { quote } from "../text/quote.ts";
import { UsageError } from "../domain/exit.ts";
import { type Endpoint, type Target, targetKey } from "../domain/target.ts";
import { literalEndpoint } from "../domain/address.ts";
import type { Family } from "../net/resolver.ts";

interface AddressingValues {
  readonly ipv4: boolean;
  readonly ipv6: boolean;
  readonly source: string | null;
}

/** The address family and the source address. A source's family applies to the targets too. */
export function addressing(
  { ipv4, ipv6, source: text }: AddressingValues,
): { family: Family; source: Endpoint | null } {
  if (ipv4 && ipv6) throw new UsageError("-4 and -6 exclude each other");
  const asked = ipv4 ? 4 : ipv6 ? 6 : 0;
  const source = text === null ? null : sourceAddress(text, asked);
  return { family: source?.family ?? asked, source };
}

export function noTwice(targets: readonly Target[]): void {
  const seen = new Set<string>();
  for (const target of targets) {
    const key = targetKey(target);
    if (seen.has(key)) throw new UsageError(`target ${quote(target.name)} is given twice`);
    seen.add(key);
  }
}

export function checkFamily(host: string, family: Family, name: string): void {
  const literal = literalEndpoint(host, 1);
  if (family !== 0 && literal !== null && literal.family !== family) {
    throw new UsageError(
      `${quote(name)} is not an IPv${family} address, which is what is asked for`,
    );
  }
}

function sourceAddress(text: string, family: Family): Endpoint {
  const source = literalEndpoint(text, 0);
  if (source === null) {
    throw new UsageError(`--source ${quote(text)}: wants an IP address of this machine`);
  }
  checkFamily(text, family, text);
  return source;
}

export function bindAddresses(given: readonly string[]): string[] {
  for (const address of given) {
    if (literalEndpoint(address, 0) === null) {
      throw new UsageError(`--bind ${quote(address)}: wants an IP address of this machine`);
    }
  }
  return [...new Set(given)];
}

export function noOperands(command: string, operands: readonly string[]): void {
  if (operands.length === 0) return;
  throw new UsageError(`'${command}' takes no arguments, but got ${quote(operands[0])}`);
}

/** The one operand that a command may have, if it is there. */
export function oneOperand(command: string, operands: readonly string[]): string | undefined {
  if (operands.length <= 1) return operands[0];
  throw new UsageError(`'${command}' takes one argument, but got also ${quote(operands[1])}`);
}
