/** Whether this machine has a way to an address: by connecting a UDP socket, which sends nothing. */
import type { Endpoint } from "../domain/target.ts";
import { type Calls, openLibc } from "./libc.ts";
import { SOCK_CLOEXEC, SOCK_DGRAM } from "./linux.ts";
import { familyOf, openScopes, type ScopeOf, sockaddr } from "./sockaddr.ts";

const CALLS = ["socket", "connect", "close"] as const;

export class LocalRoutes {
  #libc: Calls<typeof CALLS>;
  #scopeOf: ScopeOf;

  private constructor(libc: Calls<typeof CALLS>, scopeOf: ScopeOf) {
    this.#libc = libc;
    this.#scopeOf = scopeOf;
  }

  /** Null where there is no libc. */
  static open(): LocalRoutes | null {
    const libc = openLibc(CALLS, "seldom")?.symbols;
    const scopeOf = openScopes();
    if (libc === undefined || scopeOf === null) return null;
    return new LocalRoutes(libc, scopeOf);
  }

  /** Whether the routes of this machine refuse the address, as a route of type prohibit does. */
  refuse(endpoint: Endpoint): boolean {
    const descriptor = this.#libc.socket(familyOf(endpoint), SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return false;
    const address = sockaddr(endpoint, this.#scopeOf(endpoint));
    const refused = this.#libc.connect(descriptor, address, address.length) !== 0;
    this.#libc.close(descriptor);
    return refused;
  }
}
