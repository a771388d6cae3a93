/**
 * The groups that connections belong to: a key of a few words each, and the figures of the reading
 * under way, in arrays that grow up to a bound. A connection without a place belongs to group 0,
 * the others.
 */

import { addressText } from "../domain/address.ts";
import type { Endpoint } from "../domain/target.ts";

/** Where a socket's remote address lies. */
export interface PeerAddress {
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly v4: boolean;
  readonly port: number;
}

/** Groups there may be beside group 0, with which they fill arrays of a power of two. */
export const MAX_GROUPS = 16_383;
const FIRST_GROUPS = 64;
/** The group of connections without a place. */
export const OVERFLOW_GROUP = 0;

/** The words of a key. */
export const KEY = {
  /** 1: out, 2: in */
  direction: 0,
  /** 4, 6, or 0 where the peer's address does not count. */
  family: 1,
  localPort: 2,
  peerPort: 3,
  /** Of a link-local peer: the interface's index. */
  zone: 4,
  /** Four words, in network byte order. */
  address: 5,
} as const;
export const KEY_WORDS = 9;
/** In `localPort` and `peerPort`: it does not count. */
export const ANY_PORT = 0x10000;

/** A group's figures of one reading. */
export const SUM = {
  connections: 0,
  opened: 1,
  closed: 2,
  connecting: 3,
  closeWait: 4,
  /** Connections that were in CLOSE_WAIT at the reading before, too. */
  closeWaitLong: 5,
  segmentsOut: 6,
  dataSegmentsOut: 7,
  retransmitted: 8,
  /** Of these, segments that the peer had already. */
  duplicates: 9,
  bytesOut: 10,
  bytesIn: 11,
  /** µs */
  observed: 12,
  busy: 13,
  receiverLimited: 14,
  sendBufferLimited: 15,
  /** Connections that were held back for most of the interval. */
  heldByReceiver: 16,
  heldBySendBuffer: 17,
  /** µs; 0 for none. */
  minRtt: 18,
  /** µs, and how many it is the sum of. */
  rttVariance: 19,
  varianceCount: 20,
  /** Connections that sent in bulk, and those whose round trip is far above their minimum. */
  bulk: 21,
  queueing: 22,
  /** µs, over those: the sums of round trips and of minima. */
  queueingRtt: 23,
  queueingMin: 24,
  /** SYNs sent again by connects that still wait, and the most of one. */
  synsRepeated: 25,
  mostSynsRepeated: 26,
  /** An inode of one of its sockets; 0 for none. */
  inode: 27,
  /** The slowest of its connections, in µs, and the most that one has sent again. */
  slowest: 28,
  mostRetransmitted: 29,
} as const;
export const SUMS = 30;

/** Peers of connections that are worth a closer look; KEY's words from `peerPort` on. */
export const PEER = { slowest: 0, mostRetransmitted: 1 } as const;
const PEERS = 2;
const PEER_WORDS = 7;

export class GroupTable {
  keys = new Uint32Array(FIRST_GROUPS * KEY_WORDS);
  sums = new Float64Array(FIRST_GROUPS * SUMS);
  #peers = new Uint32Array(FIRST_GROUPS * PEERS * PEER_WORDS);
  /** The key that `place` looks for; to be filled before. */
  readonly key = new Uint32Array(KEY_WORDS);
  /** The next group of the bucket, or the next free one, plus 1. */
  #next = new Uint32Array(FIRST_GROUPS);
  #heads = new Uint32Array(FIRST_GROUPS * 2);
  #taken = new Uint8Array(FIRST_GROUPS);
  #capacity = FIRST_GROUPS;
  /** Group 0 is always there. */
  #used = 1;
  #free = 0;
  readonly #maxGroups: number;

  constructor(maxGroups: number = MAX_GROUPS) {
    this.#maxGroups = maxGroups;
  }

  /** Indices below this are groups, or free. */
  get end(): number {
    return this.#used;
  }

  isTaken(group: number): boolean {
    return this.#taken[group] === 1;
  }

  /** The group of `key`, made where there is none; group 0 where there are too many. */
  place(): number {
    const bucket = this.#bucket(this.key, 0);
    for (let link = this.#heads[bucket]; link !== 0; link = this.#next[link - 1]) {
      if (this.#is(link - 1)) return link - 1;
    }
    if (this.#free === 0 && this.#used > this.#maxGroups) return OVERFLOW_GROUP;
    if (this.#free === 0 && this.#used === this.#capacity) this.#grow();
    let group = this.#used;
    if (this.#free === 0) this.#used++;
    else {
      group = this.#free - 1;
      this.#free = this.#next[group];
    }
    this.keys.set(this.key, group * KEY_WORDS);
    this.sums.fill(0, group * SUMS, (group + 1) * SUMS);
    this.#taken[group] = 1;
    this.#link(group);
    return group;
  }

  /** Forgets a group; no row may refer to it any more. */
  release(group: number): void {
    const bucket = this.#bucket(this.keys, group * KEY_WORDS);
    let link = this.#heads[bucket];
    if (link === group + 1) this.#heads[bucket] = this.#next[group];
    else {
      while (this.#next[link - 1] !== group + 1) link = this.#next[link - 1];
      this.#next[link - 1] = this.#next[group];
    }
    this.#taken[group] = 0;
    this.#next[group] = this.#free;
    this.#free = group + 1;
  }

  /** Notes the peer at `address` and `port` as one of the group's `PEER`s. */
  notePeer(group: number, which: number, peer: PeerAddress): void {
    const at = (group * PEERS + which) * PEER_WORDS;
    this.#peers[at] = peer.port;
    this.#peers[at + 1] = peer.v4 ? 4 : 6;
    for (let i = 0; i < 16; i++) {
      const word = at + 3 + (i >> 2);
      const byte = i < (peer.v4 ? 4 : 16) ? peer.bytes[peer.at + i] : 0;
      this.#peers[word] = (this.#peers[word] << 8 | byte) >>> 0;
    }
  }

  /** The address and port of one of the group's `PEER`s; null where none was noted. */
  peer(group: number, which: number): Endpoint | null {
    const at = (group * PEERS + which) * PEER_WORDS;
    const family = this.#peers[at + 1];
    if (family !== 4 && family !== 6) return null;
    const bytes = new Uint8Array(family === 4 ? 4 : 16);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < bytes.length / 4; i++) view.setUint32(4 * i, this.#peers[at + 3 + i]);
    return { address: addressText(bytes), family, bytes, port: this.#peers[at] };
  }

  /** All figures to 0. */
  clear(): void {
    this.sums.fill(0, 0, this.#used * SUMS);
    this.#peers.fill(0, 0, this.#used * PEERS * PEER_WORDS);
  }

  #is(group: number): boolean {
    const at = group * KEY_WORDS;
    for (let i = 0; i < KEY_WORDS; i++) if (this.keys[at + i] !== this.key[i]) return false;
    return true;
  }

  #link(group: number): void {
    const bucket = this.#bucket(this.keys, group * KEY_WORDS);
    this.#next[group] = this.#heads[bucket];
    this.#heads[bucket] = group + 1;
  }

  /** FNV-1a by words, its upper bits folded in. */
  #bucket(words: Uint32Array, at: number): number {
    let hash = 0x811c9dc5;
    for (let i = 0; i < KEY_WORDS; i++) hash = Math.imul(hash ^ words[at + i], 0x01000193);
    return (hash ^ hash >>> 15) & this.#heads.length - 1;
  }

  #grow(): void {
    this.#capacity *= 2;
    const keys = new Uint32Array(this.#capacity * KEY_WORDS);
    keys.set(this.keys);
    const sums = new Float64Array(this.#capacity * SUMS);
    sums.set(this.sums);
    const taken = new Uint8Array(this.#capacity);
    taken.set(this.#taken);
    const peers = new Uint32Array(this.#capacity * PEERS * PEER_WORDS);
    peers.set(this.#peers);
    this.keys = keys;
    this.sums = sums;
    this.#peers = peers;
    this.#taken = taken;
    this.#next = new Uint32Array(this.#capacity);
    this.#heads = new Uint32Array(this.#capacity * 2);
    // No group is free when the table grows.
    for (let group = 1; group < this.#used; group++) this.#link(group);
  }
}
