/** Sockets as the kernel's dumps hold them (<linux/inet_diag.h>), written by hand. */
import { literalEndpoint } from "../../../src/domain/address.ts";
import { DiagSocket, DumpReader } from "../../../src/kernel/sock_diag.ts";

const HEADER_BYTES = 16;
const MESSAGE_BYTES = 72;
const SOCK_DIAG_BY_FAMILY = 20;
/** The length of tcp_info on Linux 6.x. */
export const INFO_BYTES = 240;

export interface SocketFields {
  readonly state?: number;
  readonly local?: string;
  readonly localPort?: number;
  readonly remote?: string;
  readonly remotePort?: number;
  readonly cookie?: number;
  readonly inode?: number;
  readonly queue?: number;
  readonly limit?: number;
  readonly drops?: number;
  /** u32 and u64 of tcp_info by offset; a bigint is a u64. */
  readonly info?: Readonly<Record<number, number | bigint>>;
  /** Bytes of tcp_info; 0 for none. */
  readonly infoBytes?: number;
  readonly interfaceIndex?: number;
}

export const ESTABLISHED = 1;
export const SYN_SENT = 2;
export const CLOSE_WAIT = 8;
export const LISTEN = 10;

/** One socket's message in a dump of that number. */
export function socketMessage(fields: SocketFields, sequence: number, flags = 2): Uint8Array {
  const { infoBytes = INFO_BYTES, drops } = fields;
  const attributes = [
    ...(infoBytes === 0 ? [] : [attribute(2, infoOf(fields.info ?? {}, infoBytes))]),
    ...(drops === undefined ? [] : [attribute(7, memoryOf(drops))]),
    // Its length is no multiple of 4.
    attribute(8, Uint8Array.of(0)),
  ];
  const length = attributes.reduce((sum, { length }) => sum + length, HEADER_BYTES + MESSAGE_BYTES);
  const bytes = new Uint8Array(length);
  writeHeader(bytes, SOCK_DIAG_BY_FAMILY, flags, sequence);
  writeMessage(bytes, fields);
  let at = HEADER_BYTES + MESSAGE_BYTES;
  for (const one of attributes) {
    bytes.set(one, at);
    at += one.length;
  }
  return bytes;
}

/** A message without a socket: NLMSG_DONE (3) or NLMSG_ERROR (2), with an errno. */
export function endMessage(type: number, sequence: number, errno = 0, flags = 2): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + 4);
  writeHeader(bytes, type, flags, sequence);
  new DataView(bytes.buffer).setInt32(HEADER_BYTES, -errno, true);
  return bytes;
}

function writeHeader(bytes: Uint8Array, type: number, flags: number, sequence: number): void {
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, flags, true);
  view.setUint32(8, sequence, true);
}

function writeMessage(bytes: Uint8Array, fields: SocketFields): void {
  const { local = "10.0.0.1", remote = "10.0.0.2" } = fields;
  const [from, to] = [literalEndpoint(local, 0)!, literalEndpoint(remote, 0)!];
  const view = new DataView(bytes.buffer, HEADER_BYTES);
  view.setUint8(0, from.family === 4 ? 2 : 10);
  view.setUint8(1, fields.state ?? ESTABLISHED);
  view.setUint16(4, fields.localPort ?? 40_000);
  view.setUint16(6, fields.remotePort ?? 5432);
  bytes.set(from.bytes, HEADER_BYTES + 8);
  bytes.set(to.bytes, HEADER_BYTES + 24);
  view.setUint32(40, fields.interfaceIndex ?? 0, true);
  view.setUint32(44, fields.cookie ?? 1, true);
  view.setUint32(56, fields.queue ?? 0, true);
  view.setUint32(60, fields.limit ?? 0, true);
  view.setUint32(68, fields.inode ?? 0, true);
}

function attribute(type: number, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + Math.ceil(value.length / 4) * 4);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 4 + value.length, true);
  view.setUint16(2, type, true);
  bytes.set(value, 4);
  return bytes;
}

function infoOf(info: NonNullable<SocketFields["info"]>, length: number): Uint8Array {
  const bytes = new Uint8Array(INFO_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [offset, value] of Object.entries(info)) {
    if (typeof value === "bigint") view.setBigUint64(Number(offset), value, true);
    else view.setUint32(Number(offset), value, true);
  }
  return bytes.slice(0, length);
}

/** SKMEMINFO: nine words, the drops last. */
function memoryOf(drops: number): Uint8Array {
  const bytes = new Uint8Array(36);
  new DataView(bytes.buffer).setUint32(32, drops, true);
  return bytes;
}

/** Hands over each of the sockets in turn, as one part of a dump. */
export function visitAll(
  sockets: readonly SocketFields[],
  visit: (socket: DiagSocket) => void,
): void {
  for (const fields of sockets) {
    const reader = new DumpReader();
    const message = socketMessage(fields, reader.begin());
    reader.socket.bytes.set(message);
    reader.take(message.length, visit);
  }
}
