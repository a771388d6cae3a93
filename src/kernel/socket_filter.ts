/** Classic BPF programs that keep unrelated packets away from a raw socket (socket(7), <linux/filter.h>). */
import { ECHO_ID_AT, ECHO_REPLY } from "../packet/echo.ts";

/** struct sock_filter: code (u16), where to jump when true and when false (u8), operand (u32). */
type Instruction = readonly [code: number, whenTrue: number, whenFalse: number, operand: number];
const INSTRUCTION_BYTES = 8;

// <linux/bpf_common.h>: class, size and mode, operation
const LOAD_BYTE_INDEXED = 0x50;
/** X = 4 * (byte & 15): the length of an IPv4 header. */
const LOAD_X_IPV4_HEADER = 0xb1;
const LOAD_X_CONSTANT = 0x01;
const JUMP_EQUAL = 0x15;
const JUMP_ANY_BIT = 0x45;
const RETURN = 0x06;
const WHOLE = 0x7fff_ffff;

/** Jumps span a byte; the program's own instructions need a few of them. */
export const MAX_FILTER_PORTS = 240;

/** A raw socket sees an IPv4 packet from its IP header on, an IPv6 one from behind it (raw(7)). */
function skipIp(family: 4 | 6): Instruction {
  return family === 4 ? [LOAD_X_IPV4_HEADER, 0, 0, 0] : [LOAD_X_CONSTANT, 0, 0, 0];
}

// RFC 9293, section 3.1
const TCP_DESTINATION_PORT_AT = 2;
const TCP_FLAGS_AT = 13;
const TCP_SYN_OR_RST = 0x06;

/** TCP segments with SYN or RST set that come to one of these ports. */
export function handshakeAnswers(family: 4 | 6, ports: readonly number[]): Uint8Array<ArrayBuffer> {
  if (ports.length > MAX_FILTER_PORTS) throw new RangeError("too many ports for a filter");
  return program([
    skipIp(family),
    [LOAD_BYTE_INDEXED, 0, 0, TCP_FLAGS_AT],
    // An established connection's packets end here, which is nearly all there are.
    [JUMP_ANY_BIT, 0, ports.length + 1, TCP_SYN_OR_RST],
    [LOAD_HALF_INDEXED, 0, 0, TCP_DESTINATION_PORT_AT],
    ...ports.map((port, i): Instruction => [JUMP_EQUAL, ports.length - i, 0, port]),
    [RETURN, 0, 0, 0],
    [RETURN, 0, 0, WHOLE],
  ]);
}

/** Echo replies with this id. */
export function echoReplies(family: 4 | 6, id: number): Uint8Array<ArrayBuffer> {
  return program([
    skipIp(family),
    [LOAD_BYTE_INDEXED, 0, 0, 0],
    [JUMP_EQUAL, 0, 3, ECHO_REPLY[family]],
    [LOAD_HALF_INDEXED, 0, 0, ECHO_ID_AT],
    [JUMP_EQUAL, 0, 1, id],
    [RETURN, 0, 0, WHOLE],
    [RETURN, 0, 0, 0],
  ]);
}

const LOAD_HALF_INDEXED = 0x48;

function program(instructions: readonly Instruction[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(new ArrayBuffer(instructions.length * INSTRUCTION_BYTES));
  const view = new DataView(bytes.buffer);
  for (const [i, [code, whenTrue, whenFalse, operand]] of instructions.entries()) {
    const at = i * INSTRUCTION_BYTES;
    view.setUint16(at, code, true);
    bytes[at + 2] = whenTrue;
    bytes[at + 3] = whenFalse;
    view.setUint32(at + 4, operand, true);
  }
  return bytes;
}

/** How many instructions a program has. */
export function instructionsIn(program: Uint8Array): number {
  return program.length / INSTRUCTION_BYTES;
}

/**
 * The value of SO_ATTACH_FILTER for a program, which must outlive the call; needs the FFI
 * permission. <linux/filter.h>, struct sock_fprog: the count (u16), and at 8 a pointer to the instructions.
 */
export function filterOption(program: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const fprog = new DataView(new ArrayBuffer(16));
  fprog.setUint16(0, instructionsIn(program), true);
  fprog.setBigUint64(8, Deno.UnsafePointer.value(Deno.UnsafePointer.of(program)), true);
  return new Uint8Array(fprog.buffer);
}
