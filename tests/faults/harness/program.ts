/** The compiled program with its pipes in the test's hand. */
import { BINARY } from "../../wan/binary.ts";

export interface Ended {
  readonly code: number;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs; its output is read from the start, unless a reader is to be stuck. */
export class Program implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #streams: { stdout: string; stderr: string } = { stdout: "", stderr: "" };
  readonly #read: Promise<unknown>;

  constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#read = Promise.all([
      this.#collect("stdout", child.stdout),
      this.#collect("stderr", child.stderr),
    ]);
  }

  /** Starts the program here. */
  static start(args: readonly string[], env: Record<string, string> = {}): Program {
    const streams = { stdin: "null", stdout: "piped", stderr: "piped" } as const;
    return new Program(new Deno.Command(BINARY, { args: [...args], env, ...streams }).spawn());
  }

  get pid(): number {
    return this.#child.pid;
  }

  get stdout(): string {
    return this.#streams.stdout;
  }

  get stderr(): string {
    return this.#streams.stderr;
  }

  /** The lines of stdout that are JSON of this schema. */
  lines<T>(schema: string): T[] {
    return jsonLines(this.stdout, schema);
  }

  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** Waits for its end. */
  async ended(): Promise<Ended> {
    const { code, signal } = await this.#child.status;
    await this.#read;
    return { code, signal, ...this.#streams };
  }

  /** Sends SIGTERM and waits; how long that took, in ms. */
  async end(): Promise<Ended & { readonly tookMs: number }> {
    const startMs = performance.now();
    this.kill("SIGTERM");
    const ended = await this.ended();
    return { ...ended, tookMs: performance.now() - startMs };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.ended();
  }

  async #collect(name: "stdout" | "stderr", stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      this.#streams[name] += decoder.decode(chunk, { stream: true });
    }
  }
}

/** The objects of a schema among lines of JSON. */
export function jsonLines<T>(text: string, schema: string): T[] {
  return text.split("\n").filter((line) => line.includes(`"${schema}"`))
    .map((line) => JSON.parse(line) as T);
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits until something is so; throws when it is not within the time. */
export async function until(what: string, isSo: () => boolean, withinMs = 30_000): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!isSo()) {
    if (performance.now() > endMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await pause(20);
  }
}
