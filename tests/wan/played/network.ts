/**
 * A whole network that is played: one host in a namespace of its own, whose only way out is a TUN
 * device, behind which this process answers for every router and target of a scene.
 */
import { openDevice } from "../harness/device.ts";
import { type ExecOptions, Host } from "../harness/host.ts";
import { libc } from "../harness/libc.ts";
import type { RunResult } from "../harness/process.ts";
import {
  ACK,
  addressBytes,
  type Bytes,
  concat,
  ICMP,
  icmp,
  ICMP6,
  ip,
  type Packet,
  read,
  RST,
  SYN,
  TCP,
  tcpAnswer,
  u16,
  u32,
  UDP,
} from "./packets.ts";
import type { Refusal, RouterScene, Scene } from "./scene.ts";

export const PROBER = { v4: "10.92.0.1", v6: "fd92::1" };
/** What routes go by; the device has no links, so that it need not answer. */
const GATEWAY = { v4: "10.92.0.254", v6: "fd92::fe" };
export const TARGET = { v4: "10.92.99.9", v6: "fd92::99:9" };
const DEVICE = "play0";
const MAX_PACKET_BYTES = 65_600;
const READ_EVERY_MS = 1;
/** A trace passes a hop by that is silent for 100 ms: where nothing was read for so long, answers may come later. */
const LATE_MS = 80;
/** What waits in the device while this process is not scheduled. */
const QUEUED_PACKETS = 50_000;
const MAX_CAPTURED = 400_000;

// RFC 792, RFC 4443: type and code
const EXCEEDED = { 4: [11, 0], 6: [3, 0] } as const;
const REFUSALS = {
  network: { 4: [3, 0], 6: [1, 0] },
  host: { 4: [3, 1], 6: [1, 3] },
  port: { 4: [3, 3], 6: [1, 4] },
  prohibited: { 4: [3, 13], 6: [1, 1] },
  "too big": { 4: [3, 4], 6: [2, 0] },
} as const;

/** A packet that the prober sent, and where it ended. */
export interface Captured {
  readonly atMs: number;
  readonly packet: Packet;
  /** The hop where it ended; "target" for the target itself. */
  readonly reached: number | "target";
}

/** Addresses of hop `hop` (from 1), the `branch`-th of several. */
export function hopAddress(hop: number, branch = 0): { v4: string; v6: string } {
  return { v4: `10.92.${hop}.${branch + 1}`, v6: `fd92::${hop}:${branch + 1}` };
}

export class PlayedNetwork implements AsyncDisposable {
  /** May be replaced while it is played. */
  scene: Scene;
  captured: Captured[] = [];
  /** Who is answered. */
  prober = PROBER;
  /** Of the target's ICMP: so many at once, then one in so long from now on; null for no limit. */
  burst: { tokens: number; readonly everyMs: number } | null = null;
  /** Is told of every packet before it is played. */
  onPacket: ((packet: Packet) => void) | null = null;
  /** Whether this process did not run for so long that it has answered late. */
  wasLate = false;
  readonly host: Host;
  readonly #tun: number;
  readonly #tap: number;
  #timer: ReturnType<typeof setInterval>;
  #last = new Map<string, number>();
  #counts = new Map<string, number>();
  #buffer = new Uint8Array(MAX_PACKET_BYTES);
  #drainedMs = performance.now();

  private constructor(host: Host, tun: number, tap: number, scene: Scene) {
    this.host = host;
    this.#tun = tun;
    this.#tap = tap;
    this.scene = scene;
    this.#timer = setInterval(() => this.#drain(), READ_EVERY_MS);
  }

  static async open(scene: Scene, mtu = 1500): Promise<PlayedNetwork> {
    const host = await Host.create("played", `wp${Deno.pid}-${crypto.randomUUID().slice(0, 8)}`);
    const { tun, tap } = openDevice(host.namespace, DEVICE);
    const queue = ["txqueuelen", `${QUEUED_PACKETS}`];
    await host.ip("link", "set", DEVICE, "mtu", `${mtu}`, ...queue, "up");
    await host.ip("addr", "add", `${PROBER.v4}/24`, "dev", DEVICE);
    await host.ip("addr", "add", `${PROBER.v6}/112`, "dev", DEVICE, "nodad");
    await host.route("default", "via", GATEWAY.v4, "dev", DEVICE);
    await host.route("::/0", "via", GATEWAY.v6, "dev", DEVICE);
    return new PlayedNetwork(host, tun, tap, scene);
  }

  /** Runs a command on the host to its end. */
  run(command: string, args: string[], options: ExecOptions = {}): Promise<RunResult> {
    return this.host.run(command, args, options);
  }

  /** How many packets have come to the target, and forgets them. */
  atTarget(): number {
    const count = this.captured.filter(({ reached }) => reached === "target").length;
    this.captured = [];
    return count;
  }

  /** Hands a packet to the host, as from the network. */
  inject(bytes: Bytes, afterMs = 0): void {
    if (afterMs <= 0) libc.write(this.#tun, bytes, bytes.length);
    else setTimeout(() => libc.write(this.#tun, bytes, bytes.length), afterMs);
  }

  /** Says that a packet like this one, but for another host, met its end (RFC 792). */
  quoteAsFor(sent: Bytes, destination: string): void {
    const quoted = sent.slice();
    quoted.set(addressBytes(destination), 16);
    const [from, to] = [addressBytes(hopAddress(1, 7).v4), addressBytes(this.prober.v4)];
    const message = icmp(from, to, 11, 0, [0, 0, 0, 0], quoted);
    this.inject(ip(from, to, ICMP, message), 2);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    libc.close(this.#tun);
    libc.close(this.#tap);
    await this.host[Symbol.asyncDispose]();
  }

  #drain(): void {
    const now = performance.now();
    if (now - this.#drainedMs > LATE_MS) this.wasLate = true;
    this.#drainedMs = now;
    for (;;) {
      const length = libc.read(this.#tun, this.#buffer, this.#buffer.length);
      if (length <= 0) return;
      const packet = read(this.#buffer.slice(0, length));
      if (packet === null || isMulticast(packet)) continue;
      this.onPacket?.(packet);
      this.#play(packet);
    }
  }

  #play(packet: Packet): void {
    const { hops } = this.scene;
    let passing = packet;
    for (let i = 0; i < hops.length; i++) {
      const of = hops[i];
      const branches: readonly RouterScene[] = "length" in of ? of : [of];
      const branch = branches.length === 1 ? 0 : this.#hash(packet) % branches.length;
      const router = branches[branch];
      const hop = i + 1;
      const from = this.#addressOf(router, hop, branch, packet.family);
      if (this.#isRefused(router, passing, from, hop)) return;
      if (packet.ttl <= hop) {
        this.#capture(packet, hop);
        if (!router.silent) this.#error(router, from, passing, EXCEEDED[packet.family], 0);
        return;
      }
      if (packet.bytes.length > (router.mtu ?? Infinity)) {
        this.#capture(packet, hop);
        const named = router.says === "mtu" ? router.mtu ?? 0 : 0;
        if (router.says === "mtu" || router.says === "no mtu") {
          this.#error(router, from, passing, REFUSALS["too big"][packet.family], named);
        }
        return;
      }
      if (router.rewrites !== undefined) passing = rewritten(passing, router.rewrites);
    }
    this.#capture(packet, "target");
    this.#answer(packet, passing);
  }

  #isRefused(router: RouterScene, packet: Packet, from: Bytes, hop: number): boolean {
    const { refuses } = router;
    if (refuses === undefined || packet.ttl < hop) return false;
    const key = `refusal ${hop}`;
    const count = this.#counts.get(key) ?? 0;
    this.#counts.set(key, count + 1);
    if (refuses.when !== undefined && !refuses.when(packet, count)) return false;
    this.#capture(packet, hop);
    this.#error(router, from, packet, codesOf(refuses, packet.family), refuses.mtu ?? 0);
    return true;
  }

  #capture(packet: Packet, reached: number | "target"): void {
    if (this.captured.length >= MAX_CAPTURED) return;
    this.captured.push({ atMs: performance.now(), packet, reached });
  }

  /** The same for all packets of a flow, and different for most two. */
  #hash(packet: Packet): number {
    const key = this.scene.hash === "label"
      ? concat(packet.source, packet.destination, u32(packet.flowLabel))
      : concat(packet.source, packet.destination, flowBytes(packet));
    let hash = 0x811c9dc5;
    for (const byte of key) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
    return (hash ^ hash >>> 15) >>> 3;
  }

  #addressOf(router: RouterScene, hop: number, branch: number, family: 4 | 6): Bytes {
    const numbered = hopAddress(hop, branch);
    const own = family === 4 ? router.v4 ?? numbered.v4 : router.v6 ?? numbered.v6;
    return addressBytes(own);
  }

  /** Whether so little time has passed since the last one that this one is not sent. */
  #isLimited(key: string, everyMs: number | undefined): boolean {
    if (everyMs === undefined) return false;
    const now = performance.now();
    if (now - (this.#last.get(key) ?? -Infinity) < everyMs) return true;
    this.#last.set(key, now);
    return false;
  }

  #hasToken(): boolean {
    const { burst } = this;
    if (burst === null) return true;
    if (burst.tokens > 0) {
      burst.tokens--;
      this.#last.set("burst", performance.now());
      return true;
    }
    return !this.#isLimited("burst", burst.everyMs);
  }

  /** The target has just spent the last of its burst. */
  spendBurst(): void {
    if (this.burst !== null) this.burst.tokens = 0;
    this.#last.set("burst", performance.now());
  }

  #error(
    router: RouterScene,
    from: Bytes,
    packet: Packet,
    [type, code]: readonly [number, number],
    mtu: number,
  ): void {
    if (this.#isLimited(`${from}`, router.everyMs)) return;
    const prober = addressBytes(packet.family === 4 ? this.prober.v4 : this.prober.v6);
    const ipBytes = packet.bytes.length - packet.transport.length;
    // A router has taken its hop off (RFC 1812, section 5.3.1), and quotes what it then has.
    const quoted = packet.bytes.slice();
    quoted[packet.family === 4 ? 8 : 7] = 1;
    const kept = Math.min(quoted.length, ipBytes + (router.quote ?? 548 - 28));
    let body = quoted.slice(0, kept);
    let rest = mtu > 0 ? packet.family === 4 ? [0, 0, ...u16(mtu)] : u32(mtu) : [0, 0, 0, 0];
    if (router.extensions !== undefined) {
      body = concat(body, new Uint8Array(Math.max(0, 128 - body.length))).slice(0, 128);
      body = concat(body, router.extensions);
      rest = lengthField(packet.family, router.lengthIn ?? "words");
    }
    const message = icmp(from, prober, type, code, rest, body);
    const protocol = packet.family === 4 ? ICMP : ICMP6;
    this.inject(ip(from, prober, protocol, message, router.ttl), router.rttMs ?? 1);
  }

  #answer(sent: Packet, packet: Packet): void {
    const { target = {} } = this.scene;
    const prober = addressBytes(sent.family === 4 ? this.prober.v4 : this.prober.v6);
    const other = target.answersFrom?.[sent.family === 4 ? "v4" : "v6"];
    const from = other === undefined ? sent.destination : addressBytes(other);
    const say = (protocol: number, segment: Bytes) => {
      // RFC 792: the checksum of ICMP is at 2; RFC 9293: of TCP at 16.
      if (target.spoils) segment[protocol === TCP ? 17 : 3] ^= 0x55;
      const bytes = ip(from, prober, protocol, segment, target.ttl);
      const afterMs = target.rttMs ?? 1;
      this.inject(bytes, afterMs);
      if (target.againMs !== undefined) this.inject(bytes, afterMs + target.againMs);
    };
    const icmpNumber = sent.family === 4 ? ICMP : ICMP6;
    if (sent.protocol === TCP) {
      const syn = (sent.transport[13] & (SYN | ACK | RST)) === SYN;
      const as = target.tcp ?? "open";
      if (!syn || as === "silent") return;
      say(TCP, tcpAnswer(sent, as === "open" ? SYN | ACK : RST | ACK, target.options));
    } else if (sent.protocol === UDP) {
      if (sent.destinationPort === target.listens) return;
      const as = target.udp ?? "port unreachable";
      if (as === "data") {
        const data = concat(
          u16(sent.destinationPort),
          u16(sent.sourcePort),
          u16(12),
          [0, 0],
          [1, 2, 3, 4],
        );
        // The checksum of UDP over IPv4 may be left out (RFC 768), over IPv6 not (RFC 8200).
        say(UDP, sent.family === 4 ? data : sealedUdp(from, prober, data));
      } else if (as === "port unreachable") {
        const router = { rttMs: target.rttMs, everyMs: target.everyMs, ttl: target.ttl };
        const codes = REFUSALS.port[sent.family];
        if (!this.#hasToken()) return;
        this.#error(clean(router), from, packet, codes, 0);
      }
    } else if (sent.protocol === icmpNumber && (target.icmp ?? "echo") === "echo") {
      const isEcho = sent.transport[0] === (sent.family === 4 ? 8 : 128);
      if (!isEcho || !this.#hasToken() || this.#isLimited("target", target.everyMs)) return;
      const [rest, body] = [sent.transport.slice(4, 8), sent.transport.slice(8)];
      const type = sent.family === 4 ? 0 : 129;
      say(icmpNumber, icmp(from, prober, type, 0, [...rest], body));
    }
  }
}

function clean(router: { [K in keyof RouterScene]: RouterScene[K] | undefined }): RouterScene {
  return Object.fromEntries(Object.entries(router).filter(([, value]) => value !== undefined));
}

function codesOf({ says }: Refusal, family: 4 | 6): readonly [number, number] {
  return REFUSALS[says][family];
}

/** RFC 4884, section 4: the second word, with the quote's 128 bytes in words, or wrongly in bytes. */
function lengthField(family: 4 | 6, lengthIn: "words" | "bytes" | "nothing"): number[] {
  if (lengthIn === "nothing") return [0, 0, 0, 0];
  const unit = family === 4 ? 4 : 8;
  const value = lengthIn === "bytes" ? 128 : 128 / unit;
  return family === 4 ? [0, value, 0, 0] : [value, 0, 0, 0];
}

function sealedUdp(from: Bytes, to: Bytes, datagram: Bytes): Bytes {
  const pseudo = concat(from, to, u32(datagram.length), [0, 0, 0, UDP]);
  let sum = 0;
  const all = concat(pseudo, datagram);
  for (let i = 0; i < all.length; i += 2) sum += all[i] << 8 | (all[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  datagram.set(u16(~sum & 0xffff), 6);
  return datagram;
}

function rewritten(packet: Packet, to: { readonly v4: string; readonly v6: string }): Packet {
  const bytes = packet.bytes.slice();
  bytes.set(addressBytes(packet.family === 4 ? to.v4 : to.v6), packet.family === 4 ? 12 : 8);
  const other = read(bytes);
  if (other === null) throw new Error("a packet that was read cannot be read again");
  return other;
}

/** What routers hash by protocol beside the addresses: ports, or of ICMP its type, code and checksum. */
function flowBytes(packet: Packet): Bytes {
  return concat([packet.protocol], packet.transport.slice(0, 4));
}

function isMulticast({ family, destination }: Packet): boolean {
  return family === 4 ? destination[0] >= 224 : destination[0] === 0xff;
}
