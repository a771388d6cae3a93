/** A DNS server of the user's choice, and questions to it or to the system's own. */
import type { AddressOrigin } from "../domain/path.ts";
import { quote } from "../text/quote.ts";
import { literalEndpoint } from "../domain/address.ts";

export interface NameServer {
  readonly address: string;
  readonly port: number;
}

/** Names and origins of addresses; null for none, which an unreachable server counts as. */
export interface AddressFacts {
  nameOf(address: string): Promise<string | null>;
  originOf(address: string): Promise<AddressOrigin | null>;
}

/** More origins of one prefix than this are not shown. */
const MAX_ORIGINS = 4;
/** RFC 1035, section 2.3.4 */
const MAX_NAME_CHARACTERS = 255;
const ORIGIN_ZONES = { 4: "origin.asn.cymru.com", 6: "origin6.asn.cymru.com" } as const;
const REVERSE_ZONES = { 4: "in-addr.arpa", 6: "ip6.arpa" } as const;

/**
 * The system's resolver for names, hosts file included, unless there is a server to be asked. `limited`
 * is the gate's: the system's resolver holds a thread for each name.
 */
export function openAddressFacts(
  server: NameServer | null,
  limited: <T>(lookUp: () => Promise<T>) => Promise<T>,
): AddressFacts {
  const options = server === null
    ? {}
    : { nameServer: { ipAddr: server.address, port: server.port } };
  return {
    nameOf: async (address) => {
      try {
        const name = server === null
          ? await limited(() => systemName(address))
          : (await Deno.resolveDns(reversed(address, REVERSE_ZONES), "PTR", options))[0];
        return name === undefined ? null : cleanName(name, address);
      } catch {
        return null;
      }
    },
    originOf: async (address) => {
      try {
        const found = await Deno.resolveDns(reversed(address, ORIGIN_ZONES), "TXT", options);
        return parseOrigin(found.map((strings) => strings.join("")));
      } catch {
        return null;
      }
    },
  };
}

/** getnameinfo(3). */
async function systemName(address: string): Promise<string | undefined> {
  const { lookupService } = await import("node:dns/promises");
  return (await lookupService(address, 0)).hostname;
}

/** Without the root's dot; null for what only repeats the address. */
function cleanName(name: string, address: string): string | null {
  const clean = name.replace(/\.$/, "").slice(0, MAX_NAME_CHARACTERS);
  return clean === "" || clean === address ? null : clean;
}

/** The name under which a zone holds an address: its octets, or its nibbles, backwards (RFC 1035, RFC 3596). */
export function reversed(address: string, zones: { 4: string; 6: string }): string {
  const endpoint = literalEndpoint(address, 0);
  if (endpoint === null) throw new TypeError(`${quote(address)} is no address`);
  const parts = endpoint.family === 4
    ? [...endpoint.bytes].map(String)
    : [...endpoint.bytes].flatMap((byte) => [(byte >> 4).toString(16), (byte & 15).toString(16)]);
  return `${parts.reverse().join(".")}.${zones[endpoint.family]}`;
}

/** The longest prefix's line of `64500 64501 | 192.0.2.0/24 | CC | registry | date`; null for none. */
export function parseOrigin(lines: readonly string[]): AddressOrigin | null {
  const origins = lines.flatMap((line) => {
    const match = /^([0-9 ]+)\|\s*([0-9a-fA-F.:]+\/([0-9]{1,3}))\s*(\||$)/.exec(line);
    if (match === null) return [];
    const numbers = match[1].trim().split(/ +/).map(Number).filter((n) => n > 0 && n < 2 ** 32);
    return [{
      numbers: numbers.slice(0, MAX_ORIGINS),
      prefix: match[2],
      length: Number(match[3]),
    }];
  });
  const best = origins.toSorted((a, b) => b.length - a.length)[0];
  return best === undefined || best.numbers.length === 0
    ? null
    : { numbers: best.numbers, prefix: best.prefix };
}
