/** Service names for ports (`db:postgresql`): /etc/services, as services(5) has it. */
import { readSystemFile } from "../kernel/system_file.ts";

/** Names that a container without /etc/services knows too. */
const KNOWN: Readonly<Record<string, number>> = {
  ftp: 21,
  ssh: 22,
  smtp: 25,
  domain: 53,
  http: 80,
  ldap: 389,
  https: 443,
  "ms-sql-s": 1433,
  mysql: 3306,
  postgresql: 5432,
  amqp: 5672,
  redis: 6379,
  mongodb: 27_017,
};

const NAME = /^(?=.*[A-Za-z])[A-Za-z0-9][A-Za-z0-9_.+-]{0,31}$/;

let table: Map<string, number> | null = null;

/** The TCP port of a service name; null for a name that nobody knows. Reads the file once. */
export function servicePort(name: string): number | null {
  if (!NAME.test(name)) return null;
  table ??= parseServices(readSystemFile("/etc/services") ?? "");
  const wanted = name.toLowerCase();
  return table.get(wanted) ?? (Object.hasOwn(KNOWN, wanted) ? KNOWN[wanted] : null);
}

/** The TCP services of a file's text, aliases too, in lower case. */
export function parseServices(text: string): Map<string, number> {
  const services = new Map<string, number>();
  for (const line of text.split("\n")) {
    const [name, place, ...aliases] = line.replace(/#.*/, "").trim().split(/\s+/);
    const [, port] = /^([0-9]{1,5})\/tcp$/.exec(place ?? "") ?? [];
    if (port === undefined) continue;
    for (const each of [name, ...aliases]) {
      if (!services.has(each.toLowerCase())) services.set(each.toLowerCase(), Number(port));
    }
  }
  return services;
}
