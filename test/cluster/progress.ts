/** Where the steps are shown: a terminal gets a live line, anything else plain lines. */
export interface Screen {
  write(text: string): void;
  readonly isTerminal: boolean;
  readonly hasColor: boolean;
  now(): number;
}

/** Puts a few words behind the finished step, such as what was found to be done already. */
export type Note = (text: string) => void;

export interface Progress {
  step<T>(title: string, work: (note: Note) => Promise<T>): Promise<T>;
  say(text: string): void;
  /** How long all has taken, for people. */
  elapsed(): string;
}

const PLAIN_REMINDER_MS = 30_000;
const LIVE_REDRAW_MS = 200;
const CLEAR_LINE = '\r\u001b[2K';

/** Numbers the steps and says how long each took, and, while a long one goes on, how long it has taken. */
export function createProgress(screen: Screen, total: number): Progress {
  let number = 0;
  const start = screen.now();
  const dim = (text: string) => (screen.hasColor ? `\u001b[2m${text}\u001b[22m` : text);

  return {
    step: async (title, work) => {
      number += 1;
      const label = `${dim(`step ${number} of ${total}`)}  ${title}`;
      const begin = screen.now();
      const elapsed = () => formatSeconds(screen.now() - begin);
      let words = '';
      const stopReminding = remind(screen, label, elapsed);
      try {
        return await work((text) => (words = text));
      } catch (error) {
        words = 'failed';
        throw error;
      } finally {
        stopReminding();
        const suffix = words === '' ? '' : `, ${words}`;
        screen.write(`${screen.isTerminal ? CLEAR_LINE : ''}${label}  ${dim(elapsed() + suffix)}\n`);
      }
    },
    say: (text) => screen.write(`${text}\n`),
    elapsed: () => formatSeconds(screen.now() - start),
  };
}

function remind(screen: Screen, label: string, elapsed: () => string): () => void {
  if (screen.isTerminal) screen.write(label);
  const draw = screen.isTerminal
    ? () => screen.write(`${CLEAR_LINE}${label}  ${elapsed()} …`)
    : () => screen.write(`${label}  ${elapsed()} so far\n`);
  const timer = setInterval(draw, screen.isTerminal ? LIVE_REDRAW_MS : PLAIN_REMINDER_MS);
  return () => clearInterval(timer);
}

/** `0.4 s`, `12 s`, `3 min 05 s`. */
export function formatSeconds(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 100) return `${seconds.toFixed(0)} s`;
  return `${Math.floor(seconds / 60)} min ${String(Math.floor(seconds % 60)).padStart(2, '0')} s`;
}
