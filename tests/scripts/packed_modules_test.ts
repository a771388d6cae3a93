/** How a build packs the modules that rarer commands need, and that they are the same modules then. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { packModules, UNPACKING } from "../../scripts/release/packed_modules.ts";

/** Makes a module worth packing. */
const LONG = `"${"a text of its own;".repeat(300)}";`;
const PLAIN = 'import{a as n}from"./0.js";let r=n+1;export{r as main};';
const SHARED = `var t=[1];function e(){return t}${LONG}export{t as a,e as b};\n`;

/** The packed modules by name. */
async function pack(scripts: Record<string, string>): Promise<Record<string, string>> {
  return Object.fromEntries(await packModules(new Map(Object.entries(scripts))));
}

/** What the module `name` exports, evaluated among all of them. */
async function evaluated(
  modules: Record<string, string>,
  name: string,
): Promise<Record<string, unknown>> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [file, script] of Object.entries(modules)) {
      await Deno.writeTextFile(`${folder}/${file}`, script);
    }
    const source = new URL(`../../${UNPACKING.source}`, import.meta.url);
    await Deno.writeTextFile(`${folder}/${UNPACKING.name}`, `export*from"${source}";`);
    return await import(`file://${folder}/${name}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a packed module exports what it did, and shares what it imports with the others", async () => {
  const modules = await pack({
    "mesh-A1.js":
      `import{basename as o}from"node:path";import*as s from"./1.js";import"./1.js";import{a as $,b as i}from"./1.js";` +
      `class c{#a=3;get a(){return this.#a}}let l=()=>new c;${LONG}export{l as mesh,$ as list,$ as again,o as path,s as all,i};`,
    "1.js": SHARED,
  });
  assertStringIncludes(modules["mesh-A1.js"], "unpacked(");
  assertStringIncludes(modules["1.js"], "unpacked(");
  const { mesh, list, again, path, all, i } = await evaluated(modules, "mesh-A1.js");
  assert(typeof mesh === "function" && typeof path === "function" && typeof i === "function");
  assertEquals([mesh().a, path("/a/b"), list], [3, "b", [1]]);
  assert(list === again && list === i());
  assertEquals(Object.keys(Object(all)), ["a", "b"]);
});

Deno.test("an error in a packed module names its functions", async () => {
  const heatmap = `function drawn(){throw new Error("no cell")}${LONG}export{drawn as heatmap};`;
  const modules = await pack({ "heatmap-B.js": heatmap });
  const { heatmap: thrower } = await evaluated(modules, "heatmap-B.js");
  assert(typeof thrower === "function");
  try {
    thrower();
  } catch (error) {
    assert(error instanceof Error);
    assertStringIncludes(error.stack ?? "", "drawn");
  }
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

Deno.test("a module that imports others while it runs stays as it is: the compiler must see which", async () => {
  const scripts = { "trace-D.js": `let n=()=>import("./1.js");${LONG}export{n as trace};` };
  assertEquals(await pack(scripts), scripts);
});

Deno.test("modules that cannot be packed end the build", async () => {
  const circle = { "mesh-E.js": `import"./1.js";`, "1.js": `import"./mesh-E.js";` };
  await assertRejects(() => pack(circle), Error, "mesh-E.js,1.js,mesh-E.js");
  const waits = { "mesh-F.js": `let n=await 1;${LONG}export{n as mesh};` };
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
