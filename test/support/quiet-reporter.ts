import type { TestEvent } from 'node:test/reporters';

/**
 * A reporter that says nothing of what passes: every failure with its error, and one closing line `N passed, N failed`.
 * A file that could not be run at all counts as a failure.
 */
export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const count = { passed: 0, failed: 0 };
  for await (const { type, data } of events) {
    if (type === 'test:pass' && isTest(data)) count.passed += 1;
    if (type === 'test:fail' && isTest(data)) {
      count.failed += 1;
      yield `\n✗ ${data.name}\n  ${data.file ?? ''}:${data.line ?? 0}\n${indent(messageOf(data.details.error))}\n`;
    }
    if (type === 'test:stderr') yield data.message;
  }
  yield `${count.passed} passed, ${count.failed} failed\n`;
}

/** A suite only sums up its tests; it is no test itself. */
const isTest = ({ details }: { details: { type?: string } }) => details.type !== 'suite';

const messageOf = (error: Error) =>
  (error.cause instanceof Error ? error.cause.stack : undefined) ?? error.message;

const indent = (text: string) => text.replaceAll(/^/gm, '    ');
