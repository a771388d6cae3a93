/** Which node of the nodes file this machine is. Pure. */
import { redacted } from "../input/connection_text.ts";
import { listText } from "../text/words.ts";
import { quote } from "../text/quote.ts";
import { UsageError } from "../domain/exit.ts";
import { addressText, literalEndpoint } from "../domain/address.ts";
import type { NodeEntry } from "../input/nodes_file.ts";

/** What is known of this machine. */
export interface Machine {
  /** What the user says; null for nothing. */
  readonly node: string | null;
  /** This machine's addresses, 4 or 16 bytes each. */
  readonly addresses: readonly Uint8Array[];
  readonly hostName: string;
}

/** How many names or addresses a message shows. */
const MAX_SHOWN = 8;

/** Throws UsageError, its one line with what was tried and the names there are to choose from. */
export function ownNode(entries: readonly NodeEntry[], machine: Machine, file: string): NodeEntry {
  if (machine.node !== null) return byName(entries, machine.node, file);
  const byAddress = entries.filter((entry) => hasAddress(entry, machine.addresses));
  if (byAddress.length === 1) return byAddress[0];
  const among = byAddress.length > 1 ? byAddress : entries;
  const named = among.filter((entry) => hasName(entry, machine.hostName));
  if (named.length === 1) return named[0];
  const choices = named.length > 1 ? named : among;
  throw new UsageError(
    `${file}: ${why(byAddress, named, machine)}; --name wants one of ${shown(choices)}`,
  );
}

function byName(entries: readonly NodeEntry[], name: string, file: string): NodeEntry {
  const found = entries.find(({ target }) => target.name === name);
  if (found !== undefined) return found;
  throw new UsageError(
    `--name ${quote(redacted(name))}: no such node in ${file}, which has ${shown(entries)}`,
  );
}

function why(
  byAddress: readonly NodeEntry[],
  named: readonly NodeEntry[],
  { addresses, hostName }: Machine,
): string {
  if (byAddress.length > 1) return `${byAddress.length} nodes have an address of this machine`;
  if (named.length > 1) return `${named.length} nodes go by the name of this machine`;
  const texts = addresses.map((bytes) => addressText(bytes));
  const tried = texts.length === 0 ? "not known" : listText(texts, MAX_SHOWN, ", ");
  return `no node has an address of this machine (${tried}) or its name (${quote(hostName)})`;
}

function hasAddress({ target }: NodeEntry, addresses: readonly Uint8Array[]): boolean {
  const literal = literalEndpoint(target.host, target.port);
  return literal !== null && addresses.some((bytes) => isSame(bytes, literal.bytes));
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** A machine's name may come with its domain or without. */
function hasName({ target }: NodeEntry, hostName: string): boolean {
  const own = plain(hostName);
  return [target.name, target.host].map(plain).some((name) =>
    name === own || name === firstLabel(own) || firstLabel(name) === own && name !== ""
  );
}

function plain(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}

function firstLabel(name: string): string {
  return name.split(".")[0];
}

function shown(entries: readonly NodeEntry[]): string {
  return entries.length === 0
    ? "none"
    : listText(entries.map(({ target }) => quote(target.name)), MAX_SHOWN, ", ");
}
