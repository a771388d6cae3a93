/** What a scraper may ask `/probe` for: the run's own targets, addresses and ports of a list, or anything. */
import { MAX_PORT } from "../domain/limits.ts";
import { UsageError } from "../domain/exit.ts";
import { literalEndpoint } from "../domain/address.ts";
import type { Endpoint } from "../domain/target.ts";
import { shown } from "../text/quote.ts";

/** Addresses that begin with the same bits, at some ports. */
export interface AddressRange {
  /** 4 or 16 bytes. */
  readonly network: Uint8Array;
  /** How many bits of it count. */
  readonly bits: number;
  readonly firstPort: number;
  readonly lastPort: number;
}

export type ProbeScope =
  | { readonly kind: "own" }
  | { readonly kind: "any" }
  | { readonly kind: "listed"; readonly ranges: readonly AddressRange[] };

const MAX_RANGES = 256;
/** `10.0.0.0/8`, `10.0.0.5:5432`, `[2001:db8::]/32:1-1023`; without a port IPv6 needs no brackets. */
const RANGE =
  /^(?:([0-9.]+)|\[([0-9A-Fa-f:.]+)\]|([0-9A-Fa-f:]*:[0-9A-Fa-f:.]*(?=\/|$)))(?:\/([0-9]{1,3}))?(?::([0-9]{1,5})(?:-([0-9]{1,5}))?)?$/;
export const RANGE_FORM = "ADDR[/LEN][:PORT[-PORT]], IPv6 as [ADDR]";

/** The scope of `?probe` (no text) or `?probe=TEXT`; throws UsageError that names what is wrong. */
export function parseProbeScope(text: string): ProbeScope {
  if (text === "") return { kind: "own" };
  if (text === "any") return { kind: "any" };
  const parts = text.split(",");
  if (parts.length > MAX_RANGES) {
    throw new UsageError(`--export prometheus://…?probe= takes at most ${MAX_RANGES} ranges`);
  }
  return { kind: "listed", ranges: parts.map(parseRange) };
}

function parseRange(text: string): AddressRange {
  const [, v4, bracketed, v6, length, first, last] = RANGE.exec(text) ?? [];
  const network = literalEndpoint(v4 ?? bracketed ?? v6 ?? "", 1)?.bytes;
  if (network === undefined) {
    throw new UsageError(
      `--export prometheus://…?probe=${
        shown(text)
      }: wants any, or ${RANGE_FORM}, separated by commas`,
    );
  }
  const bits = length === undefined ? 8 * network.length : Number(length);
  if (bits > 8 * network.length) {
    throw new UsageError(
      `--export prometheus://…?probe=${shown(text)}: an address has only ${
        8 * network.length
      } bits`,
    );
  }
  const firstPort = first === undefined ? 1 : Number(first);
  const lastPort = first === undefined ? MAX_PORT : Number(last ?? first);
  if (firstPort < 1 || lastPort > MAX_PORT || firstPort > lastPort) {
    throw new UsageError(
      `--export prometheus://…?probe=${shown(text)}: ports go from 1 to ${MAX_PORT}`,
    );
  }
  return { network, bits, firstPort, lastPort };
}

/** Whether an address and port lie in one of the ranges. */
export function isInRanges(
  { bytes, port }: Pick<Endpoint, "bytes" | "port">,
  ranges: readonly AddressRange[],
): boolean {
  const address = unmapped(bytes);
  return ranges.some(({ network, bits, firstPort, lastPort }) =>
    port >= firstPort && port <= lastPort && beginsWith(address, network, bits)
  );
}

/** An IPv4-mapped IPv6 address (RFC 4291, 2.5.5.2) is the IPv4 address. */
function unmapped(bytes: Uint8Array): Uint8Array {
  const mapped = bytes.length === 16 && bytes[10] === 255 && bytes[11] === 255 &&
    bytes.subarray(0, 10).every((byte) => byte === 0);
  return mapped ? bytes.subarray(12) : bytes;
}

function beginsWith(address: Uint8Array, network: Uint8Array, bits: number): boolean {
  if (address.length !== network.length) return false;
  for (let i = 0; 8 * i < bits; i++) {
    const mask = 256 - (1 << Math.max(0, 8 - (bits - 8 * i)));
    if ((address[i] & mask) !== (network[i] & mask)) return false;
  }
  return true;
}
