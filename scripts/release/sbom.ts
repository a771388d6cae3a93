/**
 * What a release is made of, as a CycloneDX 1.5 document: the runtime it is compiled with, and the
 * packages it imports. The same commit makes the same document.
 */
import config from "../../deno.json" with { type: "json" };

/** The packages that reach the program; the others are for its tests. */
const SHIPPED = ["@std/fmt", "@std/internal"];

interface Component {
  readonly type: "framework" | "library";
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly licenses: readonly { readonly license: { readonly id: string } }[];
}

/** The document, one component a line for who reads it. */
export function sbomOf(version: string, runtime: string): string {
  const mit = [{ license: { id: "MIT" } }] as const;
  const components: Component[] = [
    {
      type: "framework",
      name: "deno",
      version: runtime,
      purl: `pkg:github/denoland/deno@v${runtime}`,
      licenses: mit,
    },
    ...Object.entries(config.imports).filter(([name]) => SHIPPED.includes(name))
      .map(([name, specifier]): Component => {
        const pinned = specifier.slice(specifier.lastIndexOf("@") + 1);
        const purl = `pkg:generic/${name.slice(1)}@${pinned}?repository_url=https://jsr.io`;
        return { type: "library", name, version: pinned, purl, licenses: mit };
      }),
  ];
  return `${
    JSON.stringify(
      {
        bomFormat: "CycloneDX",
        specVersion: "1.5",
        version: 1,
        metadata: {
          component: {
            type: "application",
            name: "wire-probe",
            version,
            purl: `pkg:github/wire-probe/wire-probe@${version}`,
          },
        },
        components,
      },
      null,
      1,
    )
  }\n`;
}
