/**
 * A datagram socket to a receiver that is named: the name is looked up again and again, so that a
 * receiver that moves is followed. No send waits for a look-up; until the first one has ended, sends are early.
 */
import type { Endpoint } from "../domain/target.ts";
import type { DatagramSocket, Sent } from "../kernel/udp_socket.ts";
import { messageOf, shown } from "../text/quote.ts";
import type { Cancel, Clock } from "../time/clock.ts";

/** Between two look-ups, in ms: a receiver that moves is found within twice this. */
const FOLLOW_MS = 4000;

export interface FollowParts {
  readonly clock: Clock;
  /** The receiver's addresses now, at least one; rejects when there is none. */
  lookUp(): Promise<readonly Endpoint[]>;
  open(endpoint: Endpoint): DatagramSocket;
  /** The receiver has another address. */
  onMoved(address: string): void;
}

export class FollowedSocket implements DatagramSocket {
  #parts: FollowParts;
  #socket: DatagramSocket | null = null;
  #address = "";
  #reason = "its name is not looked up yet";
  #known = Promise.withResolvers<void>();
  #early = true;
  #timer: Cancel = () => {};
  #closed = false;

  constructor(parts: FollowParts) {
    this.#parts = parts;
    this.#follow();
  }

  get failure(): string {
    return this.#socket?.failure ?? this.#reason;
  }

  get known(): Promise<void> {
    return this.#known.promise;
  }

  send(bytes: Uint8Array<ArrayBuffer>, length: number): Sent {
    return this.#socket?.send(bytes, length) ?? (this.#early ? "early" : "failed");
  }

  lastIsLost(): boolean {
    return this.#socket?.lastIsLost() ?? false;
  }

  close(): void {
    this.#closed = true;
    this.#timer();
    this.#socket?.close();
  }

  async #follow(): Promise<void> {
    const { clock, lookUp, open, onMoved } = this.#parts;
    try {
      const endpoints = await lookUp();
      if (this.#closed) return;
      if (!endpoints.some(({ address }) => address === this.#address)) {
        if (this.#address !== "") onMoved(endpoints[0].address);
        this.#address = endpoints[0].address;
        this.#socket?.close();
        this.#socket = open(endpoints[0]);
      }
    } catch (error) {
      this.#reason = shown(messageOf(error));
    }
    this.#early = false;
    this.#known.resolve();
    if (!this.#closed) this.#timer = clock.wakeAt(clock.now() + FOLLOW_MS, () => this.#follow());
  }
}
