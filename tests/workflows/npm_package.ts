/** A package of npm, held against its checksum. */

/** Unpacks it into `folder`/package. */
export async function fetchPackage(folder: string, name: string, sha256: string): Promise<void> {
  const quiet = ["--loglevel", "error", "--ignore-scripts", "--cache", `${folder}/npm`];
  const file = (await output("npm", ["pack", ...quiet, name], folder)).trim();
  const archive = await Deno.readFile(`${folder}/${file}`);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", archive)).toHex();
  if (digest !== sha256) throw new Error(`${name}: sha256 ${digest}, not ${sha256}`);
  await output("tar", ["-xzf", file], folder);
}

/** What a command prints; where it fails without a word, an Error. */
export async function output(
  command: string,
  args: readonly string[],
  cwd = ".",
): Promise<string> {
  const ended = await new Deno.Command(command, { args: [...args], cwd, stdin: "null" }).output();
  const [stdout, stderr] = [ended.stdout, ended.stderr].map((bytes) =>
    new TextDecoder().decode(bytes)
  );
  if (!ended.success && stdout === "") {
    throw new Error(`${command} ended with ${ended.code}: ${stderr}`);
  }
  return stdout;
}
