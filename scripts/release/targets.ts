/** The platforms a release is for, by the names the compiler has for them. */

export const TARGETS = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
] as const;

export type Target = typeof TARGETS[number];

export function isTarget(text: string): text is Target {
  return TARGETS.some((known) => known === text);
}

/** This machine's own. */
export function hostTarget(): Target {
  const { target } = Deno.build;
  if (isTarget(target)) return target;
  throw new Error(`there is no release for ${target}`);
}

export function isWindows(target: Target): boolean {
  return target.includes("windows");
}

export function isLinux(target: Target): boolean {
  return target.includes("linux");
}

/** `wire-probe-0.1.0-x86_64-unknown-linux-gnu`: the archive's name, and the one folder in it. */
export function releaseName(version: string, target: Target): string {
  return `wire-probe-${version}-${target}`;
}
