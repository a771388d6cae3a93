/** scripts/install.sh against a local mirror: what it puts in place, and what it refuses. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { existsSync } from "node:fs";
import { isOnPath } from "../../scripts/gate/command.ts";
import {
  asUser,
  install,
  run,
  SCRIPT,
  toolFolder,
  type Way,
  withHome,
} from "./harness/installer.ts";
import {
  brokenOff,
  edited,
  flipped,
  halved,
  type Manner,
  Mirror,
  missing,
} from "./harness/mirror.ts";
import { smallRelease } from "./harness/releases.ts";

const SHELLS = [["dash"], ["bash"], ["bash", "--posix"], ["busybox", "sh"]];
const SUMMERS = ["sha256sum", "shasum", "openssl"];
const OLD = "#!/bin/sh\necho wire-probe 0.1.9\n";
const VERSION = "0.2.0";

/** Names in a folder, those that begin with a dot too. */
function names(folder: string): string[] {
  return existsSync(folder) ? [...Deno.readDirSync(folder)].map(({ name }) => name).sort() : [];
}

interface Scene {
  readonly home: string;
  readonly mirror: Mirror;
  /** An ordinary user's words. */
  readonly as: readonly string[];
}

/** A mirror of a small release, and a user who has an older version in ~/.local. */
function withOld(body: (scene: Scene) => Promise<void>): () => Promise<void> {
  return () =>
    withHome(async (home) => {
      await smallRelease(`${home}/release`, VERSION);
      await using mirror = new Mirror(`${home}/release`);
      const as = await asUser();
      await run([...as, "mkdir", "-p", `${home}/.local/bin`]);
      await Deno.writeTextFile(`${home}/.local/bin/wire-probe`, OLD, { mode: 0o755 });
      await body({ home, mirror, as });
    });
}

/** Installs in vain: one reason on stderr, and all is as it was. */
async function refused(
  { home, mirror, as }: Scene,
  reason: RegExp,
  way: Way = {},
  args: readonly string[] = [],
): Promise<void> {
  const { code, stdout, stderr } = await install(home, ["--url", mirror.url, ...args], {
    as,
    ...way,
  });
  assertMatch(stderr, reason);
  assertEquals([code, stdout], [1, ""]);
  assertEquals(await Deno.readTextFile(`${home}/.local/bin/wire-probe`), OLD);
  assertEquals([names(`${home}/.local`), names(`${home}/.local/bin`)], [["bin"], ["wire-probe"]]);
}

for (const shell of SHELLS) {
  const here = isOnPath(shell[0]);
  Deno.test({
    name: `${shell.join(" ")} installs, upgrades and removes${here ? "" : " (not here)"}`,
    ignore: !here,
    fn: withOld(async ({ home, mirror, as }) => {
      const prefix = `${home}/.local`;
      const upgrade = await install(home, ["--url", mirror.url], { shell, as });
      assertEquals([upgrade.code, upgrade.stdout], [0, ""]);
      assertStringIncludes(upgrade.stderr, "version 0.2.0, in place of the one that was there");
      assertStringIncludes(upgrade.stderr, `${prefix}/bin is not in PATH`);
      assertEquals(names(`${prefix}/bin`), ["wire-probe"]);
      assertEquals((await run([`${prefix}/bin/wire-probe`])).stdout, "wire-probe 0.2.0\n");
      assertEquals(await Deno.readTextFile(`${prefix}/share/man/man1/wire-probe.1`), ".TH 0.2.0\n");

      const removal = await install(home, ["--uninstall"], { shell, as });
      assertEquals([removal.code, removal.stdout], [0, ""]);
      assertEquals([names(`${prefix}/bin`), names(`${prefix}/share/man/man1`)], [[], []]);
      const again = await install(home, ["--uninstall"], { shell, as });
      assertEquals(again.code, 1);
      assertStringIncludes(again.stderr, `there is no ${prefix}/bin/wire-probe`);
    }),
  });
}

Deno.test(
  "version, prefix and URL may come from the environment, and options go first",
  withOld(async ({ home, mirror, as }) => {
    const env = {
      WIRE_PROBE_URL: `${mirror.url}/`,
      WIRE_PROBE_VERSION: VERSION,
      WIRE_PROBE_PREFIX: `${home}/.local/with space`,
    };
    assertEquals((await install(home, [], { as, env })).code, 0);
    assert(existsSync(`${home}/.local/with space/bin/wire-probe`));
    const { code } = await install(home, ["--prefix", `${home}/.local/other/`], { as, env });
    assertEquals(code, 0);
    assert(existsSync(`${home}/.local/other/bin/wire-probe`));
  }),
);

const BAD_DOWNLOADS: readonly [what: string, end: string, manner: Manner, reason: RegExp][] = [
  ["SHA256SUMS is not there", "SHA256SUMS", missing, /cannot download .*SHA256SUMS; nothing/],
  ["the archive is not there", ".tar.gz", missing, /cannot download .*gz; nothing was changed/],
  ["the archive is cut short", ".tar.gz", halved, /checksum mismatch for .*; nothing was changed/],
  ["the archive breaks off", ".tar.gz", brokenOff, /cannot download .*gz; nothing was changed/],
  ["a bit of the archive is wrong", ".tar.gz", flipped, /checksum mismatch for .*gz: expected/],
  [
    "the checksum is another's",
    "SHA256SUMS",
    edited((text) => text.replace(/^[0-9a-f]{8}/, "00000000")),
    /checksum mismatch for .*gz: expected 00000000[0-9a-f]{56}, got/,
  ],
  ["the checksum's line is missing", "SHA256SUMS", edited(() => "\n"), /names no archive for/],
  [
    "the checksum's line is cut short",
    "SHA256SUMS",
    edited((text) => text.trimEnd().slice(0, -1)),
    /names no archive for/,
  ],
  [
    "the checksum is none",
    "SHA256SUMS",
    edited((text) => text.replace(/^\w+/, "deadbeef")),
    /holds no checksum for/,
  ],
  [
    "the checksum is no hexadecimal number",
    "SHA256SUMS",
    edited((text) => text.replace(/^\w{4}/, "../x")),
    /holds no checksum for/,
  ],
  [
    "there are two archives to choose from",
    "SHA256SUMS",
    edited((text) => text + text.replaceAll(VERSION, "0.2.1")),
    /more than one archive for .*: choose one with --version/,
  ],
  [
    "the archive's name leads elsewhere",
    "SHA256SUMS",
    edited((text) => text.replace(VERSION, "../../0.2.0")),
    /names an archive that cannot be/,
  ],
];

for (const [what, end, manner, reason] of BAD_DOWNLOADS) {
  Deno.test(
    `nothing is installed when ${what}`,
    withOld(async (scene) => {
      scene.mirror.manners.set(end, manner);
      await refused(scene, reason);
    }),
  );
}

const BAD_PROGRAMS: readonly [what: string, program: string, reason: RegExp][] = [
  ["another version", "#!/bin/sh\necho wire-probe 0.0.1\n", /holds wire-probe 0.0.1; nothing/],
  ["nothing that runs", "#!/bin/sh\necho no such thing\nexit 127\n", /does not run .*: no such/],
];

for (const [what, program, reason] of BAD_PROGRAMS) {
  Deno.test(
    `nothing is installed when the archive holds ${what}`,
    withOld(async (scene) => {
      await smallRelease(`${scene.home}/release`, VERSION, 0, program);
      await refused(scene, reason);
    }),
  );
}

const MACHINES: readonly [what: string, uname: string, ldd: string, reason: RegExp][] = [
  ["musl", "Linux x86_64", "musl libc (x86_64)", /no wire-probe for musl .*, only for glibc/],
  ["another processor", "Linux riscv64", "glibc", /no wire-probe for Linux on riscv64: only/],
  ["another system", "FreeBSD amd64", "", /no wire-probe for FreeBSD: only for Linux/],
  ["Windows", "MINGW64_NT-10.0 x86_64", "", /on Windows take the archive from .* yourself/],
  ["macOS, which the mirror lacks", "Darwin arm64", "", /names no archive for aarch64-apple/],
];

for (const [what, uname, ldd, reason] of MACHINES) {
  Deno.test(
    `nothing is installed on ${what}`,
    withOld(async (scene) => {
      const [system, machine] = uname.split(" ");
      const tools = await toolFolder(scene.home, ["curl", "sha256sum"], {
        uname: `case $1 in -s) echo ${system} ;; -m) echo ${machine} ;; esac`,
        // musl's says so on stderr, and fails.
        ldd: `echo '${ldd}' >&2; exit 1`,
      });
      await refused(scene, reason, { tools });
    }),
  );
}

const LACKING: readonly [what: string, tools: readonly string[], reason: RegExp][] = [
  ["a checksum tool", ["curl"], /sha256sum, shasum or openssl is needed to verify/],
  ["a downloader", ["sha256sum"], /curl or wget is needed to download/],
];

for (const [what, present, reason] of LACKING) {
  Deno.test(
    `nothing is installed, nor downloaded, without ${what}`,
    withOld(async (scene) => {
      const tools = await toolFolder(scene.home, [...present, "uname", "ldd"]);
      await refused(scene, reason, { tools });
      assertEquals(scene.mirror.asked, []);
    }),
  );
}

for (const downloader of ["curl", "wget"]) {
  for (const summer of SUMMERS) {
    const lacks = [downloader, summer].find((tool) => !isOnPath(tool));
    Deno.test({
      name: `${downloader} and ${summer} will do, and notice a wrong bit` +
        (lacks === undefined ? "" : ` (no ${lacks} here)`),
      ignore: lacks !== undefined,
      fn: withOld(async (scene) => {
        const tools = await toolFolder(scene.home, ["uname", "ldd", downloader, summer]);
        scene.mirror.manners.set(".tar.gz", flipped);
        await refused(scene, /checksum mismatch/, { tools });
        scene.mirror.manners.set(".tar.gz", missing);
        await refused(scene, /cannot download/, { tools });
        scene.mirror.manners.clear();
        const { home, as, mirror } = scene;
        const { code, stderr } = await install(home, ["--url", mirror.url], { as, tools });
        assertEquals(code, 0, stderr);
        const program = `${home}/.local/bin/wire-probe`;
        assertEquals((await run([program])).stdout, "wire-probe 0.2.0\n");
      }),
    });
  }
}

for (
  const [what, edit] of [
    ["end as Windows ends them", (text: string) => text.replaceAll("\n", "\r\n")],
    ["end in nothing", (text: string) => text.trimEnd()],
  ] as const
) {
  Deno.test(
    `lines of checksums that ${what} are read`,
    withOld(async ({ home, mirror, as }) => {
      mirror.manners.set("SHA256SUMS", edited(edit));
      const { code, stderr } = await install(home, ["--url", mirror.url], { as });
      assertEquals(code, 0, stderr);
    }),
  );
}

/** A GNU wget as its answer to a redirect reads, which leads from https to http. */
const LED_AWAY = `case $1 in --version) echo 'GNU Wget 1.21.3' ;;
*) echo '  HTTP/1.1 302 Found' >&2; echo '  Location: http://127.0.0.1:1/x' >&2; exit 8 ;; esac`;
const WGETS: readonly [what: string, text: string, reason: RegExp][] = [
  ["verifies nobody", "echo 'BusyBox v1.36'; exit 1", /this wget does not verify who answers/],
  ["is led from https to http", LED_AWAY, /leads away from https; nothing was changed/],
];

for (const [what, text, reason] of WGETS) {
  Deno.test(
    `a wget that ${what} installs nothing`,
    withOld(async (scene) => {
      const tools = await toolFolder(scene.home, ["uname", "ldd", "sha256sum"], { wget: text });
      await refused(scene, reason, { tools }, ["--url", "https://127.0.0.1:1"]);
    }),
  );
}

Deno.test(
  "the program that is there is not run, nor is the archive's owner kept",
  withOld(async ({ home, mirror, as }) => {
    const program = `${home}/.local/bin/wire-probe`;
    await Deno.writeTextFile(program, `#!/bin/sh\necho run >>${home}/traces\n`);
    const { code, stderr } = await install(home, ["--url", mirror.url], { as });
    assertEquals(code, 0, stderr);
    assertEquals(existsSync(`${home}/traces`), false);
    assertEquals((await Deno.stat(program)).uid, (await Deno.stat(`${home}/.local/bin`)).uid);
  }),
);

const USAGE: readonly [args: string, reason: RegExp][] = [
  ["--versoin 0.2.0", /there is no option '--versoin'; see --help/],
  ["0.2.0", /there is no option '0.2.0'/],
  ["--version", /--version wants a value/],
  ["--version ../0.2.0", /'..\/0.2.0' is not a version/],
  ["--version 0.3.0", /names no archive of 0.3.0 for/],
  ["--prefix relative", /--prefix wants an absolute path, not 'relative'/],
];

for (const [args, reason] of USAGE) {
  Deno.test(
    `'install.sh ${args}' is refused`,
    withOld((scene) => refused(scene, reason, {}, args.split(" "))),
  );
}

Deno.test(
  "without HOME an ordinary user is asked for a prefix",
  withOld((scene) => refused(scene, /HOME is not set: say where/, { env: { HOME: "" } })),
);

Deno.test(
  "nothing is installed where nothing may be written",
  withOld(async (scene) => {
    const { home } = scene;
    await Deno.chmod(`${home}/.local/bin`, 0o555);
    await refused(scene, /cannot write to .*\.local\/bin: choose another --prefix, or run this as/);
    await Deno.chmod(`${home}/.local/bin`, 0o755);
    const args = ["--prefix", "/proc/nowhere"];
    await refused(scene, /cannot write to \/proc\/nowhere\/bin/, {}, args);
  }),
);

Deno.test(
  "a folder in the executable's place is left alone",
  withOld(async ({ home, mirror, as }) => {
    const prefix = `${home}/.local/taken`;
    await run([...as, "mkdir", "-p", `${prefix}/bin/wire-probe/kept`]);
    const args = ["--url", mirror.url, "--prefix", prefix];
    const { code, stderr } = await install(home, args, { as });
    assertEquals([code, names(`${prefix}/bin/wire-probe`)], [1, ["kept"]]);
    assertStringIncludes(stderr, "bin/wire-probe is a folder");
  }),
);

Deno.test("a script cut short anywhere does nothing at all", async () => {
  const script = await Deno.readFile(SCRIPT);
  const end = new TextDecoder().decode(script).trimEnd().length;
  // Every place near the end, where a command might be whole, and many before.
  const cuts = Array.from({ length: end }, (_, at) => at).filter((at) =>
    at % 23 === 0 || at > end - 40
  );
  await withHome(async (home) => {
    const tools = await Deno.makeTempDir({ dir: home });
    for (const at of cuts) {
      await Deno.writeFile(`${home}/cut`, script.slice(0, at));
      const words = ["env", "-i", `HOME=${home}`, `PATH=${tools}`, "/bin/sh", `${home}/cut`];
      const { stdout, stderr } = await run([...words, "--uninstall"]);
      assertEquals(stdout, "", `cut at ${at}`);
      assert(stderr === "" || /syntax error|unexpected|unterminated/i.test(stderr), stderr);
      assert(!/not found|install\.sh:/.test(stderr), `cut at ${at}: ${stderr}`);
    }
    assertEquals(names(home).length, 2);
  });
});

const shellcheck = isOnPath("shellcheck");
Deno.test({
  name: `shellcheck finds nothing${shellcheck ? "" : " (not here)"}`,
  ignore: !shellcheck,
  fn: async () => {
    const { code, stdout } = await run(["shellcheck", "--shell=sh", SCRIPT]);
    assertEquals([stdout, code], ["", 0]);
  },
});
