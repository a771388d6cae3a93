/** A plain TCP peer for the harness's own tests, without wire-probe: `serve ADDRESS PORT`, `connect ADDRESS PORT COUNT INTERVAL_MS TIMEOUT_MS`. */
import { libc } from "./libc.ts";

// linux/socket.h, asm-generic/socket.h
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOL_SOCKET = 1;
const SO_SNDTIMEO = 21;
/** linux/tcp.h: the level and name of the option, and where `struct tcp_info` has what is read here. */
const TCP_INFO = { level: 6, name: 11, bytes: 104, rttAt: 68, totalRetransAt: 100 };

/** One handshake: kernel RTT and time of `connect` in µs, null where it failed. */
export interface Handshake {
  rttUs: number | null;
  connectUs: number;
  retransmits: number;
}

function sockaddr(address: string, port: number): Uint8Array<ArrayBuffer> {
  if (!address.includes(":")) {
    return new Uint8Array([
      AF_INET,
      0,
      port >> 8,
      port & 255,
      ...address.split(".").map(Number),
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
    ]);
  }
  const [head, tail] = address.split("::").map((half) =>
    half.split(":").filter((group) => group !== "")
  );
  const groups = [...head, ...Array<string>(8 - head.length - tail.length).fill("0"), ...tail].map((
    g,
  ) => parseInt(g, 16));
  const bytes = groups.flatMap((group) => [group >> 8, group & 255]);
  return new Uint8Array([AF_INET6, 0, port >> 8, port & 255, 0, 0, 0, 0, ...bytes, 0, 0, 0, 0]);
}

async function connect(
  address: string,
  port: number,
  count: number,
  intervalMs: number,
  timeoutMs: number,
): Promise<void> {
  const to = sockaddr(address, port);
  const info = new Uint8Array(TCP_INFO.bytes);
  const view = new DataView(info.buffer);
  const results: Handshake[] = [];
  for (let i = 0; i < count; i++) {
    const fd = libc.socket(to[0], SOCK_STREAM, 0);
    const timeout = new Int32Array([Math.floor(timeoutMs / 1000), 0, timeoutMs % 1000 * 1000, 0]);
    libc.setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, timeout, timeout.byteLength);
    const start = performance.now();
    const code = libc.connect(fd, to, to.length);
    const connectUs = (performance.now() - start) * 1000;
    libc.getsockopt(fd, TCP_INFO.level, TCP_INFO.name, info, new Uint32Array([info.length]));
    results.push({
      rttUs: code === 0 ? view.getUint32(TCP_INFO.rttAt, true) : null,
      connectUs,
      retransmits: view.getUint32(TCP_INFO.totalRetransAt, true),
    });
    libc.close(fd);
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
  console.log(JSON.stringify(results));
}

async function serve(hostname: string, port: number): Promise<void> {
  const listener = Deno.listen({ hostname, port, tcpBacklog: 4096 });
  console.log("listening");
  for await (const conn of listener) conn.close();
}

if (import.meta.main) {
  const [mode, address, ...numbers] = Deno.args;
  const [port, count, intervalMs, timeoutMs] = numbers.map(Number);
  await (mode === "serve"
    ? serve(address, port)
    : connect(address, port, count, intervalMs, timeoutMs));
}
