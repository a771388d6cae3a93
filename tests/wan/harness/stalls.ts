/**
 * How long this machine did not run what should have run: this process, a program that is watched, or a
 * core that the host took away. A bound on a wait does not count this time. On a machine that runs
 * everything in time it loosens nothing.
 */

const TICK_MS = 20;
/** A gap up to this one is the usual jitter of a busy machine, which every bound has room for. */
const USUAL_MS = 50;

export class Stalls implements Disposable {
  #totalMs = 0;
  #lastMs = performance.now();
  #stolenMs = stolenMs();
  /** How long each program's main thread has waited for a core, by its process id. */
  readonly #waitedMs = new Map<number, number>();
  #timer = setInterval(() => this.#tick(), TICK_MS);

  /** All stalls since it was made, in ms. */
  get ms(): number {
    this.#tick();
    return this.#totalMs;
  }

  /** From now on what these programs wait for a core counts too. */
  watch(...programs: readonly { readonly pid: number }[]): void {
    for (const { pid } of programs) this.#waitedMs.set(pid, waitedMs(pid) ?? 0);
  }

  /** How many slots of a schedule the stalls may have swallowed: each end of a stall may cost one. */
  slots(intervalMs: number): number {
    const { ms } = this;
    return ms === 0 ? 0 : Math.ceil(ms / intervalMs) + 1;
  }

  #tick(): void {
    const now = performance.now();
    const stolen = stolenMs();
    // The kernel adds a wait, and what was stolen, when it is over: what is new is one gap.
    const gaps = [now - this.#lastMs, stolen - this.#stolenMs];
    this.#lastMs = now;
    this.#stolenMs = stolen;
    for (const [pid, before] of this.#waitedMs) {
      const waited = waitedMs(pid) ?? before;
      gaps.push(waited - before);
      this.#waitedMs.set(pid, waited);
    }
    const gapMs = Math.max(...gaps);
    if (gapMs > USUAL_MS) this.#totalMs += gapMs;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** What the hypervisor has taken from all cores since they began: `steal` of proc_stat(5), in ticks of 10 ms. */
export function stolenMs(): number {
  const [cpu] = Deno.readTextFileSync("/proc/stat").split("\n");
  return Number(cpu.split(/ +/)[8]) * 10;
}

/** How long a process's main thread was ready to run and had no core (/proc/PID/schedstat); null once it has ended. */
function waitedMs(pid: number): number | null {
  try {
    return Number(Deno.readTextFileSync(`/proc/${pid}/schedstat`).split(" ")[1]) / 1e6;
  } catch {
    return null;
  }
}
