import { assertEquals, assertInstanceOf, assertStringIncludes, assertThrows } from "@std/assert";
import { SystemError } from "../../../src/domain/exit.ts";
import { ErrnoError } from "../../../src/kernel/errno.ts";
import type { PacketKind, PacketSocketOptions } from "../../../src/kernel/packet_port.ts";
import { type KnockOptions, knockProber } from "../../../src/net/knock_prober.ts";
import { probeOnce } from "../../../src/net/prober.ts";
import { PacketProber } from "../../../src/net/packet_prober.ts";
import { type PingOptions, pingProber } from "../../../src/net/ping_prober.ts";
import { FakeClock, settle } from "../fake_clock.ts";
import { endpoint, record } from "../fixtures.ts";
import { FakePacketSocket } from "./fake_packets.ts";

// <asm-generic/errno.h>
const [EPERM, EACCES, ENODEV, EMFILE, EAFNOSUPPORT, EADDRNOTAVAIL] = [1, 13, 19, 24, 97, 99];
const PING: PingOptions = {
  timeoutMs: 1000,
  clock: "auto",
  payloadBytes: 56,
  ttl: null,
  source: null,
};
const KNOCK: KnockOptions = { timeoutMs: 1000, clock: "auto", source: null };

/** Gives sockets, or the errno that the table has for their kind and family. */
class FakeOpener {
  readonly opened: PacketSocketOptions[] = [];
  readonly sockets: FakePacketSocket[] = [];
  #errnos: Readonly<Record<string, number>>;

  constructor(errnos: Partial<Record<`${PacketKind} ${4 | 6}`, number>> = {}) {
    this.#errnos = errnos;
  }

  socket(options: PacketSocketOptions): FakePacketSocket {
    const errno = this.#errnos[`${options.kind} ${options.family}`];
    if (errno !== undefined) throw new ErrnoError("socket", errno);
    this.opened.push(options);
    const socket = new FakePacketSocket(options.family, options.kind === "ping" ? 7 : 0);
    this.sockets.push(socket);
    return socket;
  }

  get kinds(): string[] {
    return this.opened.map(({ kind, family }) => `${kind} ${family}`);
  }
}

const NO_PORTS = { ports: [40_001], close: () => {} };

function knock(opener: FakeOpener, options = KNOCK, ports = NO_PORTS): PacketProber {
  const route = { source: new Uint8Array(4), interfaceIndex: 0 };
  const syn = { ports, routes: { choose: () => route }, random: () => 1 };
  return knockProber(options, new FakeClock(), opener, syn);
}

Deno.test("ping takes a ping socket of each family where it may, without a filter", () => {
  const opener = new FakeOpener();
  pingProber(PING, new FakeClock(), opener);
  assertEquals(opener.kinds, ["ping 4", "ping 6"]);
  assertEquals(opener.sockets.map(({ filters }) => filters.length), [0, 0]);
});

Deno.test("ping takes a raw socket with a filter where ping sockets are not permitted", () => {
  const opener = new FakeOpener({ "ping 4": EACCES, "ping 6": EACCES });
  pingProber(PING, new FakeClock(), opener);
  assertEquals(opener.kinds, ["raw-echo 4", "raw-echo 6"]);
  assertEquals(opener.sockets.map(({ filters }) => filters.length), [1, 1]);
});

Deno.test("where ping may have neither socket, one line names both remedies", () => {
  const opener = new FakeOpener({
    "ping 4": EACCES,
    "ping 6": EACCES,
    "raw-echo 4": EPERM,
    "raw-echo 6": EPERM,
  });
  const error = assertThrows(() => pingProber(PING, new FakeClock(), opener), SystemError);
  assertStringIncludes(error.message, 'sysctl -w net.ipv4.ping_group_range="0 2147483647"');
  assertStringIncludes(error.message, "setcap cap_net_raw+ep");
  assertEquals(error.message.includes("\n"), false);
});

Deno.test("without IPv6 the machine pings by IPv4, and an IPv6 target says why not", async () => {
  const opener = new FakeOpener({ "ping 6": EAFNOSUPPORT });
  const prober = pingProber(PING, new FakeClock(), opener);
  assertInstanceOf(prober, PacketProber);
  // No second try: a raw socket would not be permitted any more than the family is there.
  assertEquals(opener.kinds, ["ping 4"]);
  const probed = record();
  probeOnce(prober, endpoint("2001:db8::1"), probed);
  await settle();
  assertEquals(probed.outcome, "error");
  assertStringIncludes(probed.error ?? "", "cannot ping IPv6");
});

Deno.test("a source that is not this machine's is named", () => {
  const source = endpoint("192.0.2.77", 0);
  const kinds = { "ping 4": EADDRNOTAVAIL, "raw-tcp 4": EADDRNOTAVAIL } as const;
  const text = "--source 192.0.2.77: not an address of this machine";
  const ping = () => pingProber({ ...PING, source }, new FakeClock(), new FakeOpener(kinds));
  assertThrows(ping, SystemError, text);
  assertThrows(() => knock(new FakeOpener(kinds), { ...KNOCK, source }), SystemError, text);
});

Deno.test("an IPv6 source opens IPv6 alone, and its refusal is the one that is told", () => {
  const source = endpoint("2001:db8::7", 0);
  const opener = new FakeOpener();
  pingProber({ ...PING, source }, new FakeClock(), opener);
  knock(opener, { ...KNOCK, source });
  assertEquals(opener.kinds, ["ping 6", "raw-tcp 6"]);
  assertEquals(opener.opened.map((options) => options.source), [source, source]);
  const refused = new FakeOpener({ "ping 6": EADDRNOTAVAIL, "raw-tcp 6": EADDRNOTAVAIL });
  const ping = () => pingProber({ ...PING, source }, new FakeClock(), refused);
  assertThrows(ping, SystemError, "--source 2001:db8::7");
  assertThrows(() => knock(refused, { ...KNOCK, source }), SystemError, "--source 2001:db8::7");
});

Deno.test("knock takes a raw socket of each family, each with a filter", () => {
  const opener = new FakeOpener();
  knock(opener);
  assertEquals(opener.kinds, ["raw-tcp 4", "raw-tcp 6"]);
  assertEquals(opener.sockets.map(({ filters }) => filters.length), [1, 1]);
});

Deno.test("where knock may have no raw socket, one line says how to allow it, and no port is kept", () => {
  let closed = 0;
  const ports = { ports: [1], close: () => closed++ };
  const opener = new FakeOpener({ "raw-tcp 4": EPERM, "raw-tcp 6": EPERM });
  const error = assertThrows(() => knock(opener, KNOCK, ports), SystemError);
  assertStringIncludes(error.message, "setcap cap_net_raw+ep");
  assertEquals([error.message.includes("\n"), closed], [false, 1]);
});

Deno.test("other reasons are told as the system gives them", () => {
  const opener = new FakeOpener({
    "ping 4": EMFILE,
    "ping 6": EMFILE,
    "raw-tcp 4": EMFILE,
    "raw-tcp 6": EMFILE,
  });
  const text = "too many open files";
  assertThrows(() => pingProber(PING, new FakeClock(), opener), SystemError, text);
  assertThrows(() => knock(opener), SystemError, text);
});

Deno.test("an interface is handed to every socket, and named where there is none of that name", () => {
  const device = "eth7";
  for (
    const open of [
      (opener: FakeOpener) => pingProber({ ...PING, device }, new FakeClock(), opener),
      (opener: FakeOpener) => knock(opener, { ...KNOCK, device }),
    ]
  ) {
    const opener = new FakeOpener();
    open(opener);
    assertEquals(opener.opened.map(({ interfaceName }) => interfaceName), [device, device]);
    const unknown = new FakeOpener({
      "ping 4": ENODEV,
      "ping 6": ENODEV,
      "raw-tcp 4": ENODEV,
      "raw-tcp 6": ENODEV,
    });
    const { message } = assertThrows(() => open(unknown), SystemError);
    assertEquals(message, "--interface eth7: no such interface");
  }
});
