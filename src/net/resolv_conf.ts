/** The system's files about names: resolv.conf(5) and hosts(5), as far as they are used here. */

export const RESOLV_CONF = "/etc/resolv.conf";
export const HOSTS = "/etc/hosts";

export interface ResolvConf {
  readonly servers: readonly string[];
  /** Domains that complete a short name, in the order in which they are tried. */
  readonly search: readonly string[];
  /** A name with so many dots is tried as it is before the search list. */
  readonly dots: number;
}

// resolv.conf(5): no more servers than MAXNS are asked, and without any the one on this machine is.
const MAX_SERVERS = 3;
const LOCAL_SERVER = "127.0.0.1";
/** More domains are not tried. Older C libraries have this limit too (MAXDNSRCH). */
const MAX_SEARCH = 6;
/** The default and the limit of `ndots` (resolv.conf(5)). */
const USUAL_DOTS = 1;
const MAX_DOTS = 15;

export function parseResolvConf(text: string): ResolvConf {
  const servers: string[] = [];
  let search: readonly string[] = [];
  let dots = USUAL_DOTS;
  for (const line of text.split("\n")) {
    const [key, ...values] = line.trim().split(/\s+/);
    if (values.length === 0) continue;
    if (key === "nameserver") servers.push(values[0]);
    // The last of these two lines counts.
    if (key === "search") search = values.slice(0, MAX_SEARCH);
    if (key === "domain") search = values.slice(0, 1);
    if (key === "options") dots = ndotsOf(values) ?? dots;
  }
  if (servers.length === 0) servers.push(LOCAL_SERVER);
  return { servers: servers.slice(0, MAX_SERVERS), search, dots };
}

function ndotsOf(options: readonly string[]): number | null {
  const values = options.flatMap((option) => /^ndots:([0-9]+)$/.exec(option)?.[1] ?? []);
  const last = values.at(-1);
  return last === undefined ? null : Math.min(MAX_DOTS, Number(last));
}

/** The names that DNS is asked for, in the order in which the system's resolver tries them. */
export function namesToAsk(name: string, { search, dots }: ResolvConf): string[] {
  if (name.endsWith(".")) return [name];
  const completed = search.map((domain) => `${name}.${domain.replace(/^\./, "")}`);
  const enough = name.split(".").length > dots;
  return enough ? [name, ...completed] : [...completed, name];
}

/** The names that a file in the format of hosts(5) has lines for, in small letters. */
export function hostsNames(text: string): Set<string> {
  const lines = text.split("\n").map((line) => line.split("#")[0].trim().toLowerCase());
  return new Set(lines.flatMap((line) => line.split(/\s+/).slice(1)));
}
