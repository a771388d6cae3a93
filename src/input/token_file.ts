/** Reads the secret of `--http-token FILE`, which is never quoted. */
import { UsageError } from "../domain/exit.ts";
import { HttpToken, MAX_TOKEN_LENGTH, MIN_TOKEN_LENGTH } from "../net/http_token.ts";
import { readInputFile } from "./file.ts";

/** The token, and white space around it. */
const MAX_FILE_BYTES = MAX_TOKEN_LENGTH + 64;

/** Null without a file; throws SystemError when it cannot be read, UsageError when it holds no token. */
export async function loadToken(path: string | null): Promise<HttpToken | null> {
  if (path === null) return null;
  const token = await HttpToken.of((await readInputFile(path, MAX_FILE_BYTES)).trim());
  if (token !== null) return token;
  throw new UsageError(
    `--http-token ${path}: a token wants ${MIN_TOKEN_LENGTH} to ${MAX_TOKEN_LENGTH} visible ` +
      "ASCII characters, such as 'openssl rand -hex 32' makes",
  );
}
