/** Prints the demo as a person reads it: one numbered line for each thing that happens, and what proves it below. */
export interface Story {
  /** Runs a step, and prints how long it took when `timed`. Throws what the step throws, after marking the line. */
  step<T>(title: string, act: () => Promise<T>, timed?: boolean): Promise<T>;
  /** What the user would type. */
  command(text: string): void;
  /** What came back, or what was found: indented, at most a few lines. */
  show(text: string): void;
  say(text: string): void;
}

export function createStory(write: (text: string) => void, isColoured: boolean): Story {
  const paint = (code: number) => (text: string) => (isColoured ? `\u001b[${code}m${text}\u001b[0m` : text);
  const [bold, dim, green, red] = [paint(1), paint(2), paint(32), paint(31)];
  let number = 0;
  const indented = (text: string) =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => `     ${line}\n`)
      .join('');
  return {
    step: async (title, act, timed = false) => {
      number += 1;
      const started = Date.now();
      write(`\n ${bold(String(number))}  ${bold(title)}\n`);
      try {
        const result = await act();
        const seconds = ((Date.now() - started) / 1000).toFixed(1);
        write(`     ${green('✓')} ${timed ? dim(`${seconds} s`) : dim('true')}\n`);
        return result;
      } catch (error) {
        write(`     ${red('✗ not true')}\n`);
        throw error;
      }
    },
    command: (text) => {
      write(indented(dim(`$ ${text}`)));
    },
    show: (text) => {
      write(indented(text));
    },
    say: (text) => {
      write(`${text}\n`);
    },
  };
}
