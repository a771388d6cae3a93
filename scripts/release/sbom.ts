/**
 * What a release is made of, as a CycloneDX 1.5 document: this repository, which imports no package but in
 * its tests, and the runtime it is compiled with. The same commit makes the same document.
 */

interface Component {
  readonly type: "framework";
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
