/** The RPM package: rpm finds it whole, installs, upgrades, verifies and removes it in a root of its own. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { existsSync } from "node:fs";
import { isOnPath, withFolder } from "../../scripts/gate/command.ts";
import { rpmOf } from "../../scripts/release/rpm.ts";
import { command, smallFiles } from "./harness/releases.ts";

const RPM = isOnPath("rpm") && isOnPath("busybox") && Deno.uid() === 0;
const lacks = RPM ? "" : " (no rpm or busybox here, or not root)";

function packageOf(version: string): Uint8Array {
  return rpmOf(version, "noarch", smallFiles(version));
}

Deno.test("an RPM package's bytes are the same again", () => {
  assertEquals(packageOf("1.2.3"), packageOf("1.2.3"));
});

Deno.test({
  name: `rpm checks, installs, upgrades, verifies and removes the package${lacks}`,
  ignore: !RPM,
  fn: () =>
    withFolder("rpm", async (root) => {
      const file = `${root}/package.rpm`;
      const rpm = (...words: string[]) => command("rpm", `--root=${root}`, "--nodeps", ...words);
      // What the package's scripts run in.
      await Deno.mkdir(`${root}/bin`);
      await Deno.copyFile(await whereIs("busybox"), `${root}/bin/sh`);
      const program = `${root}/usr/bin/wire-probe`;
      for (const version of ["1.2.3-rc.1", "1.2.3", "1.10.0"]) {
        await Deno.writeFile(file, packageOf(version));
        assertEquals(await command("rpm", "--checksig", file), `${file}: digests OK\n`);
        // One that is older than what is there is refused.
        await rpm("-U", file);
        assertEquals(await command(program), `wire-probe ${version}\n`);
      }
      assertEquals(await rpm("-V", "wire-probe"), "");
      assertEquals((await command("rpm", "-qp", "--list", file)).trimEnd().split("\n"), [
        "/usr/bin/wire-probe",
        "/usr/lib/systemd/system/wire-probe-serve.service",
        "/usr/share/bash-completion/completions/wire-probe",
        "/usr/share/fish/vendor_completions.d/wire-probe.fish",
        "/usr/share/licenses/wire-probe",
        "/usr/share/licenses/wire-probe/LICENSE",
        "/usr/share/man/man1/wire-probe.1",
        "/usr/share/zsh/site-functions/_wire-probe",
      ]);
      const unit = `${root}/usr/lib/systemd/system/wire-probe-serve.service`;
      assertEquals(await Deno.readTextFile(unit), "ExecStart=/usr/bin/wire-probe serve\n");
      assertStringIncludes(await command("rpm", "-qp", "--requires", file), "glibc >= 2.31\n");
      await Deno.writeTextFile(`${root}/usr/share/man/man1/wire-probe.1`, "changed\n");
      const { stdout } = await new Deno.Command("rpm", {
        args: [`--root=${root}`, "--nodeps", "-V", "wire-probe"],
      }).output();
      assertEquals(
        new TextDecoder().decode(stdout),
        "S.5....T.    /usr/share/man/man1/wire-probe.1\n",
      );
      await rpm("-e", "wire-probe");
      assertEquals([program, unit, `${root}/usr/share/licenses/wire-probe`].map(existsSync), [
        ...[false, false, false],
      ]);
    }),
});

async function whereIs(name: string): Promise<string> {
  return (await command("sh", "-c", `command -v ${name}`)).trimEnd();
}
