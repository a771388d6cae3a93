/** collectd, fed through its exec plugin and its unixsock plugin; read back from its CSV files. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { existsSync } from "node:fs";
import { RESOURCE_NAMES } from "../../src/domain/host_pressure.ts";
import { roundedShare } from "../../src/text/number.ts";
import { Collectd, type Exec, HOST, type Value } from "./real/collectd.ts";
import { Peers } from "./real/peers.ts";
import { BINARY, Probe } from "./real/probe.ts";
import { Folder, realTest, until, untilTrue } from "./real/receiver.ts";

const COUNT = 20;
const PLUGIN = "wire-probe-tcp";
/** A name that PUTVAL has to quote. */
const ODD_NAME = 'db "one" ü';

/** The binary where any user may run it. */
function binaryIn(folder: Folder): string {
  const path = `${folder.path}/wire-probe`;
  Deno.copyFileSync(BINARY, path);
  Deno.chmodSync(path, 0o755);
  return path;
}

/** A place that whoever collectd runs as can write to. */
function openFolder(folder: Folder, name: string): string {
  const path = `${folder.path}/${name}`;
  Deno.mkdirSync(path);
  Deno.chmodSync(path, 0o777);
  return path;
}

/** The values of lines `PUTVAL identifier interval=I N:VALUE`, by what stands before the value. */
function sentValues(text: string): Map<string, Value[]> {
  const values = new Map<string, Value[]>();
  for (const line of text.trimEnd().split("\n")) {
    const [, before, value] = /^(PUTVAL .* N):(\S+)$/.exec(line) ?? [];
    assert(value !== undefined, `a line that is no PUTVAL: ${line}`);
    const list = values.get(before) ?? [];
    list.push(value === "U" ? null : Number(value));
    values.set(before, list);
  }
  return values;
}

/**
 * Has collectd run the probe to its end, and checks what the probe wrote, which collectd got too.
 * collectd complains of nothing but the verdicts, a line for each failing target.
 */
async function execute(
  args: readonly string[],
  check: (collectd: Collectd, sent: string) => Promise<void>,
  failing: readonly string[],
): Promise<void> {
  using folder = new Folder();
  const out = openFolder(folder, "out");
  const binary = binaryIn(folder);
  const script = folder.write(
    "run",
    `#!/bin/sh\n"${binary}" "$@" | tee "${out}/sent"\ntouch "${out}/done"\n`,
    0o755,
  );
  await using collectd = new Collectd(folder, [{ command: script, args }]);
  await collectd.start();
  await untilTrue("the probe collectd runs has ended", () => existsSync(`${out}/done`));
  await check(collectd, Deno.readTextFileSync(`${out}/sent`));
  const verdicts = collectd.complaints().map((line) =>
    line.replace(/^.*exec_read_one: error = /, "")
  );
  assertEquals(
    verdicts.map((line) => line.replace(/: .*/, "")),
    failing.map((name) => `FAIL ${name}`),
  );
}

/** The values collectd has of an identifier, once there are so many. */
function valuesOf(collectd: Collectd, identifier: string, count: number): Promise<Value[]> {
  return until(`${count} values of ${identifier}`, () => {
    const values = collectd.values(identifier);
    return values.length >= count ? values : null;
  });
}

realTest(
  "collectd's exec plugin gets each probe's value, U for failures",
  ["collectd"],
  async () => {
    using peers = new Peers();
    const targets = [
      `live=${peers.live}`,
      `dead=${peers.dead}`,
      `${ODD_NAME}=${await peers.silent()}`,
    ];
    const args = [
      "probe",
      "-c",
      `${COUNT}`,
      "-i",
      "50ms",
      "-t",
      "200ms",
      "--export",
      "collectd-exec",
    ];
    await execute([...args, ...targets], async (collectd, text) => {
      const sent = sentValues(text);
      // collectd tells the program its host name and interval.
      const quoted = `PUTVAL "${HOST}/${PLUGIN}/latency-db \\"one\\" ü" interval=3600 N`;
      const live = sent.get(`PUTVAL ${HOST}/${PLUGIN}/latency-live interval=3600 N`);
      const dead = sent.get(`PUTVAL ${HOST}/${PLUGIN}/latency-dead interval=3600 N`);
      assertEquals(sent.size, 3);
      assertEquals(live?.length, COUNT);
      assertEquals(live?.filter((value) => value === null), []);
      assertEquals(dead, Array(COUNT).fill(null));
      assertEquals(sent.get(quoted), Array(COUNT).fill(null));
      assertEquals(await valuesOf(collectd, `${HOST}/${PLUGIN}/latency-live`, COUNT), live);
      assertEquals(await valuesOf(collectd, `${HOST}/${PLUGIN}/latency-dead`, COUNT), dead);
      assertEquals(await valuesOf(collectd, `${HOST}/${PLUGIN}/latency-${ODD_NAME}`, COUNT), dead);
    }, ["dead", ODD_NAME]);
    // This process may still be behind with accepting.
    await untilTrue("each was accepted", () => peers.accepted >= COUNT);
    assertEquals(peers.accepted, COUNT);
  },
);

realTest("collectd takes the stock ping plugin's types from windows", ["collectd"], async () => {
  using peers = new Peers();
  const args = ["probe", "-c", "30", "-i", "100ms", "--export", "collectd-exec"];
  const windows = ["--collectd-types", "ping", "--window", "1s"];
  const targets = [`live=${peers.live}`, `dead=${peers.dead}`];
  await execute([...args, ...windows, ...targets], async (collectd, text) => {
    const sent = sentValues(text);
    for (const target of ["live", "dead"]) {
      for (const type of ["ping", "ping_stddev", "ping_droprate"]) {
        const values = sent.get(`PUTVAL ${HOST}/ping/${type}-${target} interval=1 N`);
        assert(values !== undefined && values.length >= 3, `${type} of ${target}: ${values}`);
        const failed = type === "ping_droprate" ? 1 : null;
        if (target === "dead") assertEquals(values, Array(values.length).fill(failed));
        else if (type === "ping_droprate") assertEquals(values, Array(values.length).fill(0));
        else assert(values.every((value) => value !== null && value < 1000), `${type}: ${values}`);
        assertEquals(
          await valuesOf(collectd, `${HOST}/ping/${type}-${target}`, values.length),
          values,
        );
      }
    }
  }, ["dead"]);
});

realTest("an agent that collectd's exec plugin started ends with it", ["collectd"], async () => {
  using peers = new Peers();
  using folder = new Folder();
  const out = openFolder(folder, "out");
  const script = folder.write(
    "run",
    `#!/bin/sh\necho $$ >"${out}/pid"\nexec "${binaryIn(folder)}" "$@"\n`,
    0o755,
  );
  // The original's own words.
  const options = ["--mode", "probe", "--target-name", "live", "--az", "a", "--interval", "100"];
  const exec: Exec = { command: script, args: [...options, "--target", peers.live] };
  await using collectd = new Collectd(folder, [exec]);
  await collectd.start();
  const values = await valuesOf(collectd, `${HOST}/${PLUGIN}/latency-live`, 5);
  assert(values.every((value) => value !== null), `${values}`);
  const pid = Deno.readTextFileSync(`${out}/pid`).trim();
  assertMatch(pid, /^\d+$/);
  assert(existsSync(`/proc/${pid}`));
  await collectd.program.stop();
  await untilTrue("the agent ends", () => !existsSync(`/proc/${pid}`));
  assertEquals(collectd.complaints(), []);
});

realTest(
  "collectd's unixsock plugin gets each probe's value, U for failures",
  ["collectd"],
  async () => {
    using peers = new Peers();
    using folder = new Folder();
    await using collectd = new Collectd(folder);
    await collectd.start();
    const targets = [
      `live=${peers.live}`,
      `dead=${peers.dead}`,
      `${ODD_NAME}=${await peers.silent()}`,
    ];
    const args = ["-c", `${COUNT}`, "-i", "50ms", "-t", "200ms"];
    await using probe = new Probe(
      ...args,
      "--export",
      `collectd-uds://${collectd.socket}`,
      ...targets,
    );
    await probe.end();
    assertEquals(probe.probes.length, 3 * COUNT, probe.stderr);
    for (const target of ["live", "dead", ODD_NAME]) {
      const said = probe.probes.filter((line) => line.target === target);
      const wanted = said.map(({ outcome, rtt_ms }) => outcome === "established" ? rtt_ms : null);
      assertEquals(
        await valuesOf(collectd, `${Deno.hostname()}/${PLUGIN}/latency-${target}`, COUNT),
        wanted,
      );
    }
    assertEquals(probe.dropped, 0);
    assertEquals(collectd.complaints(), []);
  },
);

/** The host's pressure is one value for all windows that end together. */
async function assertPressure(collectd: Collectd, { windows }: Probe): Promise<void> {
  const ends = new Map(
    windows.filter(({ sent }) => sent > 0).map(({ time, pressure }) => [time, pressure]),
  );
  for (const name of RESOURCE_NAMES) {
    const shares = [...ends.values()].flatMap((pressure) =>
      roundedShare(pressure?.[name] ?? null) ?? []
    );
    const identifier = `${Deno.hostname()}/${PLUGIN}/gauge-host_${name}_ratio`;
    assertEquals(await valuesOf(collectd, identifier, shares.length), shares, identifier);
  }
}

realTest("collectd's unixsock plugin takes the ping plugin's types", ["collectd"], async () => {
  using peers = new Peers();
  using folder = new Folder();
  await using collectd = new Collectd(folder);
  await collectd.start();
  const windows = ["--collectd-types", "ping", "--window", "1s"];
  const args = ["-c", "25", "-i", "100ms", "--export", `collectd-uds://${collectd.socket}`];
  await using probe = new Probe(...args, ...windows, `live=${peers.live}`, `dead=${peers.dead}`);
  await probe.end();
  for (const target of ["live", "dead"]) {
    const said = probe.windows.filter((line) => line.target === target && line.sent > 0);
    assert(said.length >= 3, `${said.length} windows`);
    const drops = said.map(({ sent, answered, refused }) => (sent - answered + refused) / sent);
    const droprate = await valuesOf(
      collectd,
      `${Deno.hostname()}/ping/ping_droprate-${target}`,
      said.length,
    );
    assertEquals(droprate, drops);
    for (const type of ["ping", "ping_stddev"]) {
      const values = await valuesOf(
        collectd,
        `${Deno.hostname()}/ping/${type}-${target}`,
        said.length,
      );
      assertEquals(values.length, said.length);
      assert(values.every((value) => (value === null) === (target === "dead")), `${values}`);
    }
  }
  await assertPressure(collectd, probe);
  assertEquals(probe.dropped, 0);
  assertEquals(collectd.complaints(), []);
});

realTest("the snippet that is shipped has collectd run the probe", ["collectd"], async () => {
  using folder = new Folder();
  using peers = new Peers();
  const snippet = Deno.readTextFileSync("scripts/collectd/exec.conf");
  const [, line] = /^ *Exec "nobody" "wire-probe" (.*)$/m.exec(snippet) ?? [];
  const args = [...line.matchAll(/"([^"]*)"/g)].map(([, word]) =>
    word.replace("db1.example:5432", peers.live)
  );
  assertEquals(args[0], "probe");
  await using collectd = new Collectd(folder, [{ command: binaryIn(folder), args }]);
  await collectd.start();
  const identifier = `${HOST}/${PLUGIN}/latency-db`;
  await untilTrue("a value", () => collectd.values(identifier).some((value) => value !== null));
  assertEquals(collectd.complaints(), []);
});
