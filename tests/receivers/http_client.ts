/** Peers of the HTTP server that say and leave unsaid whatever a test wants, on loopback. */

export interface Answer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  /** As sent, chunk sizes included. */
  readonly body: string;
}

/** No answer here takes longer. */
const PATIENCE_MS = 10_000;

export function dial(port: number): Promise<Deno.TcpConn> {
  return Deno.connect({ hostname: "127.0.0.1", port });
}

export async function send(connection: Deno.TcpConn, data: string | Uint8Array): Promise<void> {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
}

/** All that the server sends until it ends its side; what was there when it reset the connection. */
export async function readToEnd(connection: Deno.TcpConn): Promise<string> {
  const buffer = new Uint8Array(16 * 1024);
  let text = "";
  const timer = setTimeout(() => connection.close(), PATIENCE_MS);
  try {
    for (;;) {
      const count = await connection.read(buffer);
      if (count === null) return text;
      text += String.fromCharCode(...buffer.subarray(0, count));
    }
  } catch {
    return text;
  } finally {
    clearTimeout(timer);
  }
}

/** What one connection gets for these bytes; null when there was no answer at all. */
export async function ask(port: number, data: string | Uint8Array): Promise<Answer | null> {
  const connection = await dial(port);
  try {
    await send(connection, data).catch(() => {});
    return parseAnswer(await readToEnd(connection));
  } finally {
    close(connection);
  }
}

export function get(port: number, path: string, fields = ""): Promise<Answer | null> {
  return ask(port, `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`);
}

export function parseAnswer(text: string): Answer | null {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return null;
  const [first, ...fields] = text.slice(0, end).split("\r\n");
  const headers = new Map(fields.map((line) => {
    const colon = line.indexOf(": ");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 2)] as const;
  }));
  return { status: Number(first.split(" ")[1]), headers, body: text.slice(end + 4) };
}

/** A body in chunks as one text; throws where a chunk or the last one is missing. */
export function joinChunks(body: string): string {
  let text = "";
  for (let at = 0;;) {
    const line = body.indexOf("\r\n", at);
    const size = parseInt(body.slice(at, line), 16);
    if (line < 0 || Number.isNaN(size)) throw new Error("the chunks end early");
    if (size === 0) return text;
    text += body.slice(line + 2, line + 2 + size);
    at = line + 2 + size + 2;
  }
}

export function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // Closed before.
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits until it is so, or throws. */
export async function until(what: string, so: () => boolean): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  while (!so()) {
    if (performance.now() > endMs) throw new Error(`not in time: ${what}`);
    await pause(10);
  }
}

/** This process's open descriptors. */
export function descriptors(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}
