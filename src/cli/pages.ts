/** What the program only prints: help, the man page, completions. Few runs need it, so it is loaded then. */
import { completionScript } from "./completions.ts";
import { commandHelp, generalHelp, questionHelp } from "./help.ts";
import { manPage } from "./man.ts";
import type { CommandName, Shell } from "./table.ts";

/** A page that a command line asks for. */
export type Page =
  | { readonly kind: "general help" }
  | { readonly kind: "question help" }
  | { readonly kind: "command help"; readonly command: CommandName }
  | { readonly kind: "man page" }
  | { readonly kind: "completions"; readonly shell: Shell };

export function pageText(page: Page, version: string): string {
  switch (page.kind) {
    case "general help":
      return generalHelp();
    case "question help":
      return questionHelp();
    case "command help":
      return commandHelp(page.command);
    case "man page":
      return manPage(version);
    case "completions":
      return completionScript(page.shell);
    default:
      return page satisfies never;
  }
}
