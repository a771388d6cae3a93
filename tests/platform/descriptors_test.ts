/** The compiled program with fewer descriptors than its runtime needs: one line, before it would crash. */
import { assertEquals } from "@std/assert";
import { BINARY } from "../../scripts/release/build.ts";

async function withDescriptors(count: number): Promise<readonly [code: number, stderr: string]> {
  const { code, stderr } = await new Deno.Command("bash", {
    args: [
      "-c",
      `ulimit -n ${count} && exec "$@"`,
      "bash",
      BINARY,
      "probe",
      "-c",
      "1",
      "127.0.0.1:9",
    ],
    stdin: "null",
    stdout: "null",
  }).output();
  return [code, new TextDecoder().decode(stderr)];
}

Deno.test("with too few descriptors one line says how many are wanted", async () => {
  assertEquals(await withDescriptors(18), [
    4,
    "wire-probe: only 18 descriptors may be open here, 24 are wanted at least: 'ulimit -n 24'\n",
  ]);
});

Deno.test("with just enough descriptors a probe is made", async () => {
  const [code, stderr] = await withDescriptors(24);
  assertEquals([code, /^FAIL .*: refused 1 of 1/m.test(stderr)], [1, true], stderr);
});
