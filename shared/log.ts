import { pino, type DestinationStream } from 'pino';

/** Scalars only: a pod, a request, an Error or a SecretValue does not type-check, so it cannot be logged by accident. */
export type LogFields = Readonly<Record<string, string | number | boolean>>;

export type LogLevel = 'info' | 'warn' | 'error';

export type Log = (level: LogLevel, event: string, fields?: LogFields) => void;

/** One JSON object a line. `event` is a fixed snake_case name to search for; what varies goes in `fields`. */
export function createLog(program: string, destination: DestinationStream): Log {
  const logger = pino(
    {
      base: { program },
      messageKey: 'event',
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
  return (level, event, fields = {}) => {
    logger[level](fields, event);
  };
}
