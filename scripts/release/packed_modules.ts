/**
 * Packs the modules of the program that only rarer commands need, which makes a third of them. A packed module
 * keeps its imports and exports, so it is a module as before to all others. Its statements stand packed
 * (src/text/packed.ts) in a file beside it, and become a function when the module is evaluated:
 *
 *     import p from"./2.bin"with{type:"bytes"};import{unpacked}from"./packed.js";import{a as x}from"./1.js";
 *     var[y]=new Function(await unpacked(p))()(x);export{y as b};
 *
 * The function is given the imports' values, so a module may export no variable that changes later, and
 * no two modules may import each other.
 */
import { packed } from "../../src/text/packed.ts";

/** The modules of a program: script by file name. */
export type Modules = ReadonlyMap<string, string>;

/**
 * The entries of the bundle that are packed, with all that no other entry imports. What runs for weeks stays as it
 * is, and so does what a probe reads before its first SYN: the first module that is unpacked takes 0.4 MiB
 * of private memory and some milliseconds. `connections` may run for weeks too, but is large.
 */
const PACKED: ReadonlySet<string> = new Set([
  ...["connections", "compare", "question", "trace", "heatmap", "selfcheck"],
  // Help, and what a node of a mesh shows of all others.
  ...["pages", "picture"],
]);
/** A smaller module is not worth the time to unpack it. */
const MIN_PACKED_BYTES = 4000;
/** The module that all packed ones import, and its source. */
export const UNPACKING = { name: "packed.js", source: "src/text/packed.ts" };

const IMPORT = /import(?:([^"]*?)from)?"([^"]+)";/y;
/** An import while the module runs. It is handed to the function, so that the compiler goes on seeing it. */
const LATER_IMPORT = /\bimport\("[^"]+"\)/g;
const EXPORTS = /export\{([^}]*)\};?\s*$/;

/** A module as the bundler minifies one: imports first, exports last. */
interface Module {
  readonly imports: string;
  /** The names that the imports have in this module. */
  readonly imported: readonly string[];
  /** The modules that it imports. */
  readonly from: readonly string[];
  readonly body: string;
  readonly exports: string;
  /** The names, in this module, of what it exports. */
  readonly exported: readonly string[];
}

/** The files of the same program, packed. Throws where a module is not as its packing wants it. */
export async function packModules(
  scripts: Modules,
): Promise<ReadonlyMap<string, string | Uint8Array>> {
  const modules = new Map([...scripts].map(([name, script]) => [name, parse(script)]));
  refuseCycles(modules);
  const plain = plainModules(modules);
  const files = new Map<string, string | Uint8Array>(scripts);
  for (const [name, module] of modules) {
    if (plain.has(name) || (scripts.get(name)?.length ?? 0) < MIN_PACKED_BYTES) continue;
    const file = name.replace(/js$/, "bin");
    files.set(file, await packed(functionOf(module)));
    files.set(name, openingOf(module, file));
  }
  return files;
}

/** Takes a module as the bundler writes it apart. */
function parse(script: string): Module {
  const imported: string[] = [];
  const from: string[] = [];
  let end = 0;
  IMPORT.lastIndex = 0;
  for (let match = IMPORT.exec(script); match !== null; match = IMPORT.exec(script)) {
    const [, names = "", module] = match;
    imported.push(...localNames(names, /[\w$]+(?=\s*$)/));
    from.push(module.replace(/^\.\//, ""));
    end = IMPORT.lastIndex;
  }
  const match = EXPORTS.exec(script);
  return {
    imports: script.slice(0, end),
    imported,
    from,
    body: script.slice(end, match?.index),
    exports: match?.[0] ?? "",
    exported: [...new Set(localNames(match?.[1] ?? "", /^[\w$]+/))],
  };
}

/** The name of each of `a as b,c`, which is the part that the pattern takes. */
function localNames(list: string, part: RegExp): string[] {
  const items = list.replaceAll(/[{}]/g, "").split(",").map((item) => item.trim());
  return items.flatMap((item) => part.exec(item) ?? []);
}

/** The text of a script that returns a module's statements as a function of what it imports. */
function functionOf(module: Module): string {
  const later: string[] = [];
  const body = module.body.replaceAll(LATER_IMPORT, () => {
    later.push(`later${later.length}`);
    return `${later[later.length - 1]}()`;
  });
  const parameters = [...module.imported, ...later];
  const text = `"use strict";return(function(${parameters}){${body}\nreturn[${madeBy(module)}]})`;
  // Throws where these are not the statements of a function, such as an `await` beside all functions.
  new Function(text);
  return text;
}

/** What is left of a module whose statements are packed in the file. */
function openingOf(module: Module, file: string): string {
  const { imports, imported, body, exports } = module;
  const later = [...body.matchAll(LATER_IMPORT)].map(([expression]) => `()=>${expression}`);
  return `import packed from"./${file}"with{type:"bytes"};` +
    `import{unpacked}from"./${UNPACKING.name}";${imports}` +
    `var[${madeBy(module)}]=new Function(await unpacked(packed))()(${[...imported, ...later]});` +
    exports;
}

/** The names of what a module exports that it does not import itself. */
function madeBy({ imported, exported }: Module): readonly string[] {
  return exported.filter((name) => !imported.includes(name));
}

/** The entries that are not packed, what they import, and what that imports. */
function plainModules(modules: ReadonlyMap<string, Module>): ReadonlySet<string> {
  // The bundler puts a hyphen and a checksum behind an entry's name.
  const entries = [...modules.keys()].filter((name) => name === "main.js" || name.includes("-"));
  const plain = new Set(entries.filter((name) => !PACKED.has(name.replace(/-.*$/, ""))));
  // A set takes up what is added while it is gone through.
  for (const name of plain) {
    for (const other of modules.get(name)?.from ?? []) plain.add(other);
  }
  return plain;
}

function refuseCycles(modules: ReadonlyMap<string, Module>): void {
  const done = new Set<string>();
  const visit = (name: string, path: readonly string[]) => {
    if (path.includes(name)) throw new Error(`modules import each other: ${[...path, name]}`);
    if (done.has(name)) return;
    for (const other of modules.get(name)?.from ?? []) visit(other, [...path, name]);
    done.add(name);
  };
  for (const name of modules.keys()) visit(name, []);
}
