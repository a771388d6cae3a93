/**
 * Filters that the kernel applies to a dump of sockets (<linux/inet_diag.h>, INET_DIAG_REQ_BYTECODE).
 * The byte code is a list of conditions; each jumps forward by `yes` or by `no` bytes. A socket passes
 * if the walk ends exactly behind the last condition; the kernel drops it if the walk ends 4 bytes later.
 */
import { AF_INET, AF_INET6 } from "./linux.ts";

/** What a dump is limited to. Null: no limit. */
export interface DiagFilter {
  /** The local or the remote port. */
  readonly port: number | null;
  /** The local port alone. */
  readonly localPort: number | null;
  /** The remote port alone. */
  readonly remotePort: number | null;
  readonly remote: {
    /** 4 or 16 bytes. IPv4 bytes match IPv4-mapped IPv6 addresses too. */
    readonly bytes: Uint8Array;
    /** How many leading bits count: 0 to 32, or 0 to 128. */
    readonly bits: number;
  } | null;
}

// <linux/inet_diag.h>, INET_DIAG_BC_…
const JMP = 1;
const S_GE = 2;
const S_LE = 3;
const D_GE = 4;
const D_LE = 5;
const D_COND = 8;

/** struct inet_diag_bc_op: code (u8), yes (u8), no (u16). */
const OP_BYTES = 4;
/** A comparison of a port is two of them; the second holds the port in its `no`. */
const PORT_OP_BYTES = 8;
/** struct inet_diag_hostcond: family (u8), prefix (u8), two bytes of padding, port (i32, -1 for any). */
const HOST_BYTES = 8;
const ANY_PORT = -1;

type Port = { readonly least: number; readonly most: number };
const LOCAL: Port = { least: S_GE, most: S_LE };
const REMOTE: Port = { least: D_GE, most: D_LE };

/** The byte code of a filter; empty where everything passes. */
export function filterCode(
  { port, localPort, remotePort, remote }: DiagFilter,
): Uint8Array<ArrayBuffer> {
  const parts: Condition[] = [];
  if (localPort !== null) parts.push(portIs(LOCAL, localPort));
  if (remotePort !== null) parts.push(portIs(REMOTE, remotePort));
  if (port !== null) parts.push(either(portIs(LOCAL, port), portIs(REMOTE, port)));
  if (remote !== null && remote.bits > 0) parts.push(remoteIs(remote.bytes, remote.bits));
  const code = new Uint8Array(parts.reduce((sum, part) => sum + part.bytes, 0));
  let at = 0;
  for (const part of parts) {
    // What does not pass jumps to 4 bytes behind the end of everything.
    part.write(new DataView(code.buffer), at, code.length + OP_BYTES);
    at += part.bytes;
  }
  return code;
}

/** Code of a known size: passes by running off its own end, fails by a jump to `failAt`. */
interface Condition {
  readonly bytes: number;
  write(code: DataView, at: number, failAt: number): void;
}

/** By two comparisons, since kernels before 5.14 have no test for equal. */
function portIs({ least, most }: Port, port: number): Condition {
  return {
    bytes: 2 * PORT_OP_BYTES,
    write(code, at, failAt): void {
      for (const [i, op] of [least, most].entries()) {
        const here = at + i * PORT_OP_BYTES;
        writeOp(code, here, op, PORT_OP_BYTES, failAt - here);
        code.setUint16(here + OP_BYTES + 2, port, true);
      }
    },
  };
}

function either(first: Condition, second: Condition): Condition {
  return {
    bytes: first.bytes + OP_BYTES + second.bytes,
    write(code, at, failAt): void {
      const jump = at + first.bytes;
      first.write(code, at, jump + OP_BYTES);
      // An unconditional jump goes by its `no`; its `yes` keeps the kernel's check of the code going.
      writeOp(code, jump, JMP, OP_BYTES, OP_BYTES + second.bytes);
      second.write(code, jump + OP_BYTES, failAt);
    },
  };
}

function remoteIs(address: Uint8Array, bits: number): Condition {
  const bytes = OP_BYTES + HOST_BYTES + address.length;
  return {
    bytes,
    write(code, at, failAt): void {
      writeOp(code, at, D_COND, bytes, failAt - at);
      const host = at + OP_BYTES;
      code.setUint8(host, address.length === 4 ? AF_INET : AF_INET6);
      code.setUint8(host + 1, bits);
      code.setInt32(host + 4, ANY_PORT, true);
      address.forEach((byte, i) => code.setUint8(host + HOST_BYTES + i, byte));
    },
  };
}

function writeOp(code: DataView, at: number, op: number, yes: number, no: number): void {
  code.setUint8(at, op);
  code.setUint8(at + 1, yes);
  code.setUint16(at + 2, no, true);
}
