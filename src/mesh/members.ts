/**
 * The nodes of the mesh, which of them this one probes, and what happens when their list changes.
 */
import { UsageError } from "../domain/exit.ts";
import { messageOf } from "../text/quote.ts";
import type { Target } from "../domain/target.ts";
import type { NodeEntry } from "../input/nodes_file.ts";
import { peersOf } from "./fanout.ts";

/** Where the nodes come from, and where they and notices go. */
export interface MembersPorts {
  /** Reads the list; throws an error whose message says what is wrong with it. Null where nothing has changed. */
  load(): Promise<readonly NodeEntry[] | null>;
  /** This node, and those that it probes from now on; what stays is not disturbed. */
  use(me: Target, peers: readonly Target[]): Promise<void>;
  say(text: string): void;
}

export interface MembersOptions {
  /** This node, as the list has it at the start. */
  readonly me: NodeEntry;
  /** What the list is called: a file, or a name of DNS. */
  readonly list: string;
  readonly fanout: number | null;
  readonly quiet: boolean;
}

export class Members {
  #options: MembersOptions;
  #ports: MembersPorts;

  constructor(options: MembersOptions, ports: MembersPorts) {
    this.#options = options;
    this.#ports = ports;
  }

  /** Begins with these nodes; returns a description of them. */
  begin(entries: readonly NodeEntry[]): string {
    return this.#adopt(this.#options.me, entries);
  }

  /** Reads the list again; where that fails, things stay as they are, and one line says so. */
  async reload(): Promise<void> {
    const { list, quiet } = this.#options;
    try {
      const entries = await this.#ports.load();
      if (entries === null) return;
      const text = this.#adopt(this.#found(entries), entries);
      if (!quiet) this.#ports.say(`${list} read again: ${text}`);
    } catch (error) {
      this.#ports.say(`${messageOf(error)}; going on with the nodes there were`);
    }
  }

  #adopt({ target }: NodeEntry, entries: readonly NodeEntry[]): string {
    const targets = new Map(entries.map((entry) => [entry.target.name, entry.target]));
    const names = peersOf(target.name, [...targets.keys()], this.#options.fanout);
    const peers = names.map((name) => targets.get(name)).filter((found) => found !== undefined);
    this.#ports.use(target, peers);
    return `${entries.length} ${entries.length === 1 ? "node" : "nodes"}, probing ${names.length}`;
  }

  /** This node's new line. What it listens on cannot change without a restart. */
  #found(entries: readonly NodeEntry[]): NodeEntry {
    const { list, me: { target: { name, port }, httpPort } } = this.#options;
    const me = entries.find(({ target }) => target.name === name);
    if (me === undefined) throw new UsageError(`${list}: this node, ${name}, is not in it`);
    if (me.target.port !== port || me.httpPort !== httpPort) {
      throw new UsageError(`${list}: other ports for this node, ${name}, want a restart`);
    }
    return me;
  }
}
