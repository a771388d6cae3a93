/** What `connections` counts, against the kernel's own counters as `ss` shows them. */
import { assertEquals, assertGreater, equal } from "@std/assert";
import { traffic, watch } from "../wan/connections_lab.ts";
import { Network } from "../wan/harness/network.ts";
import { until } from "../wan/harness/wait.ts";
import { wan } from "../wan/harness/wan.ts";

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** The figures of a group as `ss -tinmH` shows them, over all its sockets. */
interface SsFigures {
  connections: number;
  segs_out: number;
  bytes_sent: number;
  bytes_received: number;
  retrans: number;
}

/** By direction, address family and service port, from the lines of `ss -tinmH`. */
function figuresOfSs(text: string, ports: readonly number[]): Map<string, SsFigures> {
  const groups = new Map<string, SsFigures>();
  const lines = text.split("\n");
  for (const [i, line] of lines.entries()) {
    const match = /^ESTAB\s+\d+\s+\d+\s+(\S+):(\d+)\s+(\S+):(\d+)/.exec(line);
    if (match === null) continue;
    const [, , localPort, remote, remotePort] = match;
    const out = ports.includes(Number(remotePort));
    const address = remote.replaceAll(/[[\]]/g, "").replace("::ffff:", "");
    const key = out ? `${address} ${remotePort} out` : `${address} ${localPort} in`;
    const info = lines[i + 1];
    const value = (name: string) => Number(new RegExp(`\\b${name}:(\\d+)`).exec(info)?.[1] ?? 0);
    const retrans = Number(/\bretrans:\d+\/(\d+)/.exec(info)?.[1] ?? 0);
    const group = groups.get(key) ??
      { connections: 0, segs_out: 0, bytes_sent: 0, bytes_received: 0, retrans: 0 };
    group.connections++;
    group.segs_out += value("segs_out");
    group.bytes_sent += value("bytes_sent");
    group.bytes_received += value("bytes_received");
    group.retrans += retrans;
    groups.set(key, group);
  }
  return groups;
}

wan(
  "counts and counters are those of ss: IPv4, IPv6, mapped, both ends on one machine",
  async () => {
    await using network = await Network.create();
    const host = await network.host("alone");
    const other = await network.host("other");
    const link = await network.link(host, other, { delayUs: 500 });
    const PORTS = [2500, 2501];
    // Listening on `::`, so that IPv4 peers come as mapped addresses.
    await traffic(host, ["reply", PORTS[0], 1]);
    await traffic(other, ["reply", PORTS[1], 1]);
    const children = await Promise.all([
      traffic(
        host,
        ["ask", "127.0.0.1:2500", 3, 30],
        ["ask", "[::1]:2500", 4, 30],
        ["ask", `${link.b.v4}:2501`, 5, 30],
        ["ask", `[${link.b.v6}]:2501`, 6, 30],
      ),
      traffic(other, ["ask", `${link.a.v4}:2500`, 2, 30]),
    ]);
    const signal = (name: Deno.Signal) => children.forEach((child) => child.kill(name));
    const standStill = async () => {
      signal("SIGSTOP");
      // Until a reply under way, and its acknowledgement, have long come.
      const look = async () => figuresOfSs((await host.run("ss", ["-tinmH"])).stdout, PORTS);
      let figures = await look();
      await until("nothing changes any more", async () => {
        await sleep(300);
        const before = figures;
        figures = await look();
        return equal(before, figures);
      });
      return figures;
    };
    const before = await standStill();
    const after = Promise.withResolvers<Map<string, SsFigures>>();
    // It stands still at the first report and at the second; in between it runs for a while.
    const run = await watch(host, ["-i", "3s", "-c", 2, "--top", 30], {}, async (reports) => {
      if (reports > 1) return;
      signal("SIGCONT");
      await sleep(800);
      after.resolve(await standStill());
    });
    signal("SIGCONT");
    assertEquals(run.code, 0, run.stderr);
    const now = await after.promise;
    assertEquals(now.size, 7);
    for (const [key, figures] of now) {
      const [address, port, direction] = key.split(" ");
      const group = run.reports[1].find((group) =>
        group.peer === address && group.direction === direction &&
        (group.peer_port ?? group.local_port) === Number(port)
      );
      const was = before.get(key);
      assertEquals({
        connections: group?.connections,
        segs_out: group?.segments_out,
        bytes_sent: group?.bytes_out,
        bytes_received: group?.bytes_in,
        retrans: group?.segments_retransmitted,
      }, {
        connections: figures.connections,
        segs_out: figures.segs_out - (was?.segs_out ?? 0),
        bytes_sent: figures.bytes_sent - (was?.bytes_sent ?? 0),
        bytes_received: figures.bytes_received - (was?.bytes_received ?? 0),
        retrans: figures.retrans - (was?.retrans ?? 0),
      }, key);
      assertGreater(group?.segments_out ?? 0, 0);
    }
  },
);
