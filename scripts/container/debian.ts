/**
 * Debian's packages for a kind of machine, fetched and verified by apt with lists of its own, so that the
 * machine at hand may be of another kind or another distribution. It wants apt, dpkg-deb and Debian's
 * keys (Debian and Ubuntu: debian-archive-keyring).
 */
import { run } from "../gate/command.ts";

const MIRROR = "http://deb.debian.org";
const RELEASE = "bookworm";
const KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg";
const PACKAGES = ["libc6", "libgcc-s1", "ca-certificates", "netbase"];
/** Where ca-certificates has its certificates, and where programs look for all of them. */
const CERTIFICATES = "usr/share/ca-certificates/mozilla";
const BUNDLE = "etc/ssl/certs/ca-certificates.crt";

/** Unpacks the packages below the folder, which is the root of a system then. Throws apt's own words. */
export async function debianFiles(architecture: string, folder: string): Promise<string> {
  const [apt, root] = [`${folder}/apt`, `${folder}/root`];
  for (const path of ["state/lists/partial", "cache/archives/partial"]) {
    await Deno.mkdir(`${apt}/${path}`, { recursive: true });
  }
  await Deno.mkdir(root);
  const from = (where: string, suite: string) =>
    `deb [signed-by=${KEYS}] ${MIRROR}/${where} ${suite} main\n`;
  await Deno.writeTextFile(
    `${apt}/sources.list`,
    from("debian", RELEASE) + from("debian-security", `${RELEASE}-security`),
  );
  const settings = {
    "Dir::State": `${apt}/state`,
    "Dir::State::status": "/dev/null",
    "Dir::Cache": `${apt}/cache`,
    "Dir::Etc::SourceList": `${apt}/sources.list`,
    "Dir::Etc::SourceParts": "-",
    "APT::Architecture": architecture,
    "APT::Architectures": architecture,
    "APT::Sandbox::User": "root",
    "Acquire::Languages": "none",
    "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} "${value}";\n`);
  await Deno.writeTextFile(`${apt}/apt.conf`, lines.join(""));
  const env = { APT_CONFIG: `${apt}/apt.conf` };
  const script = `apt-get update -q && cd "${apt}" && apt-get download -q ${PACKAGES.join(" ")} &&
    for package in *.deb; do dpkg-deb -x "$package" "${root}" || exit; done`;
  const { success, output } = await run(["sh", "-c", script], { env });
  if (!success) throw new Error(output);
  await bundle(root);
  return root;
}

/** What the package's own script does when it is installed: all certificates in one file. */
async function bundle(root: string): Promise<void> {
  const names = [...Deno.readDirSync(`${root}/${CERTIFICATES}`)].map(({ name }) => name).sort();
  const texts = await Promise.all(
    names.map((name) => Deno.readTextFile(`${root}/${CERTIFICATES}/${name}`)),
  );
  await Deno.mkdir(`${root}/etc/ssl/certs`, { recursive: true });
  await Deno.writeTextFile(
    `${root}/${BUNDLE}`,
    texts.map((text) => `${text.trimEnd()}\n`).join(""),
  );
}
