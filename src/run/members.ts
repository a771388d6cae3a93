/** The members of targets that stand for several: SRV names, and names of which each address counts. */
import { hostPort, seriesKey, type Target } from "../domain/target.ts";
import { ADDRESS_LABEL } from "../input/target_text.ts";
import type { Family, Resolver, SrvMember } from "../net/resolver.ts";
import { messageOf } from "../text/quote.ts";
import { fewAtOnce } from "../time/turns.ts";

/** More members of one name are not probed. */
const MAX_MEMBERS = 256;
/** Members are looked up again this often, in ms, where `--resolve-every` says nothing else. */
export const FOLLOW_MS = 30_000;

/** Names looked up at once; the gate has its own limit for those that are asked of the system's resolver. */
const LOOKED_UP_AT_ONCE = 32;

export interface MemberPorts {
  readonly resolver: Resolver;
  srv(name: string): Promise<SrvMember[]>;
  /** Something worth a line on stderr. */
  say(text: string): void;
}

/** The members found last, by the target that stands for them. */
export type KnownMembers = Map<Target, readonly Target[]>;

/**
 * Looks up the members of all targets that stand for several, and puts them into `known`. A name that
 * cannot be looked up keeps those from before. Never rejects. `onLookedUp` is called behind each name.
 */
export async function lookUpMembers(
  targets: readonly Target[],
  family: Family,
  known: KnownMembers,
  ports: MemberPorts,
  onLookedUp: (target: Target) => void = () => {},
): Promise<void> {
  const several = targets.filter(({ standsFor }) => standsFor !== undefined);
  await fewAtOnce(LOOKED_UP_AT_ONCE, several, async (target) => {
    await lookUp(target, family, known, ports);
    onLookedUp(target);
  });
}

/**
 * The targets with known members in the place of those that stand for several. One without known
 * members stays, and fails as any unknown name does.
 */
export function withMembers(targets: readonly Target[], known: KnownMembers): Target[] {
  const all = new Map<string, Target>();
  for (const target of targets) {
    for (const member of known.get(target) ?? [target]) all.set(seriesKey(member), member);
  }
  return [...all.values()];
}

async function lookUp(
  target: Target,
  family: Family,
  known: KnownMembers,
  { resolver, srv, say }: MemberPorts,
): Promise<void> {
  const before = known.get(target) ?? [];
  try {
    const found = target.standsFor === "srv"
      ? (await srv(target.host)).map((member) => memberOf(target, member))
      : (await resolver.resolve(target.host, family)).map((address) => addressOf(target, address));
    const members = found.slice(0, MAX_MEMBERS);
    if (members.length === 0) return;
    if (before.length > 0) sayChange(target, before, members, say);
    // Known ones stay the same objects, and so keep their statistics.
    const same = new Map(before.map((member) => [seriesKey(member), member]));
    known.set(target, members.map((member) => same.get(seriesKey(member)) ?? member));
  } catch (error) {
    if (before.length > 0) return;
    say(`${target.name}: cannot resolve ${target.host}: ${messageOf(error)}`);
  }
}

function memberOf({ name, host, az, labels }: Target, { host: member, port }: SrvMember): Target {
  const place = hostPort(member, port);
  const own = name === `srv:${host}` ? place : `${name}@${place}`;
  return { name: own, host: member, port, az, labels };
}

function addressOf({ name, port, az, labels }: Target, address: string): Target {
  const label = [ADDRESS_LABEL, address] as const;
  return { name: `${name}@${address}`, host: address, port, az, labels: [...labels, label] };
}

function sayChange(
  { name }: Target,
  before: readonly Target[],
  now: readonly Target[],
  say: (text: string) => void,
): void {
  const [old, fresh] = [before, now].map((members) => new Set(members.map(seriesKey)));
  const added = now.filter((member) => !old.has(seriesKey(member))).map(({ name }) => `+${name}`);
  const gone = before.filter((member) => !fresh.has(seriesKey(member))).map(({ name }) =>
    `-${name}`
  );
  const changes = [...added, ...gone];
  if (changes.length > 0) say(`${name}: now ${now.length} members: ${changes.join(" ")}`);
}
