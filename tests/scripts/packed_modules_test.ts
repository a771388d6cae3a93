/** How a build packs the modules that rarer commands need, and that they are the same modules then. */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { packModules, UNPACKING } from "../../scripts/release/packed_modules.ts";

/** Makes a module worth packing. */
const LONG = `"${"a text of its own;".repeat(300)}";`;
const PLAIN = 'import{a as n}from"./0.js";let r=n+1;export{r as main};';
const SHARED = `var t=[1];function e(){return t}${LONG}export{t as a,e as b};\n`;

type Files = Record<string, string | Uint8Array>;

async function pack(scripts: Record<string, string>): Promise<Files> {
  return Object.fromEntries(await packModules(new Map(Object.entries(scripts))));
}

/** What a program prints that has these files and runs the script beside them. */
async function printed(files: Files, script: string): Promise<string> {
  const folder = await Deno.makeTempDir();
  try {
    const source = new URL(`../../${UNPACKING.source}`, import.meta.url);
    const all = { ...files, [UNPACKING.name]: `export*from"${source}";`, "test.js": script };
    for (const [file, content] of Object.entries(all)) {
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
      await Deno.writeFile(`${folder}/${file}`, bytes);
    }
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-check", "--unstable-raw-imports", `${folder}/test.js`],
    }).output();
    return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a packed module is the module it was: exports, imports, and the names in its errors", async () => {
  const files = await pack({
    "trace-A1.js":
      `import{basename as o}from"node:path";import*as s from"./1.js";import"./1.js";import{a as $,b as i}from"./1.js";` +
      `class c{#a=3;get a(){return this.#a}}let l=()=>new c;function drawn(){throw new Error("no cell")}` +
      `let q=async()=>(await import("./2.js")).a;${LONG}` +
      `export{l as trace,$ as list,$ as again,o as path,s as all,i,drawn,q as late};`,
    "1.js": SHARED,
    "2.js": 'var n="late";export{n as a};',
  });
  const packed = ["1.bin", "1.js", "2.js", "trace-A1.bin", "trace-A1.js"];
  assertEquals(Object.keys(files).sort(), packed);
  const said = await printed(
    files,
    `import * as all from "./trace-A1.js";
    import { a } from "./1.js";
    console.log(all.trace().a, all.path("/a/b"), await all.late(), Object.keys(all.all).join());
    console.log(all.list === all.again && all.list === all.i() && all.list === a);
    all.drawn();`,
  );
  assertEquals(said.split("\n", 2), ["3 b late a,b", "true"]);
  assertMatch(said, /no cell[^]*\bdrawn\b/);
});

Deno.test("what an agent runs stays as it is, with all that it imports, and so does what is small", async () => {
  const scripts = {
    "main.js": PLAIN + LONG,
    "0.js": `import"./1.js";${LONG}export{q as a};`,
    "1.js": SHARED,
    "serve-C.js": LONG,
    "small.js": 'var n="small";export{n as a};',
  };
  assertEquals(await pack(scripts), scripts);
});

Deno.test("modules that cannot be packed end the build", async () => {
  const circle = { "trace-E.js": `import"./1.js";`, "1.js": `import"./trace-E.js";` };
  await assertRejects(() => pack(circle), Error, "trace-E.js,1.js,trace-E.js");
  const waits = { "trace-F.js": `let n=await 1;${LONG}export{n as trace};` };
  await assertRejects(() => pack(waits), SyntaxError);
});

Deno.test("no module exports a variable that may change later: a packed one would keep its first value", async () => {
  const found: string[] = [];
  const look = async (folder: string): Promise<void> => {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      const path = `${folder}/${name}`;
      if (isDirectory) await look(path);
      else if (/^export (let|var) /m.test(await Deno.readTextFile(path))) found.push(path);
    }
  };
  await look("src");
  assertEquals(found, []);
});
