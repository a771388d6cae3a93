/** The tests' end of the link's process: starts it, sends it requests, ends it. */

import { end } from "./process.ts";
import type { Command, Hello, Reply } from "./protocol.ts";

// One thread for all of V8: a collector's or compiler's helper of normal priority could be starved by the test's load
// while the real-time thread waits for it. The young generation is large enough never to be collected.
const V8_FLAGS = "--single-threaded,--min-semi-space-size=64,--max-semi-space-size=64";
const REPLY_TIMEOUT_MS = 10_000;

/**
 * One that no network uses. Warming up takes seconds, so a network leaves its process, reset, to the
 * next; the last one ends with the tests, when its stdin does.
 */
let spare: LinkProcess | null = null;

export class LinkProcess {
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reading: Promise<void>;
  #nextId = 1;

  private constructor(
    readonly child: Deno.ChildProcess,
    readonly hello: Hello,
    lines: AsyncIterator<string>,
  ) {
    this.#writer = child.stdin.getWriter();
    this.#reading = this.#read(lines);
  }

  /** One without links: the spare, or a new one. */
  static async take(): Promise<LinkProcess> {
    const taken = spare;
    spare = null;
    return taken ?? await LinkProcess.#start();
  }

  static async #start(): Promise<LinkProcess> {
    const program = new URL("./link.ts", import.meta.url).pathname;
    // Ctrl-C reaches all processes of a terminal; this one is wanted until the network is taken down.
    const child = new Deno.Command("env", {
      args: [
        "--ignore-signal=INT",
        Deno.execPath(),
        "run",
        "--no-config",
        "--no-lock",
        "--no-check",
        "--no-prompt",
        "--allow-ffi",
        `--v8-flags=${V8_FLAGS}`,
        program,
      ],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const lines = linesOf(child.stdout);
    const first = await lines.next();
    if (first.done) {
      await end(child);
      throw new Error("cannot start the link's process: see its stderr above");
    }
    return new LinkProcess(child, JSON.parse(first.value), lines);
  }

  /** Sends a request and gives its answer's value. */
  async request(command: Command): Promise<unknown> {
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    this.#waiting.set(id, resolve);
    const timer = setTimeout(
      () => reject(new Error(`cannot ${command.do}: the link gives no answer`)),
      REPLY_TIMEOUT_MS,
    );
    try {
      await this.#writer.write(new TextEncoder().encode(JSON.stringify({ id, ...command }) + "\n"));
      const reply = await promise;
      if ("error" in reply) throw new Error(`cannot ${command.do}: ${reply.error}`);
      return reply.value;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }

  async #read(lines: AsyncIterator<string>): Promise<void> {
    for (let line = await lines.next(); !line.done; line = await lines.next()) {
      const reply: Reply = JSON.parse(line.value);
      this.#waiting.get(reply.id)?.(reply);
    }
    for (const [id, settle] of this.#waiting) settle({ id, error: "the link's process has ended" });
  }

  /** Takes down all its links, and leaves it to the next network. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.request({ do: "reset" });
    if (spare === null) spare = this;
    else await this.#end();
  }

  async #end(): Promise<void> {
    await this.#writer.close().catch(() => {});
    await end(this.child);
    await this.#reading;
  }
}

/** The lines of a stream, each when it is whole. */
export async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
