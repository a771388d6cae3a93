/**
 * Packs the modules of the program that only rarer commands need, which halves them. A packed module keeps
 * its imports and exports, so it is a module as before to all others; its statements stand in it as a
 * packed text, which becomes a function when the module is evaluated:
 *
 *     import{unpacked}from"./packed.js";import{a as x}from"./1.js";
 *     var[y]=new Function(await unpacked("…"))()(x);export{y as b};
 *
 * The function is given the imports' values, so a module may export no variable that changes later, and
 * no two modules may import each other.
 */
import { packed } from "../../src/text/packed.ts";

/** The modules of a program: script by file name. */
export type Modules = ReadonlyMap<string, string>;

/**
 * Entries of the bundle that stay as they are, with all that they import: what runs as an agent, for weeks
 * or from its first millisecond on.
 */
const PLAIN: ReadonlySet<string> = new Set([
  ...["main", "probe", "ping", "serve", "exports", "live"],
  ...["text", "json", "csv", "influx", "collectd", "text_summary"],
  ...["lookups", "dns_query", "open_connector"],
]);
/** A smaller module is not worth the time to unpack it. */
const MIN_PACKED_BYTES = 4000;
/** The module that all packed ones import, and its source. */
export const UNPACKING = { name: "packed.js", source: "src/text/packed.ts" };

const IMPORT = /import(?:([^"]*?)from)?"([^"]+)";/y;
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

/** The same program, packed. Throws where a module is not as its packing wants it. */
export async function packModules(scripts: Modules): Promise<Modules> {
  const modules = new Map([...scripts].map(([name, script]) => [name, parse(script)]));
  refuseCycles(modules);
  const plain = plainModules(modules);
  const all = [...scripts].map(async ([name, script]): Promise<[string, string]> => {
    const module = modules.get(name);
    const packs = module !== undefined && !plain.has(name) && script.length >= MIN_PACKED_BYTES &&
      // The compiler finds what a module imports while it runs by that text.
      !module.body.includes("import(");
    return [name, packs ? await pack(module) : script];
  });
  return new Map(await Promise.all(all));
}

export function parse(script: string): Module {
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

async function pack({ imports, imported, body, exports, exported }: Module): Promise<string> {
  const made = exported.filter((name) => !imported.includes(name));
  const text = `"use strict";return(function(${imported}){${body}\nreturn[${made}]})`;
  // Throws where these are not the statements of a function, such as an `await` beside all functions.
  new Function(text);
  const call = `new Function(await unpacked("${await packed(text)}"))()(${imported})`;
  return `import{unpacked}from"./${UNPACKING.name}";${imports}var[${made}]=${call};${exports}`;
}

/** What the plain entries import, and what that imports. */
function plainModules(modules: ReadonlyMap<string, Module>): ReadonlySet<string> {
  const entries = [...modules.keys()].filter((name) => PLAIN.has(name.replace(/[-.].*$/, "")));
  const plain = new Set(entries);
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
