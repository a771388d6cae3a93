/** The version. deno.json states it too, for the registry; all of that file would be 5 KB in each program. */
export const VERSION = "0.1.0";
