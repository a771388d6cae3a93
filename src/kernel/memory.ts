/**
 * Gives memory back that start-up or a burst of work left behind: the executable's own
 * read-only pages (the kernel reads them again from the file when they are needed, which most
 * never are) and the free parts of the C heap.
 *
 * Checked with Deno 2.7.11 and 2.9.6. Only mappings are given back that nobody has written since
 * they were read from their file: what is dropped comes back unchanged. Where the headers or
 * /proc/self/maps are not as expected no page is given back, and memory stays as it is. Its test is
 * tests/platform/runtime_test.ts.
 */
import { type Calls, openLibc } from "./libc.ts";
import { AT_PAGESZ, AT_PHDR, AT_PHNUM, MADV_DONTNEED, PF_W, PT_LOAD, PT_PHDR } from "./linux.ts";
import { SystemFiles } from "./system_file.ts";

const CALLS = ["getauxval", "madvise", "malloc_trim"] as const;

// <elf.h>, struct Elf64_Phdr: its size, and the offsets of the fields read here.
const PHDR_BYTES = 56;
const P_TYPE = 0;
const P_FLAGS = 4;
const P_VADDR = 16;
const P_MEMSZ = 40;

/** A range of whole pages. */
interface Pages {
  readonly address: bigint;
  readonly bytes: bigint;
}

export class MemoryReturn {
  #libc: Calls<typeof CALLS>;
  #files: SystemFiles | null;
  #pages: Pages[];
  /** The code's pages are looked for when memory is given back first, not at the start. */
  #withCode = false;

  private constructor(libc: Calls<typeof CALLS>) {
    this.#libc = libc;
    this.#files = SystemFiles.open();
    const [headers, count] = [libc.getauxval(AT_PHDR), Number(libc.getauxval(AT_PHNUM))];
    this.#pages = readOnlyPages(headers, count, libc.getauxval(AT_PAGESZ));
  }

  /** Null where there is nothing to call: then memory simply stays. */
  static open(): MemoryReturn | null {
    const library = openLibc(CALLS, "seldom");
    return library === null ? null : new MemoryReturn(library.symbols);
  }

  /**
   * Returns what can be returned; some 2 ms, then the pages in use are mapped in again. `collect`:
   * after a full collection (some 10 ms), for which the engine itself would wait much longer.
   */
  giveBack(collect: boolean): void {
    if (collect) collectGarbage();
    if (!this.#withCode) this.#pages.push(...codePages(this.#files?.read("/proc/self/maps") ?? ""));
    this.#withCode = true;
    for (const { address, bytes } of this.#pages) {
      this.#libc.madvise(address, bytes, MADV_DONTNEED);
    }
    this.#libc.malloc_trim(0n);
  }
}

/**
 * The code of shared libraries, and the engine's own that it maps anew: file-backed as well, by
 * their lines in /proc/self/maps (proc(5)). Only what may be executed: other read-only mappings
 * may have been written before they were sealed.
 */
function codePages(maps: string): Pages[] {
  const lines = maps.matchAll(/^([0-9a-f]+)-([0-9a-f]+) r-xp [0-9a-f]+ \S+ [1-9][0-9]* /gm);
  return Array.from(lines, ([, from, to]) => {
    const address = BigInt(`0x${from}`);
    return { address, bytes: BigInt(`0x${to}`) - address };
  });
}

/** A full collection, where the binary was compiled to offer it. */
function collectGarbage(): void {
  (globalThis as { gc?: () => void }).gc?.();
}

/** The executable's loaded segments that nobody writes: their file is their backing store. */
function readOnlyPages(headers: bigint, count: number, pageBytes: bigint): Pages[] {
  const pointer = Deno.UnsafePointer.create(headers);
  if (pointer === null) return [];
  const view = new Deno.UnsafePointerView(pointer);
  const at = (index: number) => index * PHDR_BYTES;
  let base: bigint | null = null;
  for (let i = 0; i < count; i++) {
    // PT_PHDR tells where the headers were meant to lie; the rest is where the loader put them.
    if (view.getUint32(at(i) + P_TYPE) === PT_PHDR) {
      base = headers - view.getBigUint64(at(i) + P_VADDR);
    }
  }
  const pages: Pages[] = [];
  for (let i = 0; i < count && base !== null; i++) {
    if (view.getUint32(at(i) + P_TYPE) !== PT_LOAD) continue;
    if ((view.getUint32(at(i) + P_FLAGS) & PF_W) !== 0) continue;
    const from = base + view.getBigUint64(at(i) + P_VADDR);
    const start = (from + pageBytes - 1n) & ~(pageBytes - 1n);
    const end = (from + view.getBigUint64(at(i) + P_MEMSZ)) & ~(pageBytes - 1n);
    if (end > start) pages.push({ address: start, bytes: end - start });
  }
  return pages;
}
