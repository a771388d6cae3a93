/** Readings of made-up sockets, from the kernel's counters to a report. */
import { assertEquals } from "@std/assert";
import type { Grouping } from "../../../src/domain/connection.ts";
import { TCP_INFO_AT as AT } from "../../../src/kernel/tcp_info_layout.ts";
import { Bench, local, named, out, segments } from "./bench.ts";
import { CLOSE_WAIT, LISTEN, type SocketFields, SYN_SENT } from "./sockets.ts";

Deno.test("the first reading is what is there; differences begin with the second", async () => {
  const bench = new Bench();
  const first = await bench.report([out(1, { [AT.segmentsOut]: 50, [AT.bytesReceived]: 9n })]);
  assertEquals(first.intervalMs, 0);
  assertEquals([first.totals.opened, first.groups[0].segmentsOut], [0, 0]);
  const second = await bench.report([out(1, { [AT.segmentsOut]: 57, [AT.bytesReceived]: 19n })]);
  assertEquals(second.intervalMs, 1000);
  const group = named(second, "10.0.0.2:5432");
  assertEquals([group.connections, group.segmentsOut, group.bytesIn], [1, 7, 10]);
  assertEquals([group.direction, group.localPort, group.peerPort], ["out", null, 5432]);
});

Deno.test("counters of 32 bits go round, those of 64 do not", async () => {
  const bench = new Bench();
  await bench.report([
    out(1, { [AT.segmentsOut]: 2 ** 32 - 3, [AT.bytesReceived]: 2n ** 32n - 1n }),
  ]);
  const report = await bench.report([
    out(1, { [AT.segmentsOut]: 4, [AT.bytesReceived]: 2n ** 33n }),
  ]);
  assertEquals([report.groups[0].segmentsOut, report.groups[0].bytesIn], [7, 2 ** 32 + 1]);
});

Deno.test("bytes out are those sent less those sent again, and acknowledged ones on older kernels", async () => {
  for (const [infoBytes, wanted] of [[240, 900], [192, 700]] as const) {
    const bench = new Bench();
    await bench.report([out(1, {}, { infoBytes })]);
    const info = {
      [AT.bytesSent]: 1000n,
      [AT.bytesRetransmitted]: 100n,
      [AT.bytesAcked]: 700n,
    };
    const report = await bench.report([out(1, info, { infoBytes })]);
    assertEquals(report.groups[0].bytesOut, wanted);
  }
});

Deno.test("who listens has accepted: by port, on that address or on all, mapped or not", async () => {
  const bench = new Bench();
  const listener = (port: number, address: string, cookie: number): SocketFields => ({
    state: LISTEN,
    local: address,
    remote: address.includes(":") ? "::" : "0.0.0.0",
    localPort: port,
    remotePort: 0,
    cookie,
    limit: 128,
    drops: 0,
  });
  const accepted = (port: number, address: string, cookie: number): SocketFields => ({
    local: address,
    localPort: port,
    remote: address.includes(":") ? "::ffff:10.9.9.9" : "10.9.9.9",
    remotePort: 50_000,
    cookie,
  });
  const report = await bench.report([
    listener(80, "0.0.0.0", 1),
    listener(81, "10.0.0.1", 2),
    listener(82, "::", 3),
    listener(83, "::ffff:10.0.0.1", 4),
    accepted(80, "10.0.0.1", 11),
    accepted(81, "10.0.0.1", 12),
    accepted(81, "10.0.0.7", 13),
    accepted(82, "::ffff:10.0.0.1", 14),
    accepted(83, "::ffff:10.0.0.1", 15),
    accepted(84, "10.0.0.1", 16),
  ]);
  const names = report.groups.map(({ group }) => group).sort();
  assertEquals(names, [
    "10.9.9.9:50000",
    ":80 from 10.9.9.9",
    ":81 from 10.9.9.9",
    ":82 from 10.9.9.9",
    ":83 from 10.9.9.9",
  ]);
  assertEquals(named(report, "10.9.9.9:50000").connections, 2);
});

Deno.test("opened, closed, connecting and CLOSE_WAIT are counted; a connect that fails was no connection", async () => {
  const bench = new Bench();
  await bench.report([out(1, {}), out(2, {}), out(3, {}, { state: SYN_SENT })]);
  const report = await bench.report([
    out(2, {}, { state: CLOSE_WAIT }),
    out(3, {}),
    out(4, {}),
    out(5, {}, { state: SYN_SENT }),
  ]);
  const { connections, opened, closed, connecting, closeWait } = report.groups[0];
  assertEquals({ connections, opened, closed, connecting, closeWait }, {
    connections: 3,
    opened: 2,
    closed: 1,
    connecting: 1,
    closeWait: 1,
  });
  const after = await bench.report([out(2, {}), out(3, {}), out(4, {})]);
  assertEquals([after.totals.closed, after.totals.opened], [0, 0]);
});

Deno.test("an interrupted dump is made once more, and then nobody is said to be closed", async () => {
  const bench = new Bench();
  await bench.report([out(1, {}), out(2, {})]);
  bench.source.interrupted = 1;
  const again = await bench.report([out(1, { [AT.segmentsOut]: 3 }), out(2, {})]);
  assertEquals([again.totals.incomplete, again.totals.connections], [false, 2]);
  assertEquals(again.groups[0].segmentsOut, 3);
  bench.source.interrupted = 2;
  const twice = await bench.report([out(1, { [AT.segmentsOut]: 3 })]);
  assertEquals([twice.totals.incomplete, twice.totals.closed], [true, 0]);
  const whole = await bench.report([out(1, { [AT.segmentsOut]: 3 }), out(2, {})]);
  assertEquals([whole.totals.opened, whole.totals.closed], [0, 0]);
});

Deno.test("groups beyond the top are one line, with the sums and the spread of all", async () => {
  const bench = new Bench({ top: 2 });
  const peers = Array.from({ length: 6 }, (_, i) => `10.1.0.${i}`);
  const at = (data: number) =>
    peers.map((remote, i) => out(i, segments(2 * data, data, 0, 10_000 + 1000 * i), { remote }));
  await bench.report(at(0));
  const report = await bench.report(at(10));
  assertEquals(report.groups.map(({ group }) => group), [
    "10.1.0.5:5432",
    "10.1.0.4:5432",
    "others",
  ]);
  const others = named(report, "others");
  assertEquals([others.connections, others.segmentsOut, others.direction], [4, 80, null]);
  assertEquals([others.rtt?.count, others.rtt?.minUs, others.rtt?.maxUs], [4, 10_000, 13_000]);
  assertEquals([report.totals.groups, report.totals.groupsInOthers], [6, 4]);
});

Deno.test("lines that were shown stay where the receiver wants series that last", async () => {
  const bench = new Bench({ top: 1, steady: true });
  const at = (data: number, first: number, second: number) => [
    out(1, segments(2 * data, data, 0, first), { remote: "10.1.0.1" }),
    out(2, segments(2 * data, data, 0, second), { remote: "10.1.0.2" }),
  ];
  await bench.report(at(0, 1, 1));
  assertEquals((await bench.report(at(5, 20_000, 10_000))).groups[0].peer, "10.1.0.1");
  assertEquals((await bench.report(at(9, 10_000, 20_000))).groups[0].peer, "10.1.0.1");
});

Deno.test("a group that takes the place of one that was shown was not shown before", async () => {
  const bench = new Bench({ top: 1, steady: true });
  const at = (cookie: number, data: number, rttUs: number) =>
    out(cookie, segments(2 * data, data, 0, rttUs), { remote: `10.1.0.${cookie}` });
  await bench.report([at(1, 0, 1), at(2, 0, 1)]);
  assertEquals(
    (await bench.report([at(1, 5, 20_000), at(2, 5, 15_000)])).groups[0].peer,
    "10.1.0.1",
  );
  assertEquals((await bench.report([at(2, 9, 15_000)])).groups[0].peer, "10.1.0.1");
  const report = await bench.report([at(2, 15, 15_000), at(3, 5, 10_000)]);
  assertEquals(report.groups[0].peer, "10.1.0.2");
});

Deno.test("connections are grouped by service, prefix or each by itself", async () => {
  const sockets = [
    out(1, {}, { remote: "10.1.0.1" }),
    out(2, {}, { remote: "10.1.0.2" }),
    out(3, {}, { remote: "2001:db8:0:1::5", local: "2001:db8::1" }),
    out(4, {}, { remote: "2001:db8:0:1:ffff::6", local: "2001:db8::1" }),
  ];
  const names = async (by: Grouping) => {
    const report = await new Bench({ by }).report(sockets);
    return report.groups.map(({ group, connections }) => `${group} ${connections}`).sort();
  };
  assertEquals(await names("service"), [":5432 4"]);
  assertEquals(await names("prefix"), ["10.1.0.0/24:5432 2", "[2001:db8:0:1::/64]:5432 2"]);
  assertEquals(await names("connection"), [
    "10.1.0.1:5432 from :40001 1",
    "10.1.0.2:5432 from :40002 1",
    "[2001:db8:0:1::5]:5432 from :40003 1",
    "[2001:db8:0:1:ffff::6]:5432 from :40004 1",
  ]);
});

Deno.test("an accept queue is its port's, with what the port dropped since the reading before", async () => {
  const bench = new Bench({ listening: true });
  const counters = { activeOpens: 0, passiveOpens: 0, listenDrops: 0 };
  const listener = (queue: number, drops: number): SocketFields => ({
    state: LISTEN,
    local: "0.0.0.0",
    remote: "0.0.0.0",
    localPort: 5432,
    remotePort: 0,
    cookie: 99,
    queue,
    limit: 4,
    drops,
  });
  bench.counters = { ...counters, listenOverflows: 10 };
  await bench.report([listener(0, 70)]);
  bench.counters = { ...counters, listenOverflows: 13 };
  const report = await bench.report([listener(5, 73)]);
  const [group] = report.groups;
  assertEquals([group.group, group.acceptQueues], [":5432", { waiting: 5, limit: 4, drops: 3 }]);
  assertEquals(group.verdicts.map(({ verdict }) => verdict), ["accept_queue"]);
  assertEquals(report.totals.listenOverflows, 3);
  // Dropped for another reason: no accept queue overflowed meanwhile.
  const other = await bench.report([listener(0, 75)]);
  assertEquals([other.groups[0].acceptQueues?.drops, other.groups[0].verdicts], [2, []]);
});

Deno.test("a port that is asked for is the service's: there where it was opened, here where it was accepted", async () => {
  const bench = new Bench({ port: 5432 });
  const listener: SocketFields = {
    state: LISTEN,
    local: "0.0.0.0",
    remote: "0.0.0.0",
    localPort: 5432,
    remotePort: 0,
    cookie: 50,
  };
  const report = await bench.report([
    listener,
    out(1, {}),
    { cookie: 2, local, localPort: 5432, remote: "10.0.0.3", remotePort: 50_000 },
    // Another one's own port is 5432 by chance, its service is not.
    { cookie: 3, local, localPort: 5432, remote: "10.0.0.4", remotePort: 5432 },
    out(4, {}, { remotePort: 443 }),
  ]);
  assertEquals(report.groups.map(({ group }) => group).sort(), [
    "10.0.0.2:5432",
    ":5432 from 10.0.0.3",
    ":5432 from 10.0.0.4",
  ]);
  assertEquals(
    bench.source.requests.every(({ filter, info }) => !info || filter?.port === 5432),
    true,
  );
});
