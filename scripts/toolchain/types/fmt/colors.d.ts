/** Types of `@std/fmt/colors`, where upstream's cannot be had. */

/** Each of 0 to 255. */
export interface Rgb {
  r: number;
  g: number;
  b: number;
}

export declare function setColorEnabled(value: boolean): void;
export declare function getColorEnabled(): boolean;
export declare function reset(str: string): string;
export declare function bold(str: string): string;
export declare function dim(str: string): string;
export declare function italic(str: string): string;
export declare function underline(str: string): string;
export declare function inverse(str: string): string;
export declare function hidden(str: string): string;
export declare function strikethrough(str: string): string;
export declare function black(str: string): string;
export declare function red(str: string): string;
export declare function green(str: string): string;
export declare function yellow(str: string): string;
export declare function blue(str: string): string;
export declare function magenta(str: string): string;
export declare function cyan(str: string): string;
export declare function white(str: string): string;
export declare function gray(str: string): string;
export declare function brightBlack(str: string): string;
export declare function brightRed(str: string): string;
export declare function brightGreen(str: string): string;
export declare function brightYellow(str: string): string;
export declare function brightBlue(str: string): string;
export declare function brightMagenta(str: string): string;
export declare function brightCyan(str: string): string;
export declare function brightWhite(str: string): string;
export declare function bgBlack(str: string): string;
export declare function bgRed(str: string): string;
export declare function bgGreen(str: string): string;
export declare function bgYellow(str: string): string;
export declare function bgBlue(str: string): string;
export declare function bgMagenta(str: string): string;
export declare function bgCyan(str: string): string;
export declare function bgWhite(str: string): string;
export declare function bgBrightBlack(str: string): string;
export declare function bgBrightRed(str: string): string;
export declare function bgBrightGreen(str: string): string;
export declare function bgBrightYellow(str: string): string;
export declare function bgBrightBlue(str: string): string;
export declare function bgBrightMagenta(str: string): string;
export declare function bgBrightCyan(str: string): string;
export declare function bgBrightWhite(str: string): string;
export declare function rgb8(str: string, color: number): string;
export declare function bgRgb8(str: string, color: number): string;
export declare function rgb24(str: string, color: number | Rgb): string;
export declare function bgRgb24(str: string, color: number | Rgb): string;
export declare function stripAnsiCode(string: string): string;
