/** The compiled binary as a unit would start it, as far as that can be had without systemd. */
import { existsSync } from "node:fs";
import type { Confinement } from "./confine.ts";
import { INSTALLED, type Unit } from "./unit.ts";

const BINARY = "dist/wire-probe";
const LAUNCHER = `${import.meta.dirname}/confine.ts`;
const TARGETS = "/etc/wire-probe/targets";
const OPTIONS = "$WIRE_PROBE_OPTIONS";
/** <bits/socket.h> */
const FAMILIES: Readonly<Record<string, number>> = {
  AF_UNIX: 1,
  AF_INET: 2,
  AF_INET6: 10,
  AF_NETLINK: 16,
};
/** ProtectSystem=strict, and what ProcSubset=pid leaves out of /proc that the tool might look for. */
const MOUNTS = `
mount -o remount,bind,ro / &&
mount -t tmpfs -o ro tmpfs /proc/sys &&
for file in cpuinfo meminfo stat; do mount --bind /dev/null /proc/$file || exit 1; done &&
exec "$@"`;

export interface Status {
  readonly residentBytes: number;
  readonly threads: number;
  /** The effective set, in hexadecimal. */
  readonly capabilities: string;
}

export class Confined implements AsyncDisposable {
  #child: Deno.ChildProcess;
  #said = "";
  #heard = Promise.withResolvers<void>();
  #ended: Promise<void>;

  constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#ended = this.#listen();
  }

  /** Waits until standard error holds this; throws when it ends without. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.#said);
      if (match !== null) return match;
      await this.while(this.#heard.promise);
    }
  }

  /** Waits for this; throws when the process ends before. */
  async while<T>(promise: Promise<T>): Promise<T> {
    const first = await Promise.race([
      promise.then((value) => ({ value })),
      this.#ended.then(() => null),
    ]);
    if (first !== null) return first.value;
    const { code, signal } = await this.#child.status;
    throw new Error(`ended with ${signal ?? code}, having said: ${this.#said}`);
  }

  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** Figures of /proc/PID/status (proc(5)). */
  async status(): Promise<Status> {
    const text = await Deno.readTextFile(`/proc/${this.#child.pid}/status`);
    const field = (name: string) => new RegExp(`^${name}:\\s+(\\S+)`, "m").exec(text)![1];
    return {
      residentBytes: Number(field("VmRSS")) * 1024,
      threads: Number(field("Threads")),
      capabilities: field("CapEff"),
    };
  }

  /** Ends it as systemd does; its exit code, or the name of the signal that killed it. */
  async stop(): Promise<number | string> {
    this.#child.kill("SIGTERM");
    const { code, signal } = await this.#child.status;
    await this.#ended;
    return signal ?? code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await this.#ended;
    await this.#child.status;
  }

  async #listen(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#child.stderr) {
      this.#said += decoder.decode(chunk, { stream: true });
      const heard = this.#heard;
      this.#heard = Promise.withResolvers();
      heard.resolve();
    }
  }
}

/** Starts the unit's command line with these options, `targets` standing in for its targets file. */
export async function startConfined(
  folder: string,
  unit: Unit,
  options: string,
  targets = TARGETS,
): Promise<Confined> {
  // A copy, since the folder of the original may be closed to others.
  const binary = `${folder}/wire-probe`;
  if (!existsSync(binary)) await Deno.copyFile(BINARY, binary);
  const line = unit.one("ExecStart").replace(INSTALLED, binary).replace(TARGETS, targets);
  const confinement: Confinement = {
    systemCalls: [...await unit.systemCalls()],
    families: unit.one("RestrictAddressFamilies").split(" ").map((name) => FAMILIES[name]),
  };
  const launcher = [
    ...[Deno.execPath(), "run", "--quiet", "--allow-all", "--no-config", LAUNCHER],
    JSON.stringify(confinement),
    ...line.replace(OPTIONS, options).split(" "),
  ];
  const privately = ["unshare", "--mount", "sh", "-c", MOUNTS, "sh"];
  const [program, ...args] = Deno.uid() === 0 ? [...privately, ...launcher] : launcher;
  const child = new Deno.Command(program, {
    args,
    cwd: folder,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  });
  return new Confined(child.spawn());
}
