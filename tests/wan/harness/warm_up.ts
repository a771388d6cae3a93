/** Runs the forwarding loop on made-up packets until V8 has compiled it, so that no compilation delays a real one. */

import { type Engine, IDLE_WAIT_NS } from "./engine.ts";
import { type Device, stampArrivals } from "./device.ts";
import { libc, loopbackPair, socketPair } from "./libc.ts";
import type { Command, Rules } from "./protocol.ts";

const ROUNDS = 10_000;
const ROUNDS_A_SETTING = 50;
const PACKETS_A_ROUND = 3;
const PACKET_BYTES = 64;
const REPLY_BYTES_MAX = 4096;
const CAPTURED = 16;

/** IPv4 and IPv6 packets of every sort that the rules tell apart. */
function samples(): Uint8Array<ArrayBuffer>[] {
  const packets: Uint8Array<ArrayBuffer>[] = [];
  for (
    const [protocol, at, value] of [[6, 13, 2], [6, 13, 18], [6, 13, 4], [6, 13, 17], [17, 0, 0], [
      1,
      0,
      8,
    ], [1, 0, 11]]
  ) {
    const v4 = new Uint8Array(PACKET_BYTES);
    v4[0] = 0x45;
    v4[9] = protocol;
    v4[20 + at] = value;
    const v6 = new Uint8Array(PACKET_BYTES);
    v6[0] = 0x60;
    v6[6] = protocol === 1 ? 58 : protocol;
    v6[40 + at] = protocol === 1 && value === 8 ? 128 : value;
    packets.push(v4, v6);
  }
  return packets;
}

/**
 * Forwards packets through a link of socket pairs under changing rules, asked for over `requests`. It must be the engine
 * used afterwards: compiled code refers to the objects it was compiled with, and falls back when these are collected.
 */
export function warmUp(engine: Engine, requests: number): void {
  const [a, b] = [pretendDevice(), pretendDevice()];
  engine.join(a.device, b.device);
  engine.idleWaitNs = 1000;
  const packets = samples();
  const scratch = new Uint8Array(REPLY_BYTES_MAX);
  for (let round = 0; round < ROUNDS; round++) {
    if (round % ROUNDS_A_SETTING === 0) {
      for (const command of commandsOf(round / ROUNDS_A_SETTING)) {
        const bytes = new TextEncoder().encode(JSON.stringify({ id: round, ...command }) + "\n");
        libc.write(requests, bytes, bytes.length);
        while (libc.read(requests, scratch, scratch.length) <= 0) engine.step();
      }
    }
    for (let i = 0; i <= round % PACKETS_A_ROUND; i++) {
      const packet = packets[(round + i) % packets.length];
      const near = round % 2 === 0 ? a : b;
      // As a device does: one copy for the packet socket, one to be drained.
      libc.write(near.sender, packet, packet.length);
      libc.write(near.receiver, packet, packet.length);
    }
    for (let i = 0; i <= 2 * PACKETS_A_ROUND; i++) engine.step();
    while (libc.read(a.receiver, scratch, scratch.length) > 0);
    while (libc.read(b.receiver, scratch, scratch.length) > 0);
  }
  engine.reset();
  engine.idleWaitNs = IDLE_WAIT_NS;
  for (const fd of [a.sender, a.receiver, b.sender, b.receiver]) libc.close(fd);
}

/** What stands for a device: a socket pair for the way out, two loopback sockets for the way in, since those have stamps. */
function pretendDevice(): { device: Device; sender: number; receiver: number } {
  const [tun, receiver] = socketPair();
  const [tap, sender] = loopbackPair();
  stampArrivals(tap);
  return { device: { tun, tap }, sender, receiver };
}

/** Other rules each time, by turns strict and lenient. */
function commandsOf(turn: number): Command[] {
  const odd = turn % 2;
  const direction = (turn >> 1) % 2;
  const rules: Rules = {
    delayUs: odd * (turn % 5 === 0 ? 300 : 20),
    icmpDelayUs: odd * 30,
    dropEvery: odd * 5,
    dropSynEvery: odd * 3,
    dropSyns: [odd],
    icmpErrorsPerSecond: odd * 1000,
    icmpErrorSources: odd ? ["10.0.0.1", "fd00::1"] : [],
  };
  return [
    { do: "set", link: 0, direction, rules },
    { do: "counters", link: 0 },
    { do: "capture", link: 0, packets: (turn >> 2) % 2 * CAPTURED },
  ];
}
