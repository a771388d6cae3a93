/** The nodes of a `mesh` run, from a file or a name, and what follows them as they change. */
import { UsageError } from "../../domain/exit.ts";
import type { Label } from "../../domain/target.ts";
import type { NodeEntry } from "../../input/nodes_file.ts";
import type { NodesPlace } from "../../input/nodes_place.ts";
import { ownAddresses } from "../../kernel/own_addresses.ts";
import { hostName } from "../../kernel/process.ts";
import { fileStamp, FileWatch } from "../../mesh/file_watch.ts";
import { FollowedNodes } from "../../mesh/followed_nodes.ts";
import { listedNodes, type ListingPorts } from "../../mesh/listed_nodes.ts";
import { ownListedNode } from "../../mesh/own_listed_node.ts";
import { ownNode } from "../../mesh/own_node.ts";
import { say } from "../../run/outbox.ts";
import { messageOf } from "../../text/quote.ts";
import { repeat, sleepUntil, systemClock } from "../../time/clock.ts";
import { inTurn } from "../../time/turns.ts";

export interface NodesOptions {
  readonly place: NodesPlace;
  /** This node's name; null to find it out. */
  readonly node: string | null;
  /** This node's zone and labels where the place has none. */
  readonly own: { readonly az: string; readonly labels: readonly Label[] };
  readonly httpPort: number;
  readonly intervalMs: number;
}

/** A name is asked again after each burst, within these limits. */
const LOOK_MS = { least: 1000, most: 10_000 };
/** Before the first answer of a name. */
const RETRY_MS = 2000;

export class MeshNodes {
  #options: NodesOptions;
  #ports: ListingPorts;
  #stamp: string | null;
  #entries: readonly NodeEntry[];
  #followed: FollowedNodes | null = null;
  readonly me: NodeEntry;

  private constructor(
    options: NodesOptions,
    ports: ListingPorts,
    found: { me: NodeEntry; entries: readonly NodeEntry[]; stamp: string | null },
  ) {
    this.#options = options;
    this.#ports = ports;
    this.me = found.me;
    this.#entries = found.entries;
    this.#stamp = found.stamp;
  }

  /**
   * Throws UsageError where this node is not among them. A name without an answer is asked again
   * until there is one.
   */
  static async open(options: NodesOptions, ports: ListingPorts): Promise<MeshNodes> {
    const { place, node, httpPort, own } = options;
    const machine = {
      node,
      addresses: node === null ? ownAddresses() : [],
      hostName: hostName(),
    };
    if (place.kind === "file") {
      const stamp = await fileStamp(place.text);
      const entries = await listedNodes(place, httpPort, ports);
      return new MeshNodes(options, ports, {
        me: ownNode(entries, machine, place.text),
        entries,
        stamp,
      });
    }
    const listed = await untilListed(place, httpPort, ports);
    const { resolver } = ports;
    const found = await ownListedNode(listed, { place, httpPort, machine, resolver });
    const me = { ...found, target: { ...found.target, ...own } };
    const others = listed.filter(({ target }) => target.name !== me.target.name);
    return new MeshNodes(options, ports, { me, entries: [me, ...others], stamp: null });
  }

  get entries(): readonly NodeEntry[] {
    return this.#followed?.entries ?? this.#entries;
  }

  /** Whether zones and labels are told by rows alone. */
  get toldByRows(): boolean {
    return this.#options.place.kind !== "file";
  }

  /** Reads the list again; null where nothing has changed. */
  async load(): Promise<readonly NodeEntry[] | null> {
    if (this.#followed !== null) return await this.#followed.look();
    const { place, httpPort } = this.#options;
    return this.#entries = await listedNodes(place, httpPort, this.#ports);
  }

  /** A node said that it leaves. */
  leave(name: string): void {
    this.#followed?.leave(name);
  }

  /** Calls `reload` when the list may have changed; returns what stops that, and what reads it at once. */
  follow(
    isBack: (name: string) => boolean,
    reload: () => Promise<void>,
  ): { stop(): void; readNow(): void } {
    const { place, httpPort, intervalMs } = this.#options;
    const inOrder = inTurn(reload);
    if (place.kind === "file") {
      const watch = new FileWatch(this.#stamp, {
        clock: systemClock,
        stamp: () => fileStamp(place.text),
        onChange: inOrder,
      });
      return { stop: () => watch.stop(), readNow: () => void watch.readNow() };
    }
    this.#followed = new FollowedNodes(place.text, this.me, this.#entries, {
      clock: systemClock,
      list: () => listedNodes(place, httpPort, this.#ports),
      isBack,
      say,
    });
    const everyMs = Math.min(LOOK_MS.most, Math.max(LOOK_MS.least, intervalMs));
    return { stop: repeat(systemClock, everyMs, inOrder), readNow: inOrder };
  }
}

async function untilListed(
  place: NodesPlace,
  httpPort: number,
  ports: ListingPorts,
): Promise<NodeEntry[]> {
  for (let said = "";;) {
    try {
      return await listedNodes(place, httpPort, ports);
    } catch (error) {
      if (error instanceof UsageError) throw error;
      const trouble = messageOf(error);
      if (trouble !== said) say(`${trouble}; asking on`);
      said = trouble;
      await sleepUntil(systemClock, systemClock.now() + RETRY_MS);
    }
  }
}
