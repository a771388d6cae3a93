/**
 * The nodes of a mesh that a name lists, as the name changes. A node that said that it leaves is gone once
 * the name has it no more. One that vanishes without a word stays a node, and so is seen to be missing.
 */
import type { NodeEntry } from "../input/nodes_file.ts";
import { hostPort } from "../domain/target.ts";
import { listText } from "../text/words.ts";
import { durationText } from "../text/duration.ts";
import type { Clock } from "../time/clock.ts";

/** How long a node that vanished is still a node. */
export const KEPT_MS = 3_600_000;
/** How many of them are kept; the oldest are forgotten. */
const MAX_KEPT = 256;
/** A node's word that it leaves explains its vanishing within this time. */
const WORD_MS = 600_000;
/** Names in a message. */
const MAX_SHOWN = 8;

export interface FollowPorts {
  readonly clock: Clock;
  /** What the name lists now; rejects where it cannot be had. */
  list(): Promise<NodeEntry[]>;
  /** Whether a node that said that it leaves has answered since. */
  isBack(name: string): boolean;
  say(text: string): void;
}

export class FollowedNodes {
  #own: NodeEntry;
  #text: string;
  #ports: FollowPorts;
  #entries: readonly NodeEntry[];
  /** Nodes that the name does not have any more, and since when. */
  #kept = new Map<string, number>();
  /** When nodes said that they leave. */
  #words = new Map<string, number>();
  #failing = false;

  /** `text` is the place as the user wrote it; `own` is a node whether it is listed or not. */
  constructor(text: string, own: NodeEntry, listed: readonly NodeEntry[], ports: FollowPorts) {
    this.#text = text;
    this.#own = own;
    this.#ports = ports;
    this.#entries = this.#withOwn(listed);
  }

  get entries(): readonly NodeEntry[] {
    return this.#entries;
  }

  /** A node said that it leaves. */
  leave(name: string): void {
    if (this.#entries.some(({ target }) => target.name === name)) {
      this.#words.set(name, this.#ports.clock.now());
    }
  }

  /** Looks again; the nodes there are now, or null where nothing has changed or nobody answers. */
  async look(): Promise<readonly NodeEntry[] | null> {
    const { list, say } = this.#ports;
    let listed: NodeEntry[];
    try {
      listed = this.#withOwn(await list());
    } catch (error) {
      const again = this.#failing;
      this.#failing = true;
      if (again) return null;
      throw error;
    }
    if (this.#failing) say(`${this.#text}: answered again`);
    this.#failing = false;
    const before = this.#entries;
    this.#entries = [...listed, ...this.#vanished(listed)];
    const [old, now] = [before, this.#entries].map((entries) => new Map(entries.map(keyed)));
    const added = [...now.keys()].filter((name) => !old.has(name));
    const gone = [...old.keys()].filter((name) => !now.has(name));
    if (added.length > 0) say(`${this.#text}: new: ${listText(added, MAX_SHOWN, ", ")}`);
    if (gone.length > 0) say(`${this.#text}: gone: ${listText(gone, MAX_SHOWN, ", ")}`);
    const moved = [...now].some(([name, place]) => old.get(name) !== place);
    return moved || gone.length > 0 ? this.#entries : null;
  }

  #withOwn(listed: readonly NodeEntry[]): NodeEntry[] {
    const others = listed.filter(({ target }) => target.name !== this.#own.target.name);
    return [this.#own, ...others];
  }

  /** Those that were nodes, are not listed, and did not say that they leave. */
  #vanished(listed: readonly NodeEntry[]): NodeEntry[] {
    const { clock, say } = this.#ports;
    const nowMs = clock.now();
    const names = new Set(listed.map(({ target }) => target.name));
    const missing = this.#entries.filter(({ target }) => !names.has(target.name));
    for (const name of names) this.#kept.delete(name);
    for (const { target: { name } } of missing) {
      if (this.#hasLeft(name, nowMs)) this.#kept.delete(name);
      else if (!this.#kept.has(name)) {
        this.#kept.set(name, nowMs);
        say(
          `${this.#text}: ${name} has vanished without a word: missing, for ${
            durationText(KEPT_MS)
          } at most`,
        );
      }
    }
    for (const [name, sinceMs] of this.#kept) {
      if (nowMs - sinceMs >= KEPT_MS || this.#kept.size > MAX_KEPT) this.#kept.delete(name);
    }
    for (const [name, atMs] of this.#words) {
      if (nowMs - atMs >= WORD_MS) this.#words.delete(name);
    }
    return missing.filter(({ target }) => this.#kept.has(target.name));
  }

  #hasLeft(name: string, nowMs: number): boolean {
    const atMs = this.#words.get(name);
    return atMs !== undefined && nowMs - atMs < WORD_MS && !this.#ports.isBack(name);
  }
}

/** A node by its name, and where it is. */
function keyed({ target }: NodeEntry): [name: string, place: string] {
  return [target.name, hostPort(target.host, target.port)];
}
