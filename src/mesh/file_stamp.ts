/** Whether a file is still the one that was read. */

/** Another text for another content, as a rule; null where there is no such file. */
export async function fileStamp(path: string): Promise<string | null> {
  try {
    const { mtime, size, ino } = await Deno.stat(path);
    return `${mtime?.getTime()} ${size} ${ino}`;
  } catch {
    return null;
  }
}
