/** The nodes of a mesh in the order they are drawn: by group, then by name. */

export interface MeshNode {
  readonly name: string;
  /** The availability zone among them, as `az`. */
  readonly labels: ReadonlyMap<string, string>;
}

/** Neighbours in the drawing that share a label's value: nodes from..to-1. */
export interface Group {
  /** The label's value; empty for the nodes that lack the label. */
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

export interface Arrangement {
  readonly nodes: readonly MeshNode[];
  /** The label that made the groups. */
  readonly key: string;
  readonly groups: readonly Group[];
}

/** Groups by the value of one label. */
export function arrange(nodes: readonly MeshNode[], key: string): Arrangement {
  // Numbers within names count as numbers: node-2 comes before node-10. (Made here, since it takes milliseconds.)
  const natural = new Intl.Collator("en", { numeric: true });
  const valueOf = (node: MeshNode) => node.labels.get(key) ?? "";
  const sorted = nodes.toSorted((a, b) =>
    natural.compare(valueOf(a), valueOf(b)) || natural.compare(a.name, b.name)
  );
  const groups: Group[] = [];
  for (let from = 0; from < sorted.length;) {
    const name = valueOf(sorted[from]);
    let to = from;
    while (to < sorted.length && valueOf(sorted[to]) === name) to++;
    groups.push({ name, from, to });
    from = to;
  }
  return { nodes: sorted, key, groups };
}

/** A group as it is shown. */
export function groupTitle(group: Group): string {
  return group.name === "" ? "(none)" : group.name;
}
