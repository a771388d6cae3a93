/** Both ways to make a handshake, held to the same: on loopback, with real sockets. */
import { assert, assertEquals } from "@std/assert";
import { literalEndpoint } from "../../src/domain/address.ts";
import { blankRecord, NONE, type ProbeRecord } from "../../src/domain/probe_record.ts";
import type { Endpoint } from "../../src/domain/target.ts";
import { ConnectingSockets } from "../../src/kernel/connecting_sockets.ts";
import { ErrnoError } from "../../src/kernel/errno.ts";
import { TcpSockets } from "../../src/kernel/tcp_info.ts";
import type { CloseKind, Connector, HandshakeObserver } from "../../src/net/connector.ts";
import { DenoConnector } from "../../src/net/deno_connector.ts";
import { OWN_SOCKETS_FROM } from "../../src/net/connector_choice.ts";
import { ConnectorByRate } from "../../src/net/open_connector.ts";
import { OwnConnector } from "../../src/net/own_connector.ts";
import { probeOnce } from "../../src/net/prober.ts";
import { TcpProber } from "../../src/net/tcp_prober.ts";
import { systemClock } from "../../src/time/clock.ts";

const TIMEOUT_MS = 2000;
/** Nothing here takes longer, however busy the machine. */
const PATIENCE_MS = 20_000;
const MANY = 300;

interface Way {
  readonly name: string;
  open(close: CloseKind): Connector;
}

const WAYS: readonly Way[] = [
  { name: "Deno.connect", open: (close) => new DenoConnector(TcpSockets.open(), close) },
  { name: "own sockets", open: (close) => own(close, false) },
  { name: "own sockets at a steady rate", open: (close) => own(close, true) },
  { name: "by rate, above it", open: (close) => byRate(close, OWN_SOCKETS_FROM) },
];

function own(close: CloseKind, steady: boolean): Connector {
  const sockets = ConnectingSockets.open(null, null);
  const infos = TcpSockets.open();
  assert(sockets !== null && infos !== null);
  return new OwnConnector(sockets, infos, systemClock, { close, steady });
}

function byRate(close: CloseKind, rate: number): ConnectorByRate {
  const choice = { source: null, device: null, close, even: true };
  const connector = ConnectorByRate.open(choice, TcpSockets.open());
  assert(connector !== null);
  connector.choose(rate);
  return connector;
}

function bothWays(name: string, body: (way: Way) => Promise<void>): void {
  for (const way of WAYS) {
    Deno.test({
      name: `${way.name}: ${name}`,
      ignore: Deno.build.os !== "linux",
      // The libraries and the epoll set last as long as the process, a wait for 100 ms more.
      sanitizeResources: false,
      sanitizeOps: false,
      fn: () => body(way),
    });
  }
}

/** A socket that listens and is never read: the kernel completes the handshakes. */
function listener(hostname = "127.0.0.1"): Deno.TcpListener {
  return Deno.listen({ hostname, port: 0, tcpBacklog: 2 * MANY });
}

function endpointOf({ addr }: Deno.TcpListener): Endpoint {
  return literalEndpoint(addr.hostname, addr.port)!;
}

/** Sockets of this process that lead to a port, listening ones not counted (proc(5)). */
function socketsTo(port: number): number {
  const inodes = new Set<string>();
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      inodes.add(Deno.readLinkSync(`/proc/self/fd/${name}`));
    } catch {
      // Closed in between.
    }
  }
  const remote = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return Deno.readTextFileSync("/proc/net/tcp").trim().split("\n").slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((words) => words[2].endsWith(remote) && inodes.has(`socket:[${words[9]}]`)).length;
}

/** Waits until it is so, or for as long as there is patience. */
async function until(isSo: () => boolean): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  while (!isSo() && performance.now() < endMs) await new Promise((done) => setTimeout(done, 5));
}

async function probed(way: Way, endpoint: Endpoint, timeoutMs = TIMEOUT_MS): Promise<ProbeRecord> {
  const prober = new TcpProber(way.open("fin"), systemClock, timeoutMs, "auto");
  const record = blankRecord();
  await probeOnce(prober, endpoint, record);
  prober.stop();
  return record;
}

bothWays(
  "an answer is established, with the kernel's round trip, over both families",
  async (way) => {
    for (const address of ["127.0.0.1", "::1"]) {
      using server = listener(address);
      const record = await probed(way, endpointOf(server));
      const { outcome, rttSource, synRetransmits, error } = record;
      assertEquals([outcome, rttSource, synRetransmits, error], ["established", "kernel", 0, null]);
      assert(record.rttUs > 0 && record.rttUs <= record.connectUs);
      assertEquals(socketsTo(server.addr.port), 0);
    }
  },
);

bothWays("a closed port refuses, timed by the clock", async (way) => {
  const closed = listener();
  closed.close();
  const { outcome, rttSource, rttUs, connectUs, synRetransmits, error } = await probed(
    way,
    endpointOf(closed),
  );
  assertEquals([outcome, rttSource, synRetransmits, error], ["refused", null, NONE, null]);
  assert(rttUs === NONE && connectUs > 0);
});

bothWays("what the system refuses at once is an error in the system's words", async (way) => {
  const broadcast = literalEndpoint("255.255.255.255", 9)!;
  const { outcome, error, rttUs } = await probed(way, broadcast);
  assertEquals([outcome, error, rttUs], ["error", "Network is unreachable", NONE]);
});

bothWays("many at once have an end each, and no socket is left", async (way) => {
  using server = listener();
  const closed = listener();
  closed.close();
  const prober = new TcpProber(way.open("rst"), systemClock, TIMEOUT_MS, "auto");
  const records = Array.from({ length: MANY }, blankRecord);
  await Promise.all(
    records.map((record, i) =>
      probeOnce(prober, endpointOf(i % 3 === 0 ? closed : server), record)
    ),
  );
  const outcomes = Object.groupBy(records, ({ outcome }) => outcome);
  assertEquals([outcomes.established?.length, outcomes.refused?.length], [200, 100]);
  assertEquals([socketsTo(server.addr.port), socketsTo(closed.addr.port)], [0, 0]);
});

bothWays("an answer that was not read by the timeout is found by asking", (way) => {
  using server = listener();
  const connector = way.open("fin");
  let sample = "none";
  const observer: HandshakeObserver = {
    established: ({ rttUs, synRetransmits }) => sample = `${rttUs > 0} ${synRetransmits}`,
    failed: (error) => sample = String(error),
    notSent: (error) => sample = `not sent: ${error}`,
  };
  const handle = connector.connect(endpointOf(server), observer);
  // On loopback the kernel has answered by now; nothing was read in this turn.
  assertEquals([connector.poll(handle), sample], [true, "true 0"]);
  return Promise.resolve();
});

bothWays("what is given up is told of no more, and its socket is closed", async (way) => {
  using server = listener();
  const connector = way.open("fin");
  let told = 0;
  const observer = { established: () => told++, failed: () => told++, notSent: () => told++ };
  const first = connector.connect(endpointOf(server), observer);
  connector.cancel(first);
  const second = connector.connect(endpointOf(server), observer);
  await until(() => told > 0 && socketsTo(server.addr.port) === 0);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assertEquals([told, socketsTo(server.addr.port)], [1, 0], String(second));
});

Deno.test({
  name: "own sockets: answers that the kernel holds are told in the same turn, when asked for",
  ignore: Deno.build.os !== "linux",
  sanitizeResources: false,
  // An answer that is not there at once is watched for by a timer, which outlasts the test.
  sanitizeOps: false,
  fn: () => {
    using server = listener();
    const closed = listener();
    closed.close();
    const connector = own("fin", true);
    const told: string[] = [];
    const observer = (of: string): HandshakeObserver => ({
      established: () => told.push(`${of} established`),
      failed: (error) => told.push(`${of} ${error instanceof ErrnoError ? error.code : error}`),
      notSent: (error) => told.push(`${of} not sent: ${error}`),
    });
    connector.connect(endpointOf(server), observer("listener"));
    connector.connect(endpointOf(closed), observer("closed port"));
    connector.connect(literalEndpoint("255.255.255.255", 9)!, observer("broadcast"));
    assertEquals(told, [], "never during the call");
    const endMs = performance.now() + PATIENCE_MS;
    while (told.length < 3 && performance.now() < endMs) connector.readAnswers?.();
    assertEquals(told.sort(), [
      "broadcast not sent: ErrnoError: Network is unreachable",
      "closed port ECONNREFUSED",
      "listener established",
    ]);
  },
});

Deno.test({
  name:
    "by rate: handshakes under way end by the way they were begun, whatever the rate is by then",
  ignore: Deno.build.os !== "linux",
  sanitizeResources: false,
  sanitizeOps: false,
  fn: async () => {
    using server = listener();
    const connector = byRate("fin", OWN_SOCKETS_FROM);
    let told = 0;
    const observer = { established: () => told++, failed: () => {}, notSent: () => {} };
    const cancelled = [];
    for (const rate of [1, OWN_SOCKETS_FROM, 1, OWN_SOCKETS_FROM]) {
      connector.choose(rate);
      connector.connect(endpointOf(server), observer);
      cancelled.push(connector.connect(endpointOf(server), observer));
    }
    for (const handle of cancelled) connector.cancel(handle);
    await until(() => told >= 4 && socketsTo(server.addr.port) === 0);
    assertEquals([told, socketsTo(server.addr.port)], [4, 0]);
  },
});
