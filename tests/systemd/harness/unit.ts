/** A unit file as its tests need it (systemd.syntax(7)), and systemd's own sets of system calls. */

export const UNITS = "scripts/systemd";
/** Where the units expect the executable. */
export const INSTALLED = "/usr/local/bin/wire-probe";

export class Unit {
  #settings: readonly (readonly [key: string, value: string])[];

  constructor(text: string) {
    this.#settings = text.split("\n")
      .filter((line) => /^[A-Z]\w+=/.test(line))
      .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]);
  }

  static read(name: string): Unit {
    return new Unit(Deno.readTextFileSync(`${UNITS}/${name}`));
  }

  /** A setting's values, in the order they stand. */
  all(key: string): string[] {
    return this.#settings.filter(([name]) => name === key).map(([, value]) => value);
  }

  /** The value of a setting that stands once. */
  one(key: string): string {
    const [value, ...more] = this.all(key);
    if (value === undefined || more.length > 0) throw new Error(`${key} does not stand once`);
    return value;
  }

  /** A size in bytes, as `192M`. */
  bytes(key: string): number {
    const [, number, unit] = /^(\d+)([KMG])$/.exec(this.one(key))!;
    return Number(number) * 1024 ** (1 + "KMG".indexOf(unit));
  }

  /** The system calls that SystemCallFilter leaves, beside those that systemd always allows. */
  async systemCalls(): Promise<Set<string>> {
    const allowed = await expand("@default");
    for (const line of this.all("SystemCallFilter")) {
      const forbids = line.startsWith("~");
      for (const word of line.replace("~", "").split(" ")) {
        for (const call of await expand(word)) {
          if (forbids) allowed.delete(call);
          else allowed.add(call);
        }
      }
    }
    return allowed;
  }
}

/** A system call, or all those of a set and of the sets in it. */
async function expand(name: string): Promise<Set<string>> {
  if (!name.startsWith("@")) return new Set([name]);
  const { success, stdout } = await new Deno.Command("systemd-analyze", {
    args: ["--no-pager", "syscall-filter", name],
    stderr: "null",
  }).output();
  if (!success) throw new Error(`systemd knows no set ${name}`);
  const words = new TextDecoder().decode(stdout).split("\n").slice(1).map((line) => line.trim());
  const inner = await Promise.all(
    words.filter((word) => /^@?[a-z0-9_-]+$/.test(word)).map((word) => expand(word)),
  );
  return new Set(inner.flatMap((calls) => [...calls]));
}
