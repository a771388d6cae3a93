/** Which group a connection belongs to, and what the group is called. */
import { addressText } from "../domain/address.ts";
import {
  type ConnectionDirection,
  type Grouping,
  OTHERS,
  PREFIX_BITS,
} from "../domain/connection.ts";
import { hostPort } from "../domain/target.ts";
import type { DiagSocket } from "../kernel/sock_diag.ts";
import { ANY_PORT, type GroupTable, KEY, KEY_WORDS, OVERFLOW_GROUP } from "./group_table.ts";

export const OUT = 1;
const IN = 2;

/** A peer, or a network of them: 4 or 16 bytes, how many leading bits count, and a port; null for any. */
export interface PeerFilter {
  readonly bytes: Uint8Array;
  readonly bits: number;
  readonly port: number | null;
}

/** What connections are looked at. Null: all. */
export interface ConnectionFilter {
  /** Those with one of these peers. */
  readonly peers: readonly PeerFilter[] | null;
  /** The service's port: the remote one of `out`, the local one of `in`. */
  readonly port: number | null;
  /** Only connections that a listening port accepted. */
  readonly listening: boolean;
}

/** Writes the key of a connection's group into the table's `key`. */
export function writeKey(
  { key }: GroupTable,
  socket: DiagSocket,
  direction: ConnectionDirection,
  by: Grouping,
): void {
  const out = direction === "out";
  key.fill(0);
  key[KEY.direction] = out ? OUT : IN;
  const whole = by === "connection";
  key[KEY.localPort] = out && !whole ? ANY_PORT : socket.localPort;
  key[KEY.peerPort] = out || whole ? socket.remotePort : ANY_PORT;
  if (by === "service") return;
  const { bytes, remoteAt: at, v4 } = socket;
  key[KEY.family] = v4 ? 4 : 6;
  const bits = by === "prefix" ? PREFIX_BITS[v4 ? 4 : 6] : 128;
  for (let i = 0; i < (v4 ? 1 : 4); i++) {
    const from = at + 4 * i;
    const word = (bytes[from] << 24 | bytes[from + 1] << 16 | bytes[from + 2] << 8 |
      bytes[from + 3]) >>> 0;
    const kept = Math.max(0, Math.min(32, bits - 32 * i));
    key[KEY.address + i] = kept === 32 ? word : kept === 0 ? 0 : word & -1 << 32 - kept;
  }
  // fe80::/10 is another network on each interface.
  if (!v4 && bytes[at] === 0xfe && (bytes[at + 1] & 0xc0) === 0x80) {
    key[KEY.zone] = socket.interfaceIndex;
  }
}

/** Whether a connection is among those looked at. */
export function isLookedAt(
  socket: DiagSocket,
  direction: ConnectionDirection,
  { peers, port, listening }: ConnectionFilter,
): boolean {
  if (listening && direction === "out") return false;
  const service = direction === "out" ? socket.remotePort : socket.localPort;
  if (port !== null && service !== port) return false;
  if (peers === null) return true;
  for (const peer of peers) {
    if (isPeer(socket, peer)) return true;
  }
  return false;
}

function isPeer(socket: DiagSocket, { bytes, bits, port }: PeerFilter): boolean {
  if (port !== null && socket.remotePort !== port) return false;
  return isWithin(socket, bytes, bits);
}

/** Whether the leading bits of the remote address are these. */
function isWithin(
  { bytes, v4, remoteAt: at }: DiagSocket,
  prefix: Uint8Array,
  bits: number,
): boolean {
  if (v4 !== (prefix.length === 4)) return false;
  for (let i = 0; i < prefix.length && 8 * i < bits; i++) {
    const kept = Math.min(8, bits - 8 * i);
    const mask = 0xff00 >> kept & 0xff;
    if (((bytes[at + i] ^ prefix[i]) & mask) !== 0) return false;
  }
  return true;
}

/** What a group's key says. */
export interface GroupIdentity {
  readonly group: string;
  readonly direction: ConnectionDirection | null;
  readonly localPort: number | null;
  readonly peer: string | null;
  readonly peerPort: number | null;
}

/** The group of all that is not shown by itself. */
export const OTHERS_IDENTITY: GroupIdentity = {
  group: OTHERS,
  direction: null,
  localPort: null,
  peer: null,
  peerPort: null,
};

/** The names of a group, from its key. */
export function identityOf({ keys }: GroupTable, group: number, by: Grouping): GroupIdentity {
  if (group === OVERFLOW_GROUP) return OTHERS_IDENTITY;
  const key = keys.subarray(group * KEY_WORDS, (group + 1) * KEY_WORDS);
  const direction = key[KEY.direction] === OUT ? "out" : "in";
  const localPort = portOf(key[KEY.localPort]);
  const peerPort = portOf(key[KEY.peerPort]);
  const peer = peerText(key, by);
  return {
    group: name(direction, localPort, peer, peerPort),
    direction,
    localPort,
    peer,
    peerPort,
  };
}

function portOf(word: number): number | null {
  return word === ANY_PORT ? null : word;
}

function peerText(key: Uint32Array, by: Grouping): string | null {
  const family = key[KEY.family];
  if (family === 0) return null;
  const bytes = new Uint8Array(family === 4 ? 4 : 16);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < bytes.length / 4; i++) view.setUint32(4 * i, key[KEY.address + i]);
  const zone = key[KEY.zone] === 0 ? "" : `%${key[KEY.zone]}`;
  const bits = by === "prefix" ? `/${PREFIX_BITS[family === 4 ? 4 : 6]}` : "";
  return `${addressText(bytes)}${zone}${bits}`;
}

function name(
  direction: ConnectionDirection,
  localPort: number | null,
  peer: string | null,
  peerPort: number | null,
): string {
  const remote = peerPort === null
    ? peer
    : peer === null
    ? `:${peerPort}`
    : hostPort(peer, peerPort);
  const local = localPort === null ? null : `:${localPort}`;
  const [first, second] = direction === "out" ? [remote, local] : [local, remote];
  return second === null ? `${first}` : `${first} from ${second}`;
}
