/** This machine's addresses (getifaddrs(3)). The runtime's own way needs one more permission. */
import { openLibc } from "./libc.ts";
import { AF_INET, AF_INET6 } from "./linux.ts";

const CALLS = ["getifaddrs", "freeifaddrs"] as const;

// <ifaddrs.h>, struct ifaddrs on 64-bit machines: the next one, then name, flags, address.
const NEXT_AT = 0;
const ADDRESS_AT = 24;
// <netinet/in.h>: where sockaddr_in and sockaddr_in6 hold the address.
const SIN_ADDR_AT = 4;
const SIN6_ADDR_AT = 8;
/** Addresses beyond this number are not read. */
const MAX_ADDRESSES = 4096;

/** 4 or 16 bytes each, loopback's among them; empty where the system does not tell. */
export function ownAddresses(): Uint8Array[] {
  const library = openLibc(CALLS, "seldom");
  if (library === null) return [];
  const { getifaddrs, freeifaddrs } = library.symbols;
  const first = new BigUint64Array(1);
  const found: Uint8Array[] = [];
  if (getifaddrs(new Uint8Array(first.buffer)) === 0) {
    const list = Deno.UnsafePointer.create(first[0]);
    let entry = list;
    for (let seen = 0; entry !== null && seen < MAX_ADDRESSES; seen++) {
      const view = new Deno.UnsafePointerView(entry);
      const address = addressAt(view.getPointer(ADDRESS_AT));
      if (address !== null) found.push(address);
      entry = view.getPointer(NEXT_AT);
    }
    freeifaddrs(list);
  }
  library.close();
  return found;
}

/** A copy of the address in a sockaddr; null for one of another kind, or none. */
function addressAt(sockaddr: Deno.PointerValue): Uint8Array | null {
  if (sockaddr === null) return null;
  const view = new Deno.UnsafePointerView(sockaddr);
  const family = view.getUint16();
  const v4 = family === AF_INET;
  if (!v4 && family !== AF_INET6) return null;
  const bytes = new Uint8Array(v4 ? 4 : 16);
  view.copyInto(bytes, v4 ? SIN_ADDR_AT : SIN6_ADDR_AT);
  return bytes;
}
