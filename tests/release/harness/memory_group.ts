/** A control group with a limit of memory, where this machine lets one be made. */

const V1 = "/sys/fs/cgroup/memory";
const V2 = "/sys/fs/cgroup";

export class MemoryGroup implements Disposable {
  readonly #path: string;
  readonly #v1: boolean;

  private constructor(path: string, v1: boolean) {
    this.#path = path;
    this.#v1 = v1;
  }

  /** Null, or why no group can be made here. */
  static lacking(): string | null {
    try {
      MemoryGroup.make(1 << 26)[Symbol.dispose]();
      return null;
    } catch (error) {
      return `no control group of memory: ${error instanceof Error ? error.message : error}`;
    }
  }

  /** Throws what the system says. */
  static make(limitBytes: number): MemoryGroup {
    const v1 = exists(`${V1}/memory.limit_in_bytes`);
    if (!v1) Deno.writeTextFileSync(`${V2}/cgroup.subtree_control`, "+memory");
    const path = `${v1 ? V1 : V2}/wire-probe-${Deno.pid}-${crypto.randomUUID().slice(0, 8)}`;
    Deno.mkdirSync(path);
    const limit = v1 ? "memory.limit_in_bytes" : "memory.max";
    Deno.writeTextFileSync(`${path}/${limit}`, `${limitBytes}`);
    return new MemoryGroup(path, v1);
  }

  /** Words of a shell that put it into the group. */
  get enter(): string {
    return `echo $$ >${this.#path}/cgroup.procs`;
  }

  /** Processes that were killed for want of memory. */
  get killed(): number {
    const file = this.#v1 ? "memory.oom_control" : "memory.events";
    const text = Deno.readTextFileSync(`${this.#path}/${file}`);
    return Number(/^oom_kill (\d+)$/m.exec(text)?.[1]);
  }

  /** The most it took, pages of files among it; null where the kernel does not tell. */
  get peakBytes(): number | null {
    const file = this.#v1 ? "memory.max_usage_in_bytes" : "memory.peak";
    return exists(`${this.#path}/${file}`)
      ? Number(Deno.readTextFileSync(`${this.#path}/${file}`))
      : null;
  }

  /** Its processes must have ended. */
  [Symbol.dispose](): void {
    Deno.removeSync(this.#path);
  }
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
