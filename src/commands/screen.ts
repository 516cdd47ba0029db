/** What answers are shown on: a terminal with its size and colours, or a file or pipe without. */

/** `heading`: of a table; `problem`: somebody must act; `hint`: worth a look. */
export type Style = 'heading' | 'problem' | 'hint';

export type Screen = {
  /** Characters in a line; infinite where lines may have any length. */
  readonly width: number;
  /** Lines, after which the heading of a table comes again; infinite where it need not. */
  readonly height: number;
  readonly isTerminal: boolean;
  /** The text in the colour of the style, where there are colours. */
  paint(text: string, style: Style): string;
};

/** A file or a pipe. */
export const endlessPaper: Screen = {
  width: Number.POSITIVE_INFINITY,
  height: Number.POSITIVE_INFINITY,
  isTerminal: false,
  paint: (text) => text,
};
