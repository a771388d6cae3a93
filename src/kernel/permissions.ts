/** Gives permissions up once they are not needed any more. */

export type PermissionName = "read" | "write" | "env" | "ffi" | "net" | "run" | "sys";

/** Revokes for the rest of the process's life; libc symbols already bound go on working. */
export function revoke(...names: PermissionName[]): void {
  for (const name of names) Deno.permissions.revokeSync({ name });
}
