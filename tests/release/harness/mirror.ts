/** A web server on loopback with a release's files, which can serve each of them badly. */

/** What becomes of a file on its way: its bytes as given, others, an error, or a transfer that breaks off. */
export type Manner = (content: Uint8Array<ArrayBuffer>) => Response;

export const missing: Manner = () => new Response("not here", { status: 404 });

/** The first half, as if it were all. */
export const halved: Manner = (content) => new Response(content.slice(0, content.length / 2));

/** The connection ends in the middle. */
export const brokenOff: Manner = (content) =>
  new Response(
    new ReadableStream({
      start(stream): void {
        stream.enqueue(content.slice(0, content.length / 2));
        stream.error(new Error("broken off, as asked for"));
      },
    }),
  );

/** One bit is changed. */
export const flipped: Manner = (content) => {
  const copy = content.slice();
  copy[copy.length >> 1] ^= 1;
  return new Response(copy);
};

/** Its text is edited. */
export function edited(edit: (text: string) => string): Manner {
  return (content) => new Response(edit(new TextDecoder().decode(content)));
}

export class Mirror implements AsyncDisposable {
  /** By how a path ends. */
  readonly manners = new Map<string, Manner>();
  readonly asked: string[] = [];
  #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(folder: string) {
    this.#server = Deno.serve({
      hostname: "127.0.0.1",
      port: 0,
      onListen: () => {},
      onError: () => new Response(null, { status: 500 }),
    }, async (request) => {
      const { pathname } = new URL(request.url);
      this.asked.push(pathname);
      const content = await Deno.readFile(folder + pathname).catch(() => null);
      if (content === null) return missing(new Uint8Array());
      const manner = [...this.manners].find(([end]) => pathname.endsWith(end))?.[1];
      return manner === undefined ? new Response(content) : manner(content);
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#server.shutdown();
  }
}
