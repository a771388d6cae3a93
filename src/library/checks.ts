/** Checks of what a program asks for: each throws UsageError that names the option and what it wants. */
import { literalEndpoint, unmapped } from "../domain/address.ts";
import { SystemError, UsageError } from "../domain/exit.ts";
import type { Endpoint } from "../domain/target.ts";
import { checkFamily } from "../input/target_text.ts";
import type { Family } from "../net/resolver.ts";
import { quote } from "../text/quote.ts";

/** A number within its range, or the default where none is given. */
export function within<T>(...given: Given<T>): number | T {
  return checked(given, "a number", (value) => typeof value === "number");
}

/** The same for a whole number. */
export function whole<T>(...given: Given<T>): number | T {
  return checked(given, "a whole number", Number.isInteger);
}

type Given<T> = [name: string, value: number | undefined, least: number, most: number, usual: T];

function checked<T>(
  [name, value, least, most, usual]: Given<T>,
  wanted: string,
  isOne: (value: unknown) => boolean,
): number | T {
  if (value === undefined) return usual;
  if (isOne(value) && value >= least && value <= most) return value;
  throw new UsageError(`${name} ${value}: wants ${wanted} from ${least} to ${most}`);
}

/** An address family; 0 for either. */
function familyOf(value: 4 | 6 | undefined): Family {
  if (value === undefined) return 0;
  if (value === 4 || value === 6) return value;
  throw new UsageError(`family ${String(value)}: wants 4 or 6`);
}

/**
 * The family of targets: the one asked for, else that of the address to send from; 0 for either. Refuses
 * addresses of another one.
 */
export function familyFor(
  asked: 4 | 6 | undefined,
  source: Endpoint | null,
  hosts: readonly string[],
): Family {
  const family = familyOf(asked);
  if (source !== null) checkFamily(source.address, family, source.address);
  const wanted = source?.family ?? family;
  for (const host of hosts) checkFamily(host, wanted, host);
  return wanted;
}

/**
 * The engine's messages name options as the command line spells them; here they get the names of
 * this library.
 */
const SPELLINGS: readonly (readonly [commandLine: RegExp, here: string])[] = [
  [/^--source /, "source "],
  [/^--interface /, "interfaceName "],
  [/^--sport /, "sourcePort "],
];

/** Opens what may be refused; an option that the refusal names is named as programs spell it. */
export function opening<T>(open: () => T): T {
  try {
    return open();
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    const spell = (text: string, [commandLine, here]: (typeof SPELLINGS)[number]) =>
      text.replace(commandLine, here);
    throw new SystemError(SPELLINGS.reduce(spell, error.message));
  }
}

/** An address of this machine to send from; null where none is given. */
export function sourceOf(text: string | undefined): Endpoint | null {
  if (text === undefined) return null;
  const source = literalEndpoint(unmapped(text), 0);
  if (source !== null) return source;
  throw new UsageError(`source ${quote(text)}: wants an IP address of this machine`);
}
