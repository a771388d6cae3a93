/** The systemd units: systemd's own checks of them, and the tool under what they forbid. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import dgram from "node:dgram";
import { on, once } from "node:events";
import { freePort, isOnPath, withFolder } from "../../scripts/gate/command.ts";
import { startConfined } from "./harness/confined.ts";
import { INSTALLED, Unit, UNITS } from "./harness/unit.ts";

const SERVE = "wire-probe-serve.service";
const PROBE = "wire-probe-probe.service";
const CONNECTIONS = "wire-probe-connections.service";
/** systemd's measure of exposure, from 0 to 100; a unit without any hardening has 96. */
const MAX_EXPOSURE = 15;
const SYSTEMD = "systemd-analyze";
const BINARY = "dist/wire-probe";

const lacks = isOnPath(SYSTEMD) ? "" : " (no systemd-analyze here)";

/** Runs to the end; the result is what it said when it failed, else nothing. */
async function complaint(...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(SYSTEMD, { args }).output();
  const said = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
  return success && stderr.length === 0 ? "" : said;
}

for (const name of [SERVE, PROBE, CONNECTIONS]) {
  Deno.test({
    name: `systemd has nothing to object to in ${name}${lacks}`,
    ignore: lacks !== "",
    fn: () =>
      withFolder("units", async (folder) => {
        // With an executable that exists here.
        const text = await Deno.readTextFile(`${UNITS}/${name}`);
        assertStringIncludes(text, `\nExecStart=${INSTALLED} `);
        const here = await Deno.realPath(BINARY);
        await Deno.writeTextFile(`${folder}/${name}`, text.replaceAll(INSTALLED, here));
        assertEquals(await complaint("verify", "--man=no", `${folder}/${name}`), "");
      }),
  });

  Deno.test({
    name: `${name} is exposed to little${lacks}`,
    ignore: lacks !== "",
    fn: async () => {
      const options = ["--no-pager", "--offline=true", `--threshold=${MAX_EXPOSURE}`];
      assertEquals(await complaint("security", ...options, `${UNITS}/${name}`), "");
    },
  });

  Deno.test(`${name} asks for no capability`, () => {
    const unit = Unit.read(name);
    assertEquals([unit.one("CapabilityBoundingSet"), unit.one("AmbientCapabilities")], ["", ""]);
    assertEquals([unit.one("DynamicUser"), unit.one("NoNewPrivileges")], ["yes", "yes"]);
  });
}

Deno.test({
  name: `what the units forbid breaks nothing: serve and probe, confined as they confine${lacks}`,
  ignore: lacks !== "",
  fn: () =>
    withFolder("units", async (folder) => {
      await using serve = await startConfined(folder, Unit.read(SERVE), "--port 0");
      const [, port] = await serve.says(/listening on 0\.0\.0\.0:(\d+), backlog \d+\n/);

      const receiver = dgram.createSocket("udp4").bind(0, "127.0.0.1");
      await once(receiver, "listening");
      const targets = `${folder}/targets`;
      await Deno.writeTextFile(targets, `one=127.0.0.1:${port}\n`);
      const exports = [
        `--export telegraf-udp://127.0.0.1:${receiver.address().port}`,
        `--export prometheus://127.0.0.1:${freePort()}`,
        `--export collectd-uds://${folder}/nobody-listens`,
        "--export influx-http://localhost:1/?db=none",
      ];
      const options = ["-i 20ms --collectd-types ping --window 1s", ...exports].join(" ");
      await using probe = await startConfined(folder, Unit.read(PROBE), options, targets);

      const line = await probe.while(lineWith(receiver, "target=one,"));
      assertStringIncludes(line, "success=1i");
      assertStringIncludes(line, 'outcome="established"');

      // This time a name, which goes through the system's resolver.
      await Deno.writeTextFile(targets, `two=localhost:${port}\n`);
      probe.kill("SIGHUP");
      await probe.says(/read again: 1 target, 1 added, 1 removed/);
      await probe.while(lineWith(receiver, "target=two,"));

      const programs = [[serve, Unit.read(SERVE)], [probe, Unit.read(PROBE)]] as const;
      for (const [program, unit] of programs) {
        const { residentBytes, threads, capabilities } = await program.status();
        assert(residentBytes * 2 < unit.bytes("MemoryMax"), `${residentBytes} bytes resident`);
        assert(threads * 2 < Number(unit.one("TasksMax")), `${threads} threads`);
        assertEquals(capabilities, "0000000000000000");
      }
      // Killed by the filter it would have no exit code of its own.
      assertEquals(await probe.stop(), 0);
      assertEquals(await serve.stop(), 0);
      receiver.close();
    }),
});

Deno.test({
  name: `what the unit forbids does not keep connections from the kernel's figures${lacks}`,
  ignore: lacks !== "",
  fn: () =>
    withFolder("units", async (folder) => {
      const receiver = dgram.createSocket("udp4").bind(0, "127.0.0.1");
      await once(receiver, "listening");
      using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const { port } = listener.addr;
      using _client = await Deno.connect({ hostname: "127.0.0.1", port });
      using _server = await listener.accept();
      const metrics = freePort();
      const unit = Unit.read(CONNECTIONS);
      const options = [
        `-i 200ms --port ${port}`,
        `--export telegraf-udp://127.0.0.1:${receiver.address().port}`,
        `--export prometheus://127.0.0.1:${metrics}`,
      ].join(" ");
      await using program = await startConfined(folder, unit, options);
      const group = `group=:${port}\\ from\\ 127.0.0.1,direction=in`;
      const line = await program.while(lineWith(receiver, group));
      assertStringIncludes(line, " connections=1i,opened=0i");
      const totals = await program.while(lineWith(receiver, "tcp_connections_total,"));
      // ProcSubset=all leaves the namespace's counters.
      assertStringIncludes(totals, "passive_opens=");
      const page = await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text();
      assertStringIncludes(page, `wire_probe_connections_open{group="127.0.0.1:${port}",`);
      const { residentBytes, threads, capabilities } = await program.status();
      assert(residentBytes * 2 < unit.bytes("MemoryMax"), `${residentBytes} bytes resident`);
      assert(threads * 2 < Number(unit.one("TasksMax")), `${threads} threads`);
      assertEquals(capabilities, "0000000000000000");
      assertEquals(await program.stop(), 0);
      receiver.close();
    }),
});

Deno.test({
  name: `what a unit forbids is noticed: without bind(2) serve is killed${lacks}`,
  ignore: lacks !== "",
  fn: () =>
    withFolder("units", async (folder) => {
      const text = await Deno.readTextFile(`${UNITS}/${SERVE}`);
      const unit = new Unit(text.replace("=~@privileged ", "=~@privileged bind "));
      await using serve = await startConfined(folder, unit, "--port 0");
      await assertRejects(() => serve.says(/listening/), Error, "ended with SIGSYS");
    }),
});

/** Waits for a line of Influx protocol that holds this. */
async function lineWith(receiver: dgram.Socket, text: string): Promise<string> {
  for await (const [datagram] of on(receiver, "message")) {
    const line = String(datagram).split("\n").find((each) => each.includes(text));
    if (line !== undefined) return line;
  }
  throw new Error("the receiver was closed");
}
