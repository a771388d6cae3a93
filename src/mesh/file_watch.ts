/**
 * Looks now and then whether a file has changed. It is asked, not watched: an editor or a deployment
 * puts another file in its place, and network file systems do not tell.
 */
import type { Cancel, Clock } from "../time/clock.ts";

export const LOOK_EVERY_MS = 5000;

export interface FileWatchPorts {
  readonly clock: Clock;
  /** The file's stamp; null while there is no such file. */
  stamp(): Promise<string | null>;
  /** The file has changed, and two readings of its stamp were the same: it is not being written any more. */
  onChange(): void;
}

export class FileWatch {
  #ports: FileWatchPorts;
  /** The stamp of the content in use, and that of the last look. */
  #known: string | null;
  #seen: string | null;
  #cancel: Cancel = () => {};
  #stopped = false;

  /** `known` is the stamp that the file had before it was read. */
  constructor(known: string | null, ports: FileWatchPorts) {
    this.#known = this.#seen = known;
    this.#ports = ports;
    this.#arm();
  }

  /** Takes the file as it is now, changed or not. */
  async readNow(): Promise<void> {
    this.#known = this.#seen = await this.#ports.stamp();
    if (!this.#stopped) this.#ports.onChange();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  #arm(): void {
    const { clock } = this.#ports;
    this.#cancel = clock.wakeAt(clock.now() + LOOK_EVERY_MS, () => this.#look());
  }

  async #look(): Promise<void> {
    const stamp = await this.#ports.stamp();
    if (this.#stopped) return;
    const settled = stamp === this.#seen;
    this.#seen = stamp;
    if (stamp !== null && settled && stamp !== this.#known) {
      this.#known = stamp;
      this.#ports.onChange();
    }
    this.#arm();
  }
}

/** Whether a file is still the one that was read: another text for another content, as a rule; null without the file. */
export async function fileStamp(path: string): Promise<string | null> {
  try {
    const { mtime, size, ino } = await Deno.stat(path);
    return `${mtime?.getTime()} ${size} ${ino}`;
  } catch {
    return null;
  }
}
