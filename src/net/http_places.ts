/**
 * Which connections of an HTTP server are open, and which one goes when another wants its place: a
 * peer that is slow must not keep a scraper waiting. Pure but for the callback that ends one.
 */

/** Its request is awaited, is being answered by the handler, its response is sent, or was sent. */
export type PlaceState = "head" | "handler" | "response" | "linger";

/** An open connection. Times are of one monotonic clock, in ms. */
export interface Place {
  /** The peer's network: an IPv4 address, or an IPv6 prefix of 64 bits. */
  readonly network: string;
  readonly acceptedMs: number;
  state: PlaceState;
  /** When the peer last took a part of its response. */
  progressMs: number;
  /** Ends the connection at once. */
  end(): void;
}

/** A connection's request comes in its first packets: it is not ended for another for this long. */
export const HEAD_GRACE_MS = 500;
/**
 * Where few may be there, this many may wait to be accepted before a request, and they have had their
 * time after this long. Most of it they have spent in the queue.
 */
const WAITING_AHEAD = 2000;
const AHEAD_MS = 800;
const LEAST_GRACE_MS = 8;
/** So many that are ended may be open beside the limit. */
const ENDING_BESIDE = 4;
/** A response of which the peer took nothing for so long may be ended for another request. */
export const STALLED_MS = 250;

export class HttpPlaces {
  readonly limit: number;
  /** How long a connection's request is waited for before another may have its place, in ms. */
  readonly graceMs: number;
  /** In the order in which they were accepted. */
  #open = new Set<Place>();
  /** Ended for another connection, but their descriptors may not be closed yet. */
  #ending = new Set<Place>();
  /** How many of them each network holds. */
  #held = new Map<string, number>();
  #onChange: () => void = () => {};

  constructor(limit: number) {
    this.limit = limit;
    const shareMs = AHEAD_MS * limit / WAITING_AHEAD;
    this.graceMs = Math.max(LEAST_GRACE_MS, Math.min(HEAD_GRACE_MS, shareMs));
  }

  get size(): number {
    return this.#open.size;
  }

  get full(): boolean {
    return this.#open.size + Math.max(0, this.#ending.size - ENDING_BESIDE) >= this.limit;
  }

  [Symbol.iterator](): Iterator<Place> {
    return this.#open.values();
  }

  /** Later ones were accepted later. */
  add(place: Place): void {
    this.#open.add(place);
    this.#held.set(place.network, (this.#held.get(place.network) ?? 0) + 1);
  }

  /** A connection is over. */
  remove(place: Place): void {
    if (this.#ending.delete(place)) this.#onChange();
    else this.#leave(place);
  }

  #leave(place: Place): void {
    if (!this.#open.delete(place)) return;
    const left = (this.#held.get(place.network) ?? 0) - 1;
    if (left > 0) this.#held.set(place.network, left);
    else this.#held.delete(place.network);
    this.#onChange();
  }

  /** More were ended for others than may be open beside the limit. */
  get crowded(): boolean {
    return this.#ending.size > ENDING_BESIDE;
  }

  /** Counts those that were ended no longer: one of which a write hangs may never be over. */
  giveUpEnding(): void {
    this.#ending.clear();
  }

  /** Resolves when a connection is over; one caller at a time. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#onChange = resolve);
  }

  /**
   * Ends the connection that has the least claim to its place, for one from this network; false when
   * all have a claim.
   */
  makeRoom(nowMs: number, network: string): boolean {
    const place = this.#leastClaim(nowMs, network);
    if (place === null) return false;
    this.#end(place);
    return true;
  }

  /** Ends the response that has been stalled for the longest time; false when none is stalled. */
  endStalled(nowMs: number): boolean {
    let longest: Place | null = null;
    for (const place of this.#open) {
      if (!isStalled(place, nowMs)) continue;
      if (longest === null || place.progressMs < longest.progressMs) longest = place;
    }
    if (longest === null) return false;
    this.#end(longest);
    return true;
  }

  #end(place: Place): void {
    this.#leave(place);
    this.#ending.add(place);
    place.end();
  }

  /**
   * In the network that holds the most places: the oldest connection without a request, else the
   * oldest that was answered, else the oldest stalled response; for another network, where that one
   * holds more than half of all places, whatever it began first. Then the same in all networks.
   */
  #leastClaim(nowMs: number, network: string): Place | null {
    const busiest = this.#busiest();
    return this.#dispensable(nowMs, busiest) ??
      (busiest !== network && 2 * (this.#held.get(busiest) ?? 0) > this.limit
        ? this.#oldestOf(busiest)
        : null) ??
      (this.#held.size > 1 ? this.#dispensable(nowMs, null) : null);
  }

  #busiest(): string {
    let busiest = "";
    let most = 0;
    for (const [network, places] of this.#held) {
      if (places > most) [busiest, most] = [network, places];
    }
    return busiest;
  }

  /** Of a network, or of all. */
  #dispensable(nowMs: number, network: string | null): Place | null {
    let answered: Place | null = null;
    let stalled: Place | null = null;
    for (const place of this.#open) {
      if (nowMs - place.acceptedMs < this.graceMs) break;
      if (network !== null && place.network !== network) continue;
      if (place.state === "head") return place;
      if (place.state === "linger") answered ??= place;
      else if (isStalled(place, nowMs)) stalled ??= place;
    }
    return answered ?? stalled;
  }

  #oldestOf(network: string): Place | null {
    for (const place of this.#open) if (place.network === network) return place;
    return null;
  }
}

function isStalled({ state, progressMs }: Place, nowMs: number): boolean {
  return state === "response" && nowMs - progressMs >= STALLED_MS;
}

/** The network that a peer's address counts for: a host has all of an IPv6 prefix of 64 bits. */
export function networkOf(bytes: Uint8Array): string {
  return (bytes.length === 16 ? bytes.subarray(0, 8) : bytes).join(".");
}
