/** The Debian package: dpkg installs, upgrades and removes it, in a root of its own; its bytes are its files'. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { existsSync } from "node:fs";
import { isOnPath, withFolder } from "../../scripts/gate/command.ts";
import { debOf } from "../../scripts/release/deb.ts";
import { sbomOf } from "../../scripts/release/sbom.ts";
import { smallFiles } from "./harness/releases.ts";

const DPKG = isOnPath("dpkg") && Deno.uid() === 0;
const lacks = DPKG ? "" : " (no dpkg here, or not root)";

/** A package whose program prints its version. */
function packageOf(version: string): Uint8Array {
  return debOf(version, "all", smallFiles(version));
}

async function run(...words: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(words[0], { args: words.slice(1) })
    .output();
  const said = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
  assert(success, `${words.join(" ")}: ${said}`);
  return said;
}

Deno.test("a Debian package's bytes are the same again", () => {
  assertEquals(packageOf("1.2.3"), packageOf("1.2.3"));
});

Deno.test({
  name: `dpkg installs, upgrades and removes the package${lacks}`,
  ignore: !DPKG,
  fn: () =>
    withFolder("deb", async (root) => {
      for (const folder of ["updates", "info"]) {
        await Deno.mkdir(`${root}/var/lib/dpkg/${folder}`, { recursive: true });
      }
      await Deno.writeTextFile(`${root}/var/lib/dpkg/status`, "");
      const dpkg = (...words: string[]) =>
        run("dpkg", `--root=${root}`, "--force-script-chrootless", "--force-depends", ...words);
      const program = `${root}/usr/bin/wire-probe`;
      for (const version of ["1.2.3-rc.1", "1.2.3", "1.10.0"]) {
        await Deno.writeFile(`${root}/package.deb`, packageOf(version));
        await dpkg("-i", `${root}/package.deb`);
        assertEquals(await run(program), `wire-probe ${version}\n`);
      }
      const unit = await Deno.readTextFile(`${root}/lib/systemd/system/wire-probe-serve.service`);
      assertEquals(unit, "ExecStart=/usr/bin/wire-probe serve\n");
      assertStringIncludes(await dpkg("-s", "wire-probe"), "Version: 1.10.0");
      await dpkg("-r", "wire-probe");
      assertEquals(existsSync(program), false);
      assertEquals(existsSync(`${root}/usr/share/doc/wire-probe`), false);
    }),
});

Deno.test({
  name: `a release candidate is older than its release${lacks}`,
  ignore: !DPKG,
  fn: async () => void await run("dpkg", "--compare-versions", "1.2.3~rc.1", "lt", "1.2.3"),
});

Deno.test("the bill of materials names the runtime and each package that is shipped", () => {
  const bom = JSON.parse(sbomOf("1.2.3", "2.7.11"));
  assertEquals([bom.bomFormat, bom.specVersion], ["CycloneDX", "1.5"]);
  const names = bom.components.map(({ name, version }: Record<string, string>) =>
    `${name} ${version}`
  );
  assert(names.includes("deno 2.7.11"), names.join());
  assert(names.some((name: string) => /^@std\/fmt \d/.test(name)), names.join());
  assertEquals(sbomOf("1.2.3", "2.7.11"), sbomOf("1.2.3", "2.7.11"));
});
