/** What `task package` makes: the same bytes again, an archive that installs, another processor's too. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { existsSync } from "node:fs";
import { isOnPath, withFolder } from "../../scripts/gate/command.ts";
import { debArchitecture } from "../../scripts/release/deb.ts";
import { rpmArchitecture } from "../../scripts/release/rpm.ts";
import { VERSION } from "../../src/version.ts";
import { asUser, install, run, SCRIPT, withHome } from "./harness/installer.ts";
import { Mirror } from "./harness/mirror.ts";
import {
  archiveName,
  command,
  packageAt,
  packageCopy,
  ROOT,
  smallRelease,
  TARGET,
} from "./harness/releases.ts";

const ARM = "aarch64-unknown-linux-gnu";
/** Debian's packages for cross-compilers have another processor's libraries here. */
const ARM_ROOT = "/usr/aarch64-linux-gnu";
const EMULATOR = "qemu-aarch64";
const OLD_VERSION = "0.0.9";

async function sha256(file: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(file));
  return new Uint8Array(digest).toHex();
}

/** This machine's packages of a release. */
function packageNames(): [deb: string, rpm: string] {
  const [debian, rpm] = [debArchitecture(TARGET), rpmArchitecture(TARGET)];
  return [`wire-probe_${VERSION}_${debian}.deb`, `wire-probe-${VERSION}-1.${rpm}.rpm`];
}

/** Whether a mount namespace can be had, in which root may mount. */
const mounts = Deno.uid() === 0 && (await run(["unshare", "--mount", "true"])).code === 0;

/** Runs a script with this folder mounted over. */
function onTmpfs(folder: string, options: string, script: string): Promise<string> {
  const mount = `mount -t tmpfs ${options} tmpfs "${folder}" && ${script}`;
  return command("unshare", "--mount", "sh", "-c", mount);
}

/** An ordinary user, whose version is replaced by a newer and by an older one. */
function userInstalls(folder: string): Promise<void> {
  return withHome(async (home) => {
    await using mirror = new Mirror(folder);
    const as = await asUser();
    const program = `${home}/.local/bin/wire-probe`;
    const old = ["old", OLD_VERSION];
    for (const [release, version] of [old, ["new", VERSION], old]) {
      const { code, stderr } = await install(home, ["--url", `${mirror.url}/${release}`], {
        as,
      });
      assertEquals(code, 0, stderr);
      const { stdout } = await run([...as, program, "version"]);
      assertEquals(stdout, `wire-probe ${version}\n`);
    }
    const shared = await command("sh", "-c", `cd "${home}/.local" && find . -type f | sort`);
    assertEquals(shared.split("\n"), [
      "./bin/wire-probe",
      "./share/bash-completion/completions/wire-probe",
      "./share/fish/vendor_completions.d/wire-probe.fish",
      "./share/man/man1/wire-probe.1",
      "./share/zsh/site-functions/_wire-probe",
      "",
    ]);
    assertEquals((await install(home, ["--uninstall"], { as })).code, 0);
    assertEquals(await command("find", `${home}/.local`, "-type", "f"), "");
  });
}

/** Root, in a /usr/local of its own. */
async function rootInstalls(folder: string): Promise<void> {
  await using mirror = new Mirror(folder);
  const script = `
    unset WIRE_PROBE_PREFIX
    for release in old new; do
      sh <"${SCRIPT}" -s -- --url ${mirror.url}/$release 2>&1 && /usr/local/bin/wire-probe version
    done
    (cd /usr/local && find . -type f -printf '%M %U %G\\n' | sort | uniq -c &&
      find . -name '*.service' | sort)
    sh <"${SCRIPT}" -s -- --uninstall 2>&1
    find /usr/local -type f`;
  const lines = (await onTmpfs("/usr/local", "", script)).split("\n");
  assertEquals(lines, [
    `install.sh: downloading ${archiveName(OLD_VERSION)}`,
    `install.sh: installed /usr/local/bin/wire-probe, version ${OLD_VERSION}`,
    `wire-probe ${OLD_VERSION}`,
    `install.sh: downloading ${archiveName(VERSION)}`,
    `install.sh: installed /usr/local/bin/wire-probe, version ${VERSION}, ` +
    "in place of the one that was there",
    `wire-probe ${VERSION}`,
    "      7 -rw-r--r-- 0 0",
    "      1 -rwxr-xr-x 0 0",
    "./lib/systemd/system/wire-probe-connections.service",
    "./lib/systemd/system/wire-probe-probe.service",
    "./lib/systemd/system/wire-probe-serve.service",
    "install.sh: removed wire-probe from /usr/local",
    "",
  ]);
}

Deno.test("a release is built twice alike, and installs, runs, upgrades and goes", async (t) => {
  await withFolder("release", async (folder) => {
    await packageAt(ROOT, `${folder}/new`);

    await t.step("sources in another folder make the same archive, byte by byte", async () => {
      await packageCopy(`${folder}/elsewhere/deep down`, `${folder}/again`);
      for (const { name: file } of Deno.readDirSync(`${folder}/new`)) {
        assertEquals(
          await sha256(`${folder}/again/${file}`),
          await sha256(`${folder}/new/${file}`),
        );
      }
    });

    await t.step("the executable in it is what the gate has built and tested", async () => {
      await command("tar", "-xzf", `${folder}/new/${archiveName(VERSION)}`, "-C", folder);
      const name = archiveName(VERSION).replace(".tar.gz", "");
      const unpacked = await sha256(`${folder}/${name}/wire-probe`);
      assertEquals(unpacked, await sha256(`${ROOT}/dist/wire-probe`));
    });

    await t.step({
      name: `rpm and dpkg read the packages in it${isOnPath("rpm") ? "" : " (no rpm here)"}`,
      ignore: !isOnPath("rpm") || !isOnPath("dpkg-deb"),
      fn: async () => {
        const [deb, rpm] = packageNames();
        await command("rpm", "--checksig", `${folder}/new/${rpm}`);
        const programs = await command(
          "sh",
          "-c",
          `cd "${folder}/new" &&
          mkdir rpm && rpm2archive -n - <"${rpm}" | tar -x -C rpm &&
          dpkg-deb -x "${deb}" deb && sha256sum */usr/bin/wire-probe && rm -r rpm deb`,
        );
        const own = await sha256(`${ROOT}/dist/wire-probe`);
        assertEquals(programs, `${own}  deb/usr/bin/wire-probe\n${own}  rpm/usr/bin/wire-probe\n`);
      },
    });

    await t.step("sha256sum agrees with SHA256SUMS", async () => {
      const script = `cd "${folder}/new" && sha256sum --check --strict SHA256SUMS`;
      assertEquals((await command("sh", "-c", script)).split("\n").length, 6);
    });

    await t.step("it keeps to the limits of size and memory", async () => {
      const check = ["run", "--allow-all", `${ROOT}/scripts/release/check.ts`, `${folder}/new`];
      assertStringIncludes(await command(Deno.execPath(), ...check), "rtt is the kernel's");
    });

    await packageCopy(`${folder}/older`, `${folder}/old`, OLD_VERSION);

    await t.step(
      "an ordinary user installs, runs, upgrades, goes back and removes it",
      () => userInstalls(folder),
    );

    await t.step({
      name: "root installs, runs, upgrades and removes it in /usr/local" +
        (mounts ? "" : " (nothing can be mounted here)"),
      ignore: !mounts,
      fn: () => rootInstalls(folder),
    });
  });
});

Deno.test({
  name: `a full disk leaves what was there${mounts ? "" : " (nothing can be mounted here)"}`,
  ignore: !mounts,
  fn: () =>
    withFolder("release", async (folder) => {
      // About 2 MiB as an archive, and as much again unpacked.
      await smallRelease(`${folder}/release`, "0.2.0", 2 ** 21);
      await Deno.mkdir(`${folder}/disk`);
      await using mirror = new Mirror(`${folder}/release`);
      const script = `
        mkdir -p "${folder}/disk/bin" && cd "${folder}/disk/bin" && printf 'old\\n' >wire-probe
        sh <"${SCRIPT}" -s -- --url ${mirror.url} --prefix "${folder}/disk" 2>&1
        echo "code $?"; ls -A; cat wire-probe`;
      for (const [size, reason] of [["1m", "cannot download"], ["3m", "cannot unpack"]]) {
        const said = await onTmpfs(`${folder}/disk`, `-o size=${size}`, script);
        assertStringIncludes(said, reason);
        assertStringIncludes(said, "; nothing was changed\ncode 1\nwire-probe\nold\n");
      }
      const said = await onTmpfs(`${folder}/disk`, "-o size=16m", script);
      assertStringIncludes(said, "\ncode 0\nwire-probe\n#!/bin/sh\n");
    }),
});

/** Whether the other processor's runtime is at hand, or may be fetched. */
function armRuntime(): boolean {
  if (Deno.env.get("WIRE_PROBE_COMPLETE") === "1") return true;
  const cache = Deno.env.get("DENO_DIR") ?? "";
  return existsSync(`${cache}/dl/release/v${Deno.version.deno}/denort-${ARM}.zip`);
}

const arm = [
  isOnPath(EMULATOR) ? "" : EMULATOR,
  existsSync(`${ARM_ROOT}/lib/libgcc_s.so.1`) ? "" : "libraries",
  armRuntime() ? "" : "runtime",
].filter((what) => what !== "").join(", ");

Deno.test({
  name: `the executable for aarch64 runs under emulation${arm === "" ? "" : ` (no ${arm} here)`}`,
  ignore: arm !== "" || Deno.build.arch === "aarch64",
  fn: () =>
    withFolder("release", async (folder) => {
      await packageAt(ROOT, folder, "--archives", ARM);
      await command("tar", "-xzf", `${folder}/wire-probe-${VERSION}-${ARM}.tar.gz`, "-C", folder);
      const program = `${folder}/wire-probe-${VERSION}-${ARM}/wire-probe`;
      const emulated = (...args: string[]) => command(EMULATOR, "-L", ARM_ROOT, program, ...args);
      assertEquals(await emulated("version"), `wire-probe ${VERSION}\n`);

      using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const accepted = (async () => (await listener.accept()).close())();
      const target = `127.0.0.1:${listener.addr.port}`;
      const [probe] = (await emulated("probe", "-c", "1", "-o", "json", target)).split("\n");
      await accepted;
      const { outcome, connect_ms } = JSON.parse(probe);
      assertEquals(outcome, "established");
      assert(connect_ms > 0);
    }),
});
