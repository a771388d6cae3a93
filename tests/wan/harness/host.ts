/** A host of the test network: a network namespace, and the commands run in it. */

import { overwrite } from "../../../scripts/gate/command.ts";
import { end, type RunResult, system, WITH_PARENT } from "./process.ts";

const NOBODY_ID = "65534";

export interface ExecOptions {
  env?: Record<string, string>;
  clearEnv?: boolean;
  cwd?: string;
  /** "piped", "inherit" or "null"; `exec` pipes stdout and stderr unless told otherwise. */
  stdin?: "piped" | "inherit" | "null";
  stdout?: "piped" | "inherit" | "null";
  stderr?: "piped" | "inherit" | "null";
  /** Without root's rights, as uid and gid 65534. */
  user?: "root" | "nobody";
}

/** More ICMP errors a second than any test provokes. */
const MANY = 1_000_000;
const ICMP_LIMITS = ofItsOwn({
  "net.ipv4.icmp_msgs_per_sec": MANY,
  "net.ipv4.icmp_msgs_burst": MANY,
});

/** The settings that this kernel has for each namespace; where it has them once for all, they stay. */
function ofItsOwn(settings: Record<string, number>): Record<string, number> {
  const here = Object.entries(settings).filter(([name]) => {
    const path = `/proc/sys/${name.replaceAll(".", "/")}`;
    const { success } = new Deno.Command("unshare", { args: ["--net", "test", "-e", path] })
      .outputSync();
    return success;
  });
  return Object.fromEntries(here);
}

/** One end of a link or veth pair. */
export interface Port {
  host: Host;
  device: string;
  v4: string;
  v6: string;
}

export class Host {
  readonly ports: Port[] = [];
  readonly #children = new Set<Deno.ChildProcess>();
  #hasEtc = false;

  /** `namespace` is its name below /run/netns. */
  private constructor(readonly name: string, readonly namespace: string) {}

  static async create(name: string, namespace: string): Promise<Host> {
    await system("ip", ["netns", "add", namespace]);
    const host = new Host(name, namespace);
    await host.ip("link", "set", "lo", "up");
    await host.sysctl({
      // Exactly known paths: no reverse-path filter, no limit on ICMP errors, no router solicitations between.
      "net.ipv4.conf.all.rp_filter": 0,
      "net.ipv4.conf.default.rp_filter": 0,
      "net.ipv4.icmp_ratelimit": 0,
      "net.ipv6.icmp.ratelimit": 0,
      ...ICMP_LIMITS,
      "net.ipv6.conf.all.accept_ra": 0,
      "net.ipv6.conf.default.accept_ra": 0,
      "net.ipv6.conf.default.router_solicitations": 0,
      "net.ipv6.conf.default.addr_gen_mode": 1,
      "net.ipv6.conf.default.accept_dad": 0,
      // Paths of equal cost are chosen by ports too, as routers do.
      "net.ipv4.fib_multipath_hash_policy": 1,
      "net.ipv6.fib_multipath_hash_policy": 1,
    });
    return host;
  }

  /** Starts `command` in this namespace. It is ended with the network at the latest. */
  exec(command: string, args: string[] = [], options: ExecOptions = {}): Deno.ChildProcess {
    const { user = "root", stdin = "null", stdout = "piped", stderr = "piped", ...rest } = options;
    const nobody = user === "nobody"
      ? ["--reuid", NOBODY_ID, "--regid", NOBODY_ID, "--clear-groups"]
      : [];
    const child = new Deno.Command("ip", {
      args: ["netns", "exec", this.namespace, ...WITH_PARENT, ...nobody, "--", command, ...args],
      stdin,
      stdout,
      stderr,
      ...rest,
    }).spawn();
    this.#children.add(child);
    child.status.then(() => this.#children.delete(child));
    return child;
  }

  /** Runs `command` in this namespace to its end. */
  async run(command: string, args: string[] = [], options: ExecOptions = {}): Promise<RunResult> {
    const { code, stdout, stderr } = await this.exec(command, args, options).output();
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  }

  /** `ip -n <namespace> …`; its stdout. */
  ip(...args: string[]): Promise<string> {
    return system("ip", ["-n", this.namespace, ...args]);
  }

  /** Adds a route: `route("10.77.2.0/24", "via", "10.77.1.2")`, `route("unreachable", "10.9.0.0/16")`. */
  async route(...args: string[]): Promise<void> {
    const family = args.some((word) => word.includes(":")) ? "-6" : "-4";
    await this.ip(family, "route", "add", ...args);
  }

  /** Writes settings by their dotted names; one that this kernel lacks throws. */
  async sysctl(settings: Record<string, string | number>): Promise<void> {
    const script = Object.entries(settings)
      .map(([name, value]) => `echo '${value}' > /proc/sys/${name.replaceAll(".", "/")}`)
      .join(" && ");
    await system("ip", ["netns", "exec", this.namespace, "sh", "-ec", script]);
  }

  /** Whether packets for others are passed on. */
  async forward(on: boolean): Promise<void> {
    await this.sysctl({
      "net.ipv4.ip_forward": Number(on),
      "net.ipv6.conf.all.forwarding": Number(on),
    });
  }

  /**
   * What commands see as /etc/`name`, for instance `hosts` or `resolv.conf`, where they are started from the
   * first call on. The file must exist.
   */
  async etc(name: string, text: string): Promise<void> {
    this.#hasEtc = true;
    await Deno.mkdir(this.#etcFolder, { recursive: true });
    overwrite(`${this.#etcFolder}/${name}`, text);
  }

  get #etcFolder(): string {
    return `/etc/netns/${this.namespace}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#children].map(end));
    if (this.#hasEtc) await Deno.remove(this.#etcFolder, { recursive: true });
    await system("ip", ["netns", "del", this.namespace]);
  }
}
