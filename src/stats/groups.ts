/** Which targets belong together: by zone and by label, where these tell targets apart. */
import type { Label, Target } from "../domain/target.ts";

/** A label with more values than this names targets rather than groups of them. */
export const MAX_GROUPS_PER_KEY = 256;
/** Labels that make groups: the zone and the first ones met. Each costs a merge of every target. */
export const MAX_GROUPING_KEYS = 16;

/** Things whose targets have a label in common. */
export interface Group<T> {
  readonly label: Label;
  readonly members: readonly T[];
}

export interface Grouping<T> {
  /** The zones first, then label by label as they were met; values in the order of the alphabet. */
  readonly groups: readonly Group<T>[];
  /** Labels of which no groups are made, since they or their values are too many. */
  readonly ungrouped: readonly string[];
}

/** Groups things by their targets' zones and labels. A group that would hold all of them is left out. */
export function groupsOf<T extends { readonly target: Target }>(all: readonly T[]): Grouping<T> {
  const byKey = new Map([["az", new Map<string, T[]>()]]);
  const ungrouped = new Set<string>();
  const add = ([key, value]: Label, one: T) => {
    if (ungrouped.has(key)) return;
    if (!byKey.has(key) && byKey.size < MAX_GROUPING_KEYS) byKey.set(key, new Map());
    const byValue = byKey.get(key);
    const members = byValue?.get(value);
    if (members !== undefined) members.push(one);
    else if (byValue !== undefined && byValue.size < MAX_GROUPS_PER_KEY) byValue.set(value, [one]);
    else {
      ungrouped.add(key);
      byKey.delete(key);
    }
  };
  for (const one of all) {
    add(["az", one.target.az], one);
    for (const label of one.target.labels) add(label, one);
  }
  const groups = [...byKey].flatMap(([key, byValue]) =>
    [...byValue].sort(([a], [b]) => a < b ? -1 : 1)
      .map(([value, members]): Group<T> => ({ label: [key, value], members }))
      .filter(({ members }) => members.length < all.length)
  );
  return { groups, ungrouped: [...ungrouped] };
}
