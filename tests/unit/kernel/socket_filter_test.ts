/** The BPF programs, run by an interpreter of the few instructions that they have. */
import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import {
  echoReplies,
  handshakeAnswers,
  instructionsIn,
  MAX_FILTER_PORTS,
} from "../../../src/kernel/socket_filter.ts";
import { ipv4 } from "../packet/packets.ts";
import { property } from "../random.ts";

/** Whether a program lets a packet through; a read outside the packet refuses it, as in the kernel. */
function passes(program: Uint8Array, packet: readonly number[]): boolean {
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  let [accumulator, index] = [0, 0];
  for (let pc = 0; pc < instructionsIn(program); pc++) {
    const at = 8 * pc;
    const operand = view.getUint32(at + 4, true);
    const place = index + operand;
    const jump = (holds: boolean) => pc += program[at + (holds ? 2 : 3)];
    switch (view.getUint16(at, true)) {
      case 0x01:
        index = operand;
        break;
      case 0xb1:
        if (operand >= packet.length) return false;
        index = 4 * (packet[operand] & 15);
        break;
      case 0x48:
        if (place + 2 > packet.length) return false;
        accumulator = packet[place] << 8 | packet[place + 1];
        break;
      case 0x50:
        if (place >= packet.length) return false;
        accumulator = packet[place];
        break;
      case 0x15:
        jump(accumulator === operand);
        break;
      case 0x45:
        jump((accumulator & operand) !== 0);
        break;
      case 0x06:
        return operand !== 0;
      default:
        throw new Error(`unknown instruction at ${pc}`);
    }
  }
  throw new Error("ran off the end");
}

const PORTS = [40_001, 33_000, 50_123];
const [FIN, SYN, RST, PUSH, ACK] = [0x01, 0x02, 0x04, 0x08, 0x10];

function segment(port: number, flags: number): number[] {
  const rest = new Array<number>(6).fill(0);
  return [21, 56, port >> 8, port & 255, ...new Array<number>(8).fill(0), 5 << 4, flags, ...rest];
}

function inIp(payload: readonly number[], options: readonly number[] = []): number[] {
  return ipv4({ protocol: 6, payload, options });
}

Deno.test("answers to a SYN pass, at each of the ports, in both families, behind IP options too", () => {
  for (const port of PORTS) {
    for (const flags of [SYN | ACK, RST | ACK, RST]) {
      const answer = segment(port, flags);
      assert(passes(handshakeAnswers(6, PORTS), answer));
      assert(passes(handshakeAnswers(4, PORTS), inIp(answer)));
      assert(passes(handshakeAnswers(4, PORTS), inIp(answer, [1, 1, 1, 1, 1, 1, 1, 0])));
    }
  }
});

Deno.test("other ports and the segments of a connection do not pass", () => {
  const program = handshakeAnswers(4, PORTS);
  for (const flags of [ACK, ACK | PUSH, ACK | FIN]) {
    assertFalse(passes(program, inIp(segment(PORTS[0], flags))));
  }
  for (const port of [0, 443, PORTS[0] + 1, PORTS[2] - 1]) {
    assertFalse(passes(program, inIp(segment(port, SYN | ACK))));
  }
});

Deno.test("as many ports as the bound each pass, one more is refused", () => {
  const ports = Array.from({ length: MAX_FILTER_PORTS }, (_, i) => 40_000 + i);
  const program = handshakeAnswers(6, ports);
  assert(ports.every((port) => passes(program, segment(port, SYN | ACK))));
  assertFalse(passes(program, segment(40_000 + MAX_FILTER_PORTS, SYN | ACK)));
  assertFalse(passes(program, segment(40_000, ACK)));
  assertThrows(() => handshakeAnswers(6, [...ports, 1]), RangeError);
});

Deno.test("echo replies with the id pass, other ids and other types do not", () => {
  const id = 0xbeef;
  const echo = (type: number, of: number) => [type, 0, 0, 0, of >> 8, of & 255, 0, 1];
  for (const [family, reply, request] of [[4, 0, 8], [6, 129, 128]] as const) {
    const wrap = (message: number[]) => family === 4 ? inIp(message) : message;
    const program = echoReplies(family, id);
    assert(passes(program, wrap(echo(reply, id))));
    assertFalse(passes(program, wrap(echo(reply, id + 1))));
    assertFalse(passes(program, wrap(echo(request, id))));
    assertFalse(passes(program, wrap(echo(reply, id)).slice(0, -4)));
  }
});

property("every program ends, whatever it is shown", 500, (random) => {
  const packet = Array.from({ length: random.int(0, 80) }, () => random.int(0, 255));
  const ports = Array.from(
    { length: random.int(0, MAX_FILTER_PORTS) },
    () => random.int(0, 65_535),
  );
  for (const family of [4, 6] as const) {
    assertEquals(typeof passes(handshakeAnswers(family, ports), packet), "boolean");
    assertEquals(typeof passes(echoReplies(family, random.int(0, 65_535)), packet), "boolean");
  }
});
