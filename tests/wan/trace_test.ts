/** The compiled binary's traces against paths of known shape and delay, the packets on them, and other tracers. */
import { assertEquals, assertGreaterOrEqual, assertLess, assertLessOrEqual } from "@std/assert";
import { saturate } from "./harness/busy.ts";
import { hopsIn, type LinkHop, sendingMs } from "./harness/hop_truth.ts";
import { errorMs } from "./harness/truth.ts";
import { wan } from "./harness/wan.ts";
import { quantile } from "./lab.ts";
import {
  addressesOf,
  Chain,
  CLOSED_PORT,
  completedByKernel,
  FAMILIES,
  operand,
  PORT,
  trace,
  WAYS,
  withPort,
} from "./trace_lab.ts";

/** One way, per link: every hop's round trip is another. */
const FIVE_LINKS_US = [500, 1000, 1500, 2000, 2500];
const TIMEOUT_MS = 1000;
const MEDIAN_ERROR_MS = 0.3;

/** What the link saw of a hop's answers, the quickest first. */
function answersOf(hop: number, seen: readonly LinkHop[]): LinkHop[] {
  return seen.filter(({ hops }) => hops === hop)
    .sort((one, other) => (one.rttUs ?? NaN) - (other.rttUs ?? NaN));
}

for (const family of FAMILIES) {
  wan(`the hops are the topology's and their times the link's, over ${family}`, async () => {
    await using chain = await Chain.open(FIVE_LINKS_US);
    const errorsMs: number[] = [];
    for (const [user, protocol, options] of WAYS) {
      const label = `${user} ${protocol} ${options}`;
      await chain.links[0].capture();
      const to = operand(protocol, chain.target(family));
      const run = await trace(chain.prober, user, ...options, to);
      assertEquals(addressesOf(run.trace), chain.hops(family).map((hop) => [hop]), label);
      assertEquals([run.code, run.trace.reached, run.trace.handshake], [0, true, null], label);
      assertEquals(run.trace.protocol, protocol);
      // By UDP each probe has a source port of its own, which every router quotes.
      const fixed = protocol === "icmp" || protocol === "tcp" && user === "root" ||
        options.includes("--paths");
      assertEquals(run.trace.flow, fixed ? "fixed" : "varied", label);
      const seen = hopsIn(await chain.links[0].captured());
      for (const { hop, sent, answered, probes } of run.trace.hops) {
        assertEquals([sent, answered], [3, 3], `${label} hop ${hop}`);
        if (hop > chain.routers.length) continue;
        const told = probes.map(({ rtt_ms }) => rtt_ms ?? NaN).toSorted((a, b) => a - b);
        const true_ = answersOf(hop, seen);
        assertEquals(told.length, true_.length, `${label} hop ${hop}`);
        errorsMs.push(...told.map((ms, i) => errorMs(ms, true_[i])));
      }
    }
    assertEquals(errorsMs.length, WAYS.length * chain.routers.length * 3);
    assertLess(quantile(errorsMs, 0.5), MEDIAN_ERROR_MS);
  });
}

wan("the times are the link's while all cores are saturated", async () => {
  await using chain = await Chain.open(FIVE_LINKS_US);
  await using _busy = await saturate(2 * navigator.hardwareConcurrency);
  const errorsMs: number[] = [];
  for (let i = 0; i < 6; i++) {
    await chain.links[0].capture();
    const run = await trace(
      chain.prober,
      "nobody",
      "-U",
      "-q",
      "5",
      "-m",
      "4",
      "-t",
      "5s",
      chain.target("v4"),
    );
    const seen = hopsIn(await chain.links[0].captured());
    for (const { hop, probes } of run.trace.hops) {
      const told = probes.flatMap(({ rtt_ms }) => rtt_ms ?? []).toSorted((a, b) => a - b);
      const true_ = answersOf(hop, seen);
      // An answer that came when the round was over was not read.
      if (told.length !== true_.length) continue;
      errorsMs.push(...told.map((ms, i) => errorMs(ms, true_[i])));
    }
  }
  assertGreaterOrEqual(errorsMs.length, 60);
  assertLess(quantile(errorsMs, 0.5), MEDIAN_ERROR_MS);
});

wan("an open port, a closed one and a silent one end the path as what they are", async () => {
  await using chain = await Chain.open(FIVE_LINKS_US.slice(2));
  for (const user of ["root", "nobody"] as const) {
    for (const family of FAMILIES) {
      const open = await trace(chain.prober, user, withPort(chain.target(family), PORT));
      assertEquals([open.code, open.trace.end?.detail, open.trace.end?.hop], [0, "open", 3]);
      assertEquals(open.trace.hops[2].addresses.map(({ detail }) => detail), ["open"]);
      assertEquals(open.trace.hops[2].answered, 3);
      const closed = await trace(chain.prober, user, withPort(chain.target(family), CLOSED_PORT));
      assertEquals([closed.code, closed.trace.end?.detail], [0, "refused"]);
    }
  }
  await chain.links[2].set({ drop: "all" }, "ab");
  const silent = await trace(chain.prober, "nobody", withPort(chain.target("v4"), PORT));
  assertEquals(addressesOf(silent.trace), chain.hops("v4").slice(0, 2).map((hop) => [hop]));
  assertEquals([silent.code, silent.trace.end, silent.trace.reached], [1, null, false]);
  assertEquals(silent.trace.handshake?.outcome, "timeout");
  // All up to the last one that may be tried.
  assertEquals(silent.trace.silent_tail, 28);
});

wan("the application behind the port is given no connection", async () => {
  await using chain = await Chain.open([1000, 3000, 5000]);
  await chain.links[0].capture();
  for (const user of ["root", "nobody"] as const) {
    for (const family of FAMILIES) {
      const to = withPort(chain.target(family), PORT);
      for (const options of [[], ["--paths", "2"]]) {
        const run = await trace(chain.prober, user, "-q", "5", ...options, to);
        assertEquals(run.trace.end?.detail, "open");
      }
    }
  }
  const late = completedByKernel(await chain.links[0].captured());
  assertLessOrEqual(await chain.responder.accepted(), late);
});

wan("where the end is silent to the trace, the port's own handshake is given", async () => {
  await using chain = await Chain.open(FIVE_LINKS_US);
  await chain.links[4].set({ drop: "udp" }, "ab");
  const to = withPort(chain.target("v4"), PORT);
  const { code, trace: of } = await trace(chain.prober, "nobody", "-U", to);
  assertEquals(addressesOf(of), chain.hops("v4").slice(0, 4).map((hop) => [hop]));
  assertEquals([code, of.reached, of.answered, of.end], [0, false, true, null]);
  assertEquals([of.handshake?.outcome, of.handshake?.port], ["established", PORT]);
  assertGreaterOrEqual(of.handshake?.rtt_ms ?? 0, 15);
});

wan("twelve hops are asked while one of them is silent, which is waited for once", async () => {
  await using chain = await Chain.open(new Array(13).fill(2500));
  await chain.silence(5);
  for (const family of FAMILIES) {
    const expected = chain.hops(family).map((hop, i) => i === 4 ? [] : [hop]);
    for (const [user, protocol, options] of WAYS) {
      const label = `${user} ${protocol} ${family}`;
      const to = operand(protocol, chain.target(family));
      await chain.links[0].capture();
      const { code, trace: of } = await trace(chain.prober, user, ...options, to);
      assertEquals(addressesOf(of), expected, label);
      assertEquals(code, 0, label);
      // One probe at a time takes as long as all of them one after the other.
      if (options.includes("--paths")) continue;
      // By the packets: a hop that is asked after the silent one was given up is asked a timeout later.
      const sentMs = sendingMs(await chain.links[0].captured());
      assertLess(sentMs, TIMEOUT_MS, label);
      assertLess(of.duration_ms, sentMs + 2 * TIMEOUT_MS, label);
    }
  }
});

wan("a router that limits its errors loses some of them, and no other hop does", async () => {
  await using chain = await Chain.open([500, 500, 500, 500]);
  const link = chain.links[1];
  for (const family of FAMILIES) {
    const icmpErrorSources = [link.b[family]];
    await link.set({ icmpErrorsPerSecond: 0.1, icmpErrorSources }, "ba");
    const to = chain.target(family);
    const { trace: of } = await trace(chain.prober, "nobody", "-U", "-q", "5", to);
    assertEquals(addressesOf(of), chain.hops(family).map((hop) => [hop]));
    // One token; the trace takes less than the ten seconds until the next.
    assertEquals(of.hops.map(({ answered }) => answered), [5, 1, 5, 5]);
    assertEquals(of.hops[1].lost, 4);
  }
});

wan("a router that refuses ends the path; one that drops leaves it open", async () => {
  await using chain = await Chain.open([500, 500, 500, 500]);
  const [, router] = chain.routers;
  for (const family of FAMILIES) {
    const bits = family === "v4" ? 32 : 128;
    const to = withPort(chain.target(family), PORT);
    await router.route("prohibit", `${chain.target(family)}/${bits}`);
    await Promise.all(WAYS.map(async ([user, protocol, options], i) => {
      const label = `${user} ${protocol} ${family}`;
      const of = protocol === "icmp" ? chain.target(family) : to;
      // The kernel tells each sender of such a route but five times in a row.
      const source = family === "v4" ? `10.77.1.${101 + i}` : `fd77:0:0:1::${101 + i}`;
      const prefix = family === "v4" ? "/24" : "/64";
      const place = [source + prefix, "dev", chain.links[0].a.device];
      await chain.prober.ip("addr", "add", ...place, ...(family === "v6" ? ["nodad"] : []));
      const limits = ["-q", "1", "-m", "4", "-t", "2s", "--source", source];
      const run = await trace(chain.prober, user, ...limits, ...options, of);
      const expected = chain.hops(family).slice(0, 2).map((hop) => [hop]);
      assertEquals(addressesOf(run.trace), expected, label);
      assertEquals(run.code, 1, label);
      const { end } = run.trace;
      assertEquals(
        [end?.detail, end?.hop, end?.address],
        ["administratively prohibited", 2, chain.hops(family)[1]],
        label,
      );
    }));
    await router.ip(
      family === "v4" ? "-4" : "-6",
      "route",
      "del",
      `${chain.target(family)}/${bits}`,
    );
    // Such a route does not even let a router say that the hops are used up.
    await chain.routers[2].route("blackhole", `${chain.target(family)}/${bits}`);
    const run = await trace(chain.prober, "nobody", "-t", "500ms", "-U", to);
    assertEquals(addressesOf(run.trace), chain.hops(family).slice(0, 2).map((hop) => [hop]));
    assertEquals([run.code, run.trace.end], [1, null]);
  }
});

/** The hop addresses in a traceroute's output, or an mtr report's. */
function hopsOf(output: string): string[] {
  return output.split("\n").flatMap((line) => {
    const match = /^\s*([0-9]+)[.|\s-]+\s*([0-9a-f.:]+)\s/.exec(line);
    return match === null || !/[.:]/.test(match[2]) ? [] : [match[2]];
  });
}

wan("traceroute and mtr see the same path", async () => {
  await using chain = await Chain.open([500, 1000, 1500, 2000, 2500]);
  for (const family of FAMILIES) {
    const to = chain.target(family);
    for (
      const [protocol, ours, theirs] of [["udp", "-U", "-U"], ["icmp", "-I", "-I"], [
        "tcp",
        "",
        "-T",
      ]]
    ) {
      const words = ours === "" ? [withPort(to, PORT)] : [ours, to];
      const run = await trace(chain.prober, "root", ...words);
      const port = protocol === "tcp" ? ["-p", String(PORT)] : [];
      const other = await chain.prober.run("traceroute", ["-n", "-q", "1", theirs, ...port, to]);
      assertEquals(addressesOf(run.trace).flat(), hopsOf(other.stdout), other.stdout);
    }
    const mtr = await chain.prober.run("mtr", ["-n", "-r", "-w", "-c", "3", "-i", "0.2", to]);
    assertEquals(chain.hops(family), hopsOf(mtr.stdout), mtr.stdout);
  }
}, ["traceroute", "mtr"]);
