/** A real program on loopback that a test feeds: started in a folder of its own, ended by its pid. */
import { assertEquals } from "@std/assert";
import { existsSync } from "node:fs";

/** The programs, and the Debian packages that have them. */
const PACKAGES = {
  collectd: "collectd-core",
  influxd: "influxdb",
  npm: "npm",
  openssl: "openssl",
  prometheus: "prometheus",
  python3: "python3",
  promtool: "prometheus",
  "victoria-metrics": "victoria-metrics",
} as const;
export type ProgramName = keyof typeof PACKAGES;

const POLL_MS = 50;
/** How long anything may take that is waited for, unless said otherwise. */
const LIMIT_MS = 20_000;
/** Between SIGTERM and SIGKILL. */
const GRACE_MS = 5000;
/** As much of a program's output as is kept. */
const MAX_LOG_CHARS = 1 << 20;
/** The kernel kills what a killed test would leave behind. */
const WITH_PARENT = ["setpriv", "--pdeathsig", "KILL"];

/** A test that needs these programs: ignored where they are missing, with a reason; failed in CI. */
export function realTest(
  name: string,
  programs: readonly ProgramName[],
  body: (context: Deno.TestContext) => Promise<void>,
  /** Another reason why it cannot run; null for none. */
  lacking: string | null = null,
): void {
  const missing = programs.filter((program) => programPath(program) === null);
  const packages = [...new Set(missing.map((program) => PACKAGES[program]))].join(", ");
  const ignore = (missing.length > 0 || lacking !== null) && Deno.env.get("CI") !== "true";
  const why = packages === "" ? lacking : `Debian's ${packages} is not installed`;
  Deno.test({
    name: ignore ? `${name} (not run: ${why})` : name,
    ignore,
    fn: async (context) => {
      assertEquals(packages, "", "packages that are not installed");
      await body(context);
    },
  });
}

/** Where a program is, or null; Debian keeps some in folders that an ordinary user's PATH lacks. */
export function programPath(name: string): string | null {
  const folders = [...(Deno.env.get("PATH") ?? "").split(":"), "/usr/sbin", "/sbin"];
  return folders.map((folder) => `${folder}/${name}`).find((path) => existsSync(path)) ?? null;
}

/** A temporary folder that others may enter, gone at the end of the scope. */
export class Folder implements Disposable {
  readonly path: string;

  constructor() {
    this.path = Deno.makeTempDirSync({ prefix: "wire-probe-real-" });
    Deno.chmodSync(this.path, 0o755);
  }

  /** Writes a file and says where it is. */
  write(name: string, text: string, mode = 0o644): string {
    const path = `${this.path}/${name}`;
    Deno.writeTextFileSync(path, text);
    Deno.chmodSync(path, mode);
    return path;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

/** Looks until there is something to see, and gives that; throws when the time is up. */
export async function until<T>(
  what: string,
  look: () => Promise<T | null> | T | null,
  limitMs = LIMIT_MS,
): Promise<T> {
  for (const endMs = performance.now() + limitMs;;) {
    const seen = await look();
    if (seen !== null) return seen;
    if (performance.now() > endMs) throw new Error(`waited ${limitMs / 1000} s in vain: ${what}`);
    await passing(POLL_MS);
  }
}

/** Until the condition holds; throws when the time is up. */
export async function untilTrue(
  what: string,
  condition: () => Promise<boolean> | boolean,
  limitMs = LIMIT_MS,
): Promise<void> {
  await until(what, async () => await condition() || null, limitMs);
}

/** Lets time pass: for the length of an outage or of a measurement, not to wait for something. */
export function passing(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The body of a GET that went well; null when the server is not there (yet) or not ready. */
export async function get(url: string): Promise<string | null> {
  try {
    const response = await fetch(url);
    const body = await response.text();
    return response.ok ? body : null;
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

/** A running program. */
export class Program implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #name: string;
  readonly #gathered: Promise<void>;
  #log = "";
  #ended = false;

  /** `name` is looked up as a program, or is a path. */
  constructor(name: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const path = name.includes("/") ? name : programPath(name);
    if (path === null) throw new Error(`there is no ${name} here`);
    const [first, ...rest] = [...WITH_PARENT, path, ...args];
    this.#name = name;
    this.#child = new Deno.Command(first, {
      args: rest,
      env: { ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#child.status.then(() => this.#ended = true);
    const { stdout, stderr } = this.#child;
    this.#gathered = Promise.all([this.#gather(stdout), this.#gather(stderr)]).then(() => {});
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** The beginning of what it has printed. */
  get log(): string {
    return this.#log;
  }

  /** Until it answers as `ready` asks; throws with its log when it ends instead, or takes long. */
  async ready(ready: () => Promise<boolean> | boolean): Promise<void> {
    try {
      await untilTrue(`${this.#name} is ready`, async () => {
        if (this.#ended) throw new Error(`${this.#name} has ended`);
        return await ready();
      });
    } catch (error) {
      throw new Error(`${error instanceof Error ? error.message : error}\n${this.#log}`);
    }
  }

  /** Stops its execution as a whole; `thaw()` lets it go on. */
  freeze(): void {
    this.#child.kill("SIGSTOP");
  }

  thaw(): void {
    this.#child.kill("SIGCONT");
  }

  /** Ends it in good order, by force when that takes too long. */
  async stop(signal: Deno.Signal = "SIGTERM"): Promise<void> {
    if (!this.#ended) {
      this.#child.kill(signal);
      this.#child.kill("SIGCONT");
    }
    const force = setTimeout(() => this.#ended || this.#child.kill("SIGKILL"), GRACE_MS);
    await this.#child.status;
    clearTimeout(force);
    await this.#gathered;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #gather(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      if (this.#log.length < MAX_LOG_CHARS) this.#log += decoder.decode(chunk, { stream: true });
    }
  }
}
