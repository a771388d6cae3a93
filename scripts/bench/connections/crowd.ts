/**
 * Many connections over loopback with little behind them: `crowd.ts accept PORT COUNT` and
 * `crowd.ts connect PORT COUNT BYTES_A_SECOND`. It uses plain system calls, since only descriptors
 * are needed. It says `ready` once it has them all, and goes on until it is ended.
 */
import {
  AF_INET,
  MSG_DONTWAIT,
  SO_REUSEADDR,
  SOCK_STREAM,
  SOL_SOCKET,
} from "../../../src/kernel/linux.ts";

const libc = Deno.dlopen("libc.so.6", {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  listen: { parameters: ["i32", "i32"], result: "i32" },
  accept: { parameters: ["i32", "pointer", "pointer"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  send: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
}).symbols;

const BACKLOG = 4096;
/** Peers' addresses: 127.1.0.0 to 127.1.0.199. */
const PEERS = 200;
/** How often some of the connections send a byte. */
const TICK_MS = 20;

function sockaddr(port: number, ...address: number[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(AF_INET, 0, port >> 8, port & 255, ...address, 0, 0, 0, 0, 0, 0, 0, 0);
}

function must(what: string, result: number): number {
  if (result < 0) throw new Error(`${what} failed`);
  return result;
}

function accept(port: number, count: number): void {
  const listener = must("socket", libc.socket(AF_INET, SOCK_STREAM, 0));
  libc.setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, new Int32Array([1]), 4);
  must("bind", libc.bind(listener, sockaddr(port, 0, 0, 0, 0), 16));
  must("listen", libc.listen(listener, BACKLOG));
  console.log("listening");
  for (let i = 0; i < count; i++) must("accept", libc.accept(listener, null, null));
}

function connect(port: number, count: number, bytesASecond: number): void {
  const descriptors = Array.from({ length: count }, (_, i) => {
    const descriptor = must("socket", libc.socket(AF_INET, SOCK_STREAM, 0));
    must("bind", libc.bind(descriptor, sockaddr(0, 127, 1, 0, i % PEERS), 16));
    must("connect", libc.connect(descriptor, sockaddr(port, 127, 0, 0, 1), 16));
    return descriptor;
  });
  let next = 0;
  setInterval(() => {
    for (let i = 0; i < bytesASecond * TICK_MS / 1000; i++) {
      libc.send(descriptors[next++ % count], new Uint8Array(1), 1n, MSG_DONTWAIT);
    }
  }, TICK_MS);
}

const [kind, port, count, bytes = "0"] = Deno.args;
if (kind === "accept") accept(Number(port), Number(count));
else connect(Number(port), Number(count), Number(bytes));
console.log("ready");
setInterval(() => {}, 60_000);
