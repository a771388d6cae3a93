import { assertEquals } from "@std/assert";
import { parseTcpCounters } from "../../../src/kernel/tcp_counters.ts";

const SNMP = "Ip: Forwarding DefaultTTL\nIp: 1 64\n" +
  "Tcp: RtoAlgorithm ActiveOpens PassiveOpens\nTcp: 1 12 34\nUdp: InDatagrams\nUdp: 7\n";
const NETSTAT = "TcpExt: SyncookiesSent ListenOverflows ListenDrops\nTcpExt: 0 5 6\n" +
  "IpExt: InNoRoutes\nIpExt: 0\n";

Deno.test("the counters are found by their names, wherever they stand", () => {
  assertEquals(parseTcpCounters(SNMP, NETSTAT), {
    activeOpens: 12,
    passiveOpens: 34,
    listenOverflows: 5,
    listenDrops: 6,
  });
});

Deno.test("a kernel without one of them has none", () => {
  assertEquals(parseTcpCounters("", NETSTAT), null);
  assertEquals(parseTcpCounters(SNMP, "TcpExt: ListenDrops\nTcpExt: 6\n"), null);
});
