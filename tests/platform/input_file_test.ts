/** Reading of files: what is read whole, what is refused, and that neither takes longer than it may. */
import { assertEquals, assertLess, assertRejects } from "@std/assert";
import { SystemError } from "../../src/domain/exit.ts";
import { readInputFile } from "../../src/input/file.ts";

const PIPES = Deno.build.os !== "windows";
const WITHIN_MS = 300;
const PATIENCE_MS = 20_000;

async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "wire-probe-files-" });
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A pipe, and `write` as its other end. */
async function pipe(path: string): Promise<Deno.FsFile> {
  await new Deno.Command("mkfifo", { args: [path] }).output();
  return await Deno.open(path, { read: true, write: true });
}

/** Until this process has it open so many times, where the system tells (proc(5)). */
async function untilOpened(path: string, times: number): Promise<void> {
  const opened = () =>
    [...Deno.readDirSync("/proc/self/fd")].filter(({ name }) => {
      try {
        return Deno.readLinkSync(`/proc/self/fd/${name}`) === path;
      } catch {
        // Closed in between.
        return false;
      }
    }).length;
  const endMs = performance.now() + (Deno.build.os === "linux" ? PATIENCE_MS : 0);
  while (performance.now() < endMs && opened() !== times) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  // Elsewhere a moment has to do; and what is at its next look ends with it.
  await new Promise((resolve) => setTimeout(resolve, 50));
}

/** What a read says that it refuses, without the path. */
async function refusal(
  path: string,
  maxBytes: number,
  withinMs = PATIENCE_MS,
): Promise<string> {
  const error = await assertRejects(() => readInputFile(path, maxBytes, withinMs), SystemError);
  return error.message.replace(`cannot read ${path}: `, "");
}

Deno.test("a file of exactly the limit is read, one of a byte more is refused", () =>
  withFolder(async (folder) => {
    for (const size of [0, 1, 65_535, 65_536, 65_537, 200_000]) {
      const text = "é".repeat(size / 2) + "x".repeat(size % 2);
      Deno.writeTextFileSync(`${folder}/file`, text);
      assertEquals(await readInputFile(`${folder}/file`, size), text);
      if (size === 0) continue;
      const said = await refusal(`${folder}/file`, size - 1);
      assertEquals(said, `it is larger than ${size - 1} bytes`);
    }
  }));

Deno.test("what is no file is refused by what it is", () =>
  withFolder(async (folder) => {
    assertEquals(await refusal(folder, 10), "it is a directory");
    assertEquals(await refusal(`${folder}/none`, 10), "No such file or directory");
    if (!PIPES) return;
    assertEquals(await refusal("/dev/zero", 10), "it is neither a file nor a pipe");
  }));

Deno.test({
  name: "a pipe is read to the end of its writer, in the pieces in which it comes",
  ignore: !PIPES,
  fn: () =>
    withFolder(async (folder) => {
      const writer = await pipe(`${folder}/pipe`);
      const read = readInputFile(`${folder}/pipe`, 100);
      // Half a character, and the rest later.
      await writer.write(new Uint8Array([0x61, 0xc3]));
      await new Promise((resolve) => setTimeout(resolve, 50));
      await writer.write(new Uint8Array([0xa9]));
      // Opened later, it would be a pipe that is empty.
      await untilOpened(`${folder}/pipe`, 2);
      writer.close();
      assertEquals(await read, "aé");
    }),
});

Deno.test({
  name: "a pipe whose writer does not end, or writes without end, is given up",
  ignore: !PIPES,
  fn: () =>
    withFolder(async (folder) => {
      using writer = await pipe(`${folder}/pipe`);
      const startMs = performance.now();
      const given = await refusal(`${folder}/pipe`, 100, WITHIN_MS);
      assertEquals(given, "no end of it within 300ms");
      assertLess(performance.now() - startMs, PATIENCE_MS);
      // The read that was given up closes the pipe at its next look, and would take a part of what follows.
      await untilOpened(`${folder}/pipe`, 1);
      writer.writeSync(new Uint8Array(200));
      assertEquals(await refusal(`${folder}/pipe`, 100), "it is larger than 100 bytes");
    }),
});
