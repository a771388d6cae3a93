/** Dumps of sockets taken apart: whole ones, cut ones, interrupted ones, refused ones. */
import { assertEquals, assertThrows } from "@std/assert";
import { addressText } from "../../../src/domain/address.ts";
import { SystemError } from "../../../src/domain/exit.ts";
import { type DiagSocket, type DumpEnd, DumpReader } from "../../../src/kernel/sock_diag.ts";
import type { SocketFields } from "../connections/sockets.ts";
import { endMessage, INFO_BYTES, LISTEN, socketMessage } from "../connections/sockets.ts";

const DONE = 3;
const ERROR = 2;
const MULTI = 2;
const INTERRUPTED = 0x10;

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const padded = parts.map((part) => {
    const bytes = new Uint8Array(Math.ceil(part.length / 4) * 4);
    bytes.set(part);
    return bytes;
  });
  const all = new Uint8Array(padded.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of padded) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function read(
  reader: DumpReader,
  part: Uint8Array,
  visit: (socket: DiagSocket) => void,
): DumpEnd | null {
  reader.socket.bytes.set(part);
  return reader.take(part.length, visit);
}

Deno.test("a dump's sockets are handed over one after another, until it is done", () => {
  const reader = new DumpReader();
  const sequence = reader.begin();
  const ports: number[] = [];
  const visit = (socket: DiagSocket) => ports.push(socket.remotePort);
  const sockets = [1, 2, 3].map((port) => socketMessage({ remotePort: port }, sequence));
  assertEquals(read(reader, joined(...sockets), visit), null);
  assertEquals(read(reader, joined(endMessage(DONE, sequence)), visit), "done");
  assertEquals(ports, [1, 2, 3]);
});

Deno.test("each field of a socket is where the kernel puts it", () => {
  const reader = new DumpReader();
  const fields: SocketFields = {
    state: LISTEN,
    local: "::ffff:10.1.2.3",
    remote: "::ffff:10.4.5.6",
    localPort: 5432,
    remotePort: 61_000,
    cookie: 77,
    inode: 4711,
    queue: 9,
    limit: 8,
    drops: 3,
    info: { 68: 20_000, 120: 2n ** 40n + 5n },
  };
  read(reader, socketMessage(fields, reader.begin()), (socket) => {
    const text = (at: number) => addressText(socket.bytes, at, 4);
    assertEquals([socket.state, socket.family, socket.v4, socket.localV4], [LISTEN, 6, true, true]);
    assertEquals([text(socket.localAt), text(socket.remoteAt)], ["10.1.2.3", "10.4.5.6"]);
    assertEquals([socket.localPort, socket.remotePort], [5432, 61_000]);
    assertEquals([socket.cookieLow, socket.cookieHigh, socket.inode], [77, 0, 4711]);
    assertEquals([socket.receiveQueue, socket.sendQueue, socket.drops], [9, 8, 3]);
    assertEquals([socket.info(68), socket.info(120), socket.info(124)], [20_000, 5, 256]);
    assertEquals(socket.infoBytes, INFO_BYTES);
  });
});

Deno.test("a shorter tcp_info has no fields behind its end, and no socket inherits another's", () => {
  const reader = new DumpReader();
  const sequence = reader.begin();
  const seen: (readonly [boolean, number, number])[] = [];
  const parts = [INFO_BYTES, 104, 0].map((infoBytes) =>
    socketMessage({ infoBytes, info: { 68: 7, 192: 9 }, drops: infoBytes === 0 ? 0 : 1 }, sequence)
  );
  read(reader, joined(...parts), (socket) => {
    seen.push([socket.has(192, 4), socket.info(192), socket.info(68)]);
  });
  assertEquals(seen, [[true, 9, 7], [false, 0, 7], [false, 0, 0]]);
});

Deno.test("a dump that the kernel calls interrupted is not the whole truth", () => {
  const reader = new DumpReader();
  const sequence = reader.begin();
  read(reader, socketMessage({}, sequence, MULTI | INTERRUPTED), () => {});
  assertEquals(read(reader, endMessage(DONE, sequence), () => {}), "again");
  const next = reader.begin();
  assertEquals(read(reader, endMessage(DONE, next), () => {}), "done");
});

Deno.test("a part that was cut is left out whole, and the next one finds room", () => {
  const reader = new DumpReader();
  const sequence = reader.begin();
  const before = reader.socket.bytes.length;
  let met = 0;
  assertEquals(reader.take(before + 1, () => met++), null);
  assertEquals(reader.socket.bytes.length >= before + 1, true);
  read(reader, socketMessage({}, sequence), () => met++);
  assertEquals(read(reader, endMessage(DONE, sequence), () => met++), "again");
  assertEquals(met, 1);
  assertThrows(() => reader.take(1e9, () => {}), SystemError, "too long");
});

Deno.test("messages that end before they should are not read beyond their end", () => {
  const reader = new DumpReader();
  const sequence = reader.begin();
  const whole = socketMessage({ info: { 68: 1 } }, sequence);
  for (let length = 0; length < whole.length; length++) {
    assertEquals(read(reader, whole.slice(0, length), () => assertEquals(0, 1)), null);
  }
  const short = endMessage(20, sequence);
  assertEquals(read(reader, short, () => assertEquals(0, 1)), null);
  assertEquals(read(reader, endMessage(DONE, sequence), () => {}), "again");
});

Deno.test("what is left of an earlier dump is passed over", () => {
  const reader = new DumpReader();
  const old = reader.begin();
  const sequence = reader.begin();
  let met = 0;
  const parts = [socketMessage({}, old), endMessage(DONE, old), socketMessage({}, sequence)];
  assertEquals(read(reader, joined(...parts), () => met++), null);
  assertEquals(met, 1);
});

Deno.test("a refusal names its reason", () => {
  for (
    const [errno, reason] of [[1, "not permitted"], [2, "modprobe tcp_diag"], [
      22,
      "EINVAL",
    ]] as const
  ) {
    for (const type of [ERROR, DONE]) {
      const reader = new DumpReader();
      const message = endMessage(type, reader.begin(), errno);
      assertThrows(() => read(reader, message, () => {}), SystemError, reason);
    }
  }
});
