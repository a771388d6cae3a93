/** How libc is opened, and how its failures become messages. */

/** glibc's soname; musl and other systems have none of this, and the callers do without. */
const LIBC = "libc.so.6";

/** Opens libc with these symbols, or null where there is none or FFI is not allowed. */
export function openLibc<const S extends Deno.ForeignLibraryInterface>(
  symbols: S,
): Deno.DynamicLibrary<S> | null {
  if (Deno.build.os !== "linux") return null;
  try {
    return Deno.dlopen(LIBC, symbols);
  } catch {
    return null;
  }
}
