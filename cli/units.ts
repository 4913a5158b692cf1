const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;

/** Below this age it is written in `unit`, and in `rest` too when that is not zero. */
interface Step {
  readonly below: number;
  readonly unit: readonly [ms: number, letter: string];
  readonly rest?: readonly [ms: number, letter: string];
}

const OLDEST: Step = { below: Infinity, unit: [YEAR, 'y'] };

const STEPS: readonly Step[] = [
  { below: 2 * MINUTE, unit: [SECOND, 's'] },
  { below: 10 * MINUTE, unit: [MINUTE, 'm'], rest: [SECOND, 's'] },
  { below: 3 * HOUR, unit: [MINUTE, 'm'] },
  { below: 8 * HOUR, unit: [HOUR, 'h'], rest: [MINUTE, 'm'] },
  { below: 48 * HOUR, unit: [HOUR, 'h'] },
  { below: 8 * DAY, unit: [DAY, 'd'], rest: [HOUR, 'h'] },
  { below: 2 * YEAR, unit: [DAY, 'd'] },
  { below: 8 * YEAR, unit: [YEAR, 'y'], rest: [DAY, 'd'] },
];

/** An age as kubectl writes it (`k8s.io/apimachinery/pkg/util/duration.HumanDuration`): `90s`, `5m10s`, `3d4h`. */
export function formatAge(ageMs: number): string {
  if (Number.isNaN(ageMs) || ageMs <= -2 * SECOND) return '<invalid>';
  const age = Math.max(0, ageMs);
  const { unit, rest } = STEPS.find(({ below }) => age < below) ?? OLDEST;
  const whole = `${Math.floor(age / unit[0])}${unit[1]}`;
  if (rest === undefined) return whole;
  const remainder = Math.floor((age % unit[0]) / rest[0]);
  return remainder === 0 ? whole : `${whole}${remainder}${rest[1]}`;
}

/** `412B`, `1.2Ki`, `1Mi`. */
export function formatSize(bytes: number): string {
  if (bytes < 1024) return `${bytes}B`;
  const [divisor, unit] = bytes < 1024 * 1024 ? [1024, 'Ki'] : [1024 * 1024, 'Mi'];
  return `${Number((bytes / divisor).toFixed(1))}${unit}`;
}

const DURATION_UNIT_MS: Readonly<Record<string, number>> = { s: SECOND, m: MINUTE, h: HOUR };

/** Milliseconds of `30s`, `2m`, `1h` or a bare number of seconds; undefined when it is none of them. */
export function parseDuration(text: string): number | undefined {
  const [, digits, unit] = /^(\d{1,6})([smh]?)$/.exec(text) ?? [];
  return digits === undefined ? undefined : Number(digits) * (DURATION_UNIT_MS[unit ?? ''] ?? SECOND);
}
