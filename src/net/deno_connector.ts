/** Handshakes by `Deno.connect`, with the kernel's figures where the platform has them. */
import { outcomeOfErrno } from "../domain/outcome.ts";
import { NONE } from "../domain/probe_record.ts";
import type { Endpoint } from "../domain/target.ts";
import { ErrnoError, errnoName, openErrorText } from "../kernel/errno.ts";
import { ERRNO } from "../kernel/linux.ts";
import { LocalRoutes } from "../kernel/local_route.ts";
import { endsWithScope } from "../kernel/scope.ts";
import type { TcpInfo, TcpSockets } from "../kernel/tcp_info.ts";
import type { CloseKind, Connector, HandshakeObserver, HandshakeSample } from "./connector.ts";
import { LateAbort } from "./late_abort.ts";

/** Abort signals kept for the next handshake; more than ever wait at once are not worth keeping. */
const MAX_SPARE = 1024;

/** A handshake under way. */
interface Attempt {
  readonly endpoint: Endpoint;
  readonly abort: LateAbort;
  /** Its descriptor as far as it can be foretold, or NONE. */
  readonly guess: number;
  /** Null once it has been told, or the handshake was cancelled. */
  observer: HandshakeObserver | null;
}

/**
 * The runtime does 128 pieces of input and output a turn, two a handshake: with more than 64 it
 * falls behind for good (`task bench:scale`).
 */
const SENDS_A_TURN = 48;

export class DenoConnector implements Connector {
  readonly sendsATurn = SENDS_A_TURN;
  #sockets: TcpSockets | null;
  #routes: LocalRoutes | null;
  #errorText = openErrorText();
  #close: CloseKind;
  /** By handle. */
  #attempts: (Attempt | null)[] = [];
  #freeHandles: number[] = [];
  /** Signals that were not used. A signal costs more than all other objects of a handshake. */
  #spare: LateAbort[] = [];
  #sample: HandshakeSample = { rttUs: NONE, synRetransmits: NONE };
  #info: TcpInfo = { rttUs: 0, retransmits: 0, closed: false };
  /** Calls of the runtime that have not returned; those of cancelled handshakes are among them. */
  #calls = 0;
  #idle: () => void = () => {};

  /** `sockets` is null where the kernel's figures cannot be had; then only "fin" can be asked for. */
  constructor(sockets: TcpSockets | null, close: CloseKind) {
    this.#sockets = sockets;
    this.#routes = sockets === null ? null : LocalRoutes.open();
    this.#close = close;
    endsWithScope(() => this.#returned());
  }

  connect(endpoint: Endpoint, observer: HandshakeObserver): number {
    const handle = this.#freeHandles.pop() ?? this.#attempts.length;
    const abort = this.#spare.pop() ?? new LateAbort();
    // The runtime opens the socket before it returns, so the descriptor is known beforehand.
    const guess = this.#sockets === null ? NONE : this.#sockets.search.next();
    const attempt: Attempt = { endpoint, abort, guess, observer };
    this.#attempts[handle] = attempt;
    const { signal } = abort;
    this.#calls++;
    Deno.connect({ hostname: endpoint.address, port: endpoint.port, signal }).then(
      (connection) => this.#connected(handle, attempt, connection),
      (error) => {
        this.#failed(this.#take(handle, attempt), endpoint, error);
        this.#leave();
      },
    );
    return handle;
  }

  poll(handle: number): boolean {
    const attempt = this.#attempts[handle];
    const sockets = this.#sockets;
    if (attempt === null || sockets === null) return false;
    const { guess, endpoint, abort } = attempt;
    const answered = sockets.search.isConnected(guess, endpoint) &&
      this.#readSample(sockets, guess);
    const errno = answered ? 0 : sockets.heldError(guess, endpoint);
    if (!answered && errno === 0) return false;
    const observer = this.#take(handle, attempt);
    abort.abort();
    if (answered) observer?.established(this.#sample);
    else observer?.failed(new ErrnoError("connect", errno, this.#errorText?.(errno)));
    return true;
  }

  cancel(handle: number): void {
    const attempt = this.#attempts[handle];
    if (attempt === null) return;
    this.#take(handle, attempt);
    attempt.abort.abort();
  }

  /** Resolves when every call of the runtime has returned. */
  #returned(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle = resolve;
      if (this.#calls === 0) resolve();
    });
  }

  #leave(): void {
    if (--this.#calls === 0) this.#idle();
  }

  #connected(handle: number, attempt: Attempt, connection: Deno.TcpConn): void {
    const { abort, endpoint } = attempt;
    if (!abort.signal.aborted && this.#spare.length < MAX_SPARE) this.#spare.push(abort);
    const observer = this.#take(handle, attempt);
    const sockets = this.#sockets;
    const descriptor = sockets === null || observer === null && this.#close === "fin"
      ? NONE
      : sockets.search.find(connection.localAddr.port, endpoint, attempt.guess);
    if (observer !== null) {
      if (sockets === null || !this.#readSample(sockets, descriptor)) {
        this.#sample.rttUs = this.#sample.synRetransmits = NONE;
      }
      observer.established(this.#sample);
    }
    if (this.#close === "rst") sockets?.resetOnClose(descriptor);
    connection.close();
    this.#leave();
  }

  /**
   * Tells an error, or that this machine refused the handshake. An errno that can stand for an ICMP
   * error as well (EACCES: a prohibit route, or ICMPv6 "administratively prohibited") is settled by
   * the routes. One that stands for none is local anyway.
   */
  #failed(observer: HandshakeObserver | null, endpoint: Endpoint, error: unknown): void {
    const code = errnoName(error);
    // The runtime looks an address with a zone up: without that interface there is none.
    if (code === "" && endpoint.address.includes("%")) {
      observer?.notSent(new ErrnoError("connect", ERRNO.ENODEV));
      return;
    }
    const here = outcomeOfErrno(code) === "unreachable" && this.#routes?.refuse(endpoint) === true;
    if (here) observer?.notSent(error);
    else observer?.failed(error);
  }

  /** The observer of an attempt; null if it was taken before. Frees the attempt's handle. */
  #take(handle: number, attempt: Attempt): HandshakeObserver | null {
    const { observer } = attempt;
    if (observer === null) return null;
    attempt.observer = null;
    this.#attempts[handle] = null;
    this.#freeHandles.push(handle);
    return observer;
  }

  /** False, and nothing written, for what has no handshake behind it. */
  #readSample(sockets: TcpSockets, descriptor: number): boolean {
    const info = this.#info;
    if (!sockets.info(descriptor, info)) return false;
    this.#sample.rttUs = info.rttUs > 0 ? info.rttUs : NONE;
    this.#sample.synRetransmits = info.retransmits;
    return true;
  }
}
