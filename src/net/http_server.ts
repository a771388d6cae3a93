/**
 * A small HTTP/1.1 server for pages that machines fetch: GET and HEAD, one request a connection,
 * and a bound on everything a peer can make it hold. `Deno.serve` has no time limit for a request's
 * head or a response's writing, and no limit of connections.
 */
import { messageOf } from "../text/quote.ts";
import type { BreakOff } from "../kernel/break_off.ts";
import { type Clock, sleepUntil } from "../time/clock.ts";
import { Deadlines } from "../time/deadlines.ts";
import { literalEndpoint } from "../domain/address.ts";
import { HTTP_LIMITS, type HttpLimits } from "./http_limits.ts";
import { HttpPlaces, networkOf, type Place } from "./http_places.ts";
import type { HttpAccess } from "./http_access.ts";
import { headEnd, type HttpRefusal, type HttpRequest, parseHead } from "./http_request.ts";
import { headOf, type HttpResponse, textResponse } from "./http_response.ts";
import { listening, listenOn } from "./listener.ts";

/** Room for a head that is read; a longer one gets `headBytes`. */
const USUAL_HEAD_BYTES = 1024;
/** How much is read at once of what a peer sends after its request. */
const IGNORED_BYTES = 4096;

/** The sender of a request. */
export interface Asker {
  readonly address: string;
  /** Is told when the asker left while its answer was being made. */
  readonly gone: AbortSignal;
}

export type HttpHandler = (request: HttpRequest, asker: Asker) => Promise<HttpResponse>;

const TOO_SLOW: HttpRefusal = { status: 408, reason: "the request did not end in time" };

/** What a server needs besides its address and its handler. */
export interface HttpPorts {
  readonly clock: Clock;
  /** Without it, a peer that stops reading keeps its place among the connections until it goes. */
  readonly breakOff: BreakOff | null;
  readonly access: HttpAccess;
  readonly limits?: HttpLimits;
}

/** Connections that may wait to be accepted. */
const BACKLOG = 4096;
/** How long to leave the backlog alone after accepting has failed. */
const BACK_OFF_MS = 50;

export class HttpServer {
  #listener: Deno.TcpListener;
  #handler: HttpHandler;
  #clock: Clock;
  #breakOff: BreakOff | null;
  #access: HttpAccess;
  #limits: HttpLimits;
  #places: HttpPlaces;
  /** Of the requests that are awaited. */
  #heads: Deadlines<(refusal: HttpRefusal) => void>;
  #closed = false;
  /** Buffers of heads that were read, for the next ones. */
  #spare: Uint8Array<ArrayBuffer>[] = [];
  /** Where bytes behind a request are read into; all connections share it, and nothing reads it. */
  #ignored = new Uint8Array(IGNORED_BYTES);

  /**
   * Listens and serves until `close()`; throws SystemError when the address cannot be had. A
   * handler must end by itself; one that rejects is answered for with 500.
   */
  constructor(
    address: string,
    port: number,
    handler: HttpHandler,
    { clock, breakOff, access, limits = HTTP_LIMITS }: HttpPorts,
  ) {
    this.#listener = listenOn([address], port, listening(BACKLOG))[0];
    this.#handler = handler;
    this.#clock = clock;
    this.#breakOff = breakOff;
    this.#access = access;
    this.#limits = limits;
    this.#places = new HttpPlaces(limits.connections);
    this.#heads = new Deadlines(clock, limits.headMs, (refuse) => refuse(TOO_SLOW));
    this.#accept();
  }

  /** The port listened on, which is the system's choice where 0 was asked for. */
  get port(): number {
    return this.#listener.addr.port;
  }

  /** Connections at this moment. */
  get connections(): number {
    return this.#places.size;
  }

  /** Stops listening and breaks off what is under way. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listener.close();
    for (const place of this.#places) place.end();
    this.#heads.stop();
  }

  /**
   * Breaks off the response that its peer has not read for the longest time, where there is one that
   * stalls; for handlers with a bound on responses under way.
   */
  breakOffStalled(): boolean {
    return this.#places.endStalled(this.#clock.now());
  }

  async #accept(): Promise<void> {
    while (!this.#closed) {
      try {
        const connection = await this.#listener.accept();
        const { hostname, port } = connection.remoteAddr;
        const network = networkOf(literalEndpoint(hostname, port)?.bytes ?? new Uint8Array());
        while (this.#places.full && !this.#closed) await this.#room(network);
        this.#take(connection, network);
      } catch {
        if (this.#closed) return;
        // Descriptors have run out, or the peer has left: the next one may fare better.
        this.#places.makeRoom(this.#clock.now(), "");
        await sleepUntil(this.#clock, this.#clock.now() + BACK_OFF_MS);
      }
    }
  }

  /** Makes room for a connection, or waits until it may be there. */
  async #room(network: string): Promise<void> {
    const places = this.#places;
    const now = this.#clock.now();
    if (!places.crowded && places.makeRoom(now, network)) return;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const cancel = this.#clock.wakeAt(now + places.graceMs / 2, () => resolve(true));
    const waited = await Promise.race([promise, places.changed().then(() => false)]);
    cancel();
    if (waited && places.crowded) places.giveUpEnding();
  }

  #take(connection: Deno.TcpConn, network: string): void {
    const acceptedMs = this.#clock.now();
    const place: Place = {
      network,
      acceptedMs,
      state: "head",
      progressMs: acceptedMs,
      // Breaking off is expensive, and only a write under way needs it.
      end: () => {
        if (place.state === "response") this.#abort(connection);
        else closeQuietly(connection);
      },
    };
    this.#places.add(place);
    this.#serve(connection, place).then(() => this.#places.remove(place));
    if (this.#closed) this.#abort(connection);
  }

  async #serve(connection: Deno.TcpConn, place: Place): Promise<void> {
    try {
      const head = await this.#head(connection);
      if (head !== null) {
        place.state = "handler";
        const gone = new AbortController();
        const rest = this.#ignoreRest(connection).finally(() => gone.abort());
        await this.#answer(connection, place, head, gone.signal);
        place.state = "linger";
        await this.#linger(connection, rest);
      }
    } catch {
      // The peer has gone, or was too slow: there is nobody left to tell.
    } finally {
      closeQuietly(connection);
    }
  }

  /** What the peer asks for within its time; null when it asks for nothing. */
  async #head(connection: Deno.TcpConn): Promise<HttpRequest | HttpRefusal | null> {
    const { promise, resolve } = Promise.withResolvers<HttpRefusal>();
    const deadline = this.#heads.set(this.#clock.now(), resolve);
    try {
      return await Promise.race([this.#readHead(connection), promise]);
    } finally {
      this.#heads.clear(deadline);
    }
  }

  async #readHead(connection: Deno.TcpConn): Promise<HttpRequest | HttpRefusal | null> {
    const { headBytes } = this.#limits;
    const spare = this.#spare.pop() ?? new Uint8Array(Math.min(USUAL_HEAD_BYTES, headBytes));
    let buffer = spare;
    try {
      for (let length = 0; length < buffer.length;) {
        const count = await connection.read(buffer.subarray(length));
        if (count === null) {
          return length === 0 ? null : { status: 400, reason: "the request ends early" };
        }
        const end = headEnd(buffer, length, length + count);
        length += count;
        if (end >= 0) return parseHead(buffer.subarray(0, end), this.#limits.posts);
        if (length === buffer.length && length < headBytes) {
          buffer = new Uint8Array(headBytes);
          buffer.set(spare);
        }
      }
      return { status: 431, reason: `more than ${buffer.length} bytes before the empty line` };
    } finally {
      this.#spare.push(spare);
    }
  }

  async #answer(
    connection: Deno.TcpConn,
    place: Place,
    head: HttpRequest | HttpRefusal,
    gone: AbortSignal,
  ): Promise<void> {
    if ("status" in head) {
      await this.#send(connection, place, null, textResponse(head.status, head.reason));
      return;
    }
    const asker = { address: connection.remoteAddr.hostname, gone };
    const response = await this.#handled(head, asker);
    try {
      await this.#send(connection, place, head, response);
    } finally {
      response.done?.();
    }
  }

  async #handled(request: HttpRequest, asker: Asker): Promise<HttpResponse> {
    try {
      return await this.#access.refusal(request) ?? await this.#handler(request, asker);
    } catch (error) {
      return textResponse(500, messageOf(error));
    }
  }

  async #send(
    connection: Deno.TcpConn,
    place: Place,
    request: HttpRequest | null,
    response: HttpResponse,
  ): Promise<void> {
    const { body } = response;
    const whole = typeof body === "string"
      ? new TextEncoder().encode(body)
      : body instanceof Uint8Array
      ? body
      : null;
    const chunked = whole === null && request?.chunks === true;
    const cancel = this.#abortIn(this.#limits.responseMs, connection);
    place.state = "response";
    place.progressMs = this.#clock.now();
    try {
      await this.#writeText(
        connection,
        place,
        headOf(response, whole?.length ?? null, chunked, this.#clock.wall()),
      );
      if (request?.method === "HEAD") return;
      if (whole !== null) await this.#write(connection, place, whole);
      else if (!(body instanceof Uint8Array) && typeof body !== "string") {
        await this.#pieces(connection, place, body, chunked);
      }
    } finally {
      cancel();
    }
  }

  /** Chunks (RFC 9112, section 7.1) tell the peer that nothing is missing; HTTP/1.0 has to guess. */
  async #pieces(
    connection: Deno.TcpConn,
    place: Place,
    pieces: AsyncIterable<Uint8Array<ArrayBuffer>>,
    chunked: boolean,
  ): Promise<void> {
    let between = "";
    for await (const piece of pieces) {
      if (piece.length === 0) continue;
      if (chunked) {
        await this.#writeText(connection, place, `${between}${piece.length.toString(16)}\r\n`);
      }
      await this.#write(connection, place, piece);
      between = "\r\n";
    }
    if (chunked) await this.#writeText(connection, place, `${between}0\r\n\r\n`);
  }

  #writeText(connection: Deno.TcpConn, place: Place, text: string): Promise<void> {
    return this.#write(connection, place, new TextEncoder().encode(text));
  }

  async #write(
    connection: Deno.TcpConn,
    place: Place,
    bytes: Uint8Array<ArrayBuffer>,
  ): Promise<void> {
    const cancel = this.#abortIn(this.#limits.writeMs, connection);
    try {
      for (let sent = 0; sent < bytes.length;) {
        sent += await connection.write(sent === 0 ? bytes : bytes.subarray(sent));
        place.progressMs = this.#clock.now();
      }
    } finally {
      cancel();
    }
  }

  /**
   * Ends our side and waits for the peer to end its own: closing while it still sends would make
   * the kernel send RST, which takes the response away from it (RFC 9112, section 9.6).
   */
  async #linger(connection: Deno.TcpConn, rest: Promise<void>): Promise<void> {
    const cancel = this.#clock.wakeAt(
      this.#clock.now() + this.#limits.lingerMs,
      () => closeQuietly(connection),
    );
    try {
      await connection.closeWrite();
      await rest;
    } finally {
      cancel();
    }
  }

  /** Ends when the peer sends no more: it has ended its side, has left, or sent too much. */
  async #ignoreRest(connection: Deno.TcpConn): Promise<void> {
    try {
      for (let left = this.#limits.lingerBytes; left > 0;) {
        const count = await connection.read(this.#ignored);
        if (count === null) return;
        left -= count;
      }
    } catch {
      // It was reset, or closed here.
    }
  }

  #abortIn(ms: number, connection: Deno.TcpConn): () => void {
    return this.#clock.wakeAt(this.#clock.now() + ms, () => this.#abort(connection));
  }

  #abort(connection: Deno.TcpConn): void {
    const { hostname, port } = connection.remoteAddr;
    const peer = literalEndpoint(hostname, port);
    if (peer !== null) this.#breakOff?.(connection.localAddr.port, peer);
    closeQuietly(connection);
  }
}

function closeQuietly(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // It was closed before.
  }
}
