/** The members of targets that stand for several: SRV names, and names of which each address counts. */
import { hostPort, seriesKey, type Target } from "../domain/target.ts";
import { ADDRESS_LABEL } from "../input/target_text.ts";
import {
  type Family,
  type Resolver,
  resolveSrv,
  type SrvMember,
  systemResolver,
} from "../net/resolver.ts";
import { messageOf } from "../text/quote.ts";

/** More members of one name are not probed. */
const MAX_MEMBERS = 256;
/** Members are looked up again this often, in ms, where `--resolve-every` says nothing else. */
export const FOLLOW_MS = 30_000;

export interface MemberPorts {
  readonly resolver: Resolver;
  srv(name: string): Promise<SrvMember[]>;
  /** Something worth a line on stderr. */
  say(text: string): void;
}

export const systemMembers = (say: (text: string) => void): MemberPorts => ({
  resolver: systemResolver,
  srv: resolveSrv,
  say,
});

/** By the name that stands for them, what was found last. */
export type KnownMembers = Map<Target, readonly Target[]>;

/**
 * The targets with members in the place of those that stand for several. A name that cannot be looked
 * up keeps the members `known` from before; without any it stays, and fails as any unknown name does.
 */
export async function withMembers(
  targets: readonly Target[],
  family: Family,
  known: KnownMembers,
  ports: MemberPorts,
): Promise<Target[]> {
  if (targets.every(({ standsFor }) => standsFor === undefined)) return [...targets];
  const all = new Map<string, Target>();
  for (const target of targets) {
    for (const member of await membersOf(target, family, known, ports)) {
      all.set(seriesKey(member), member);
    }
  }
  return [...all.values()];
}

async function membersOf(
  target: Target,
  family: Family,
  known: KnownMembers,
  { resolver, srv, say }: MemberPorts,
): Promise<readonly Target[]> {
  if (target.standsFor === undefined) return [target];
  const before = known.get(target) ?? [];
  try {
    const found = target.standsFor === "srv"
      ? (await srv(target.host)).map((member) => memberOf(target, member))
      : (await resolver.resolve(target.host, family)).map((address) => addressOf(target, address));
    const members = found.slice(0, MAX_MEMBERS);
    if (members.length === 0) return before.length > 0 ? before : [target];
    if (before.length > 0) sayChange(target, before, members, say);
    // Known ones stay the same objects, and so keep their statistics.
    const same = new Map(before.map((member) => [seriesKey(member), member]));
    const kept = members.map((member) => same.get(seriesKey(member)) ?? member);
    known.set(target, kept);
    return kept;
  } catch (error) {
    if (before.length === 0) {
      say(`${target.name}: cannot resolve ${target.host}: ${messageOf(error)}`);
    }
    return before.length > 0 ? before : [target];
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
