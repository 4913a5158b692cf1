import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { EnvelopeError } from '../../../safe/backup/envelope.ts';
import { createKeyring, createSeeds } from '../../../safe/backup/keyring.ts';
import { openRecord, recordId, sealRecord } from '../../../safe/backup/record.ts';
import { SecretValue } from '../../../shared/secret-value.ts';
import { dataOf, revealed, secretVersion } from '../../support/secrets.ts';

const keyring = createKeyring(createSeeds(randomBytes));
const seal = (seq: number, changes = {}) => sealRecord(keyring, secretVersion(changes), seq, randomBytes);

test('a record opens, in its place, to the secret that was sealed', () => {
  const opened = openRecord(keyring, seal(5, { version: 3 }));
  assert.deepEqual(
    { ...opened, data: revealed(opened.data) },
    { ...secretVersion({ version: 3 }), data: { password: 'hunter2' } },
  );
});

test('values are bytes: whatever they are, they come back unchanged', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.stringMatching(/^[-._a-zA-Z0-9]{1,20}$/), fc.uint8Array({ maxLength: 300 })),
      (values) => {
        const data = new Map(
          Object.entries(values).map(([key, bytes]) => [key, new SecretValue(Buffer.from(bytes))]),
        );
        const opened = openRecord(keyring, sealRecord(keyring, secretVersion({ data }), 1, randomBytes));
        assert.deepEqual(
          [...opened.data].map(([key, value]) => [key, [...value.reveal()]]),
          Object.entries(values).map(([key, bytes]) => [key, [...bytes]]),
        );
      },
    ),
  );
});

test('of 40 records, none opens in the place of another, under another version, sequence or store', () => {
  const records = Array.from({ length: 40 }, (_, i) =>
    seal(i + 1, { name: `s${i % 20}`, version: 1 + (i >= 20 ? 1 : 0) }),
  );
  for (const a of records) {
    for (const b of records) {
      if (a === b) continue;
      assert.throws(() => openRecord(keyring, { ...a, sealed: b.sealed }), EnvelopeError);
      assert.throws(() => openRecord(keyring, { ...b, seq: a.seq }), EnvelopeError);
      if (!a.id.equals(b.id)) assert.throws(() => openRecord(keyring, { ...a, id: b.id }), EnvelopeError);
      if (a.version !== b.version)
        assert.throws(() => openRecord(keyring, { ...a, version: b.version }), EnvelopeError);
    }
    const elsewhere = createKeyring(createSeeds(randomBytes));
    assert.throws(() => openRecord(elsewhere, a), EnvelopeError);
  }
});

test('the same keys in a store of another id do not open a record', () => {
  const seeds = createSeeds(randomBytes);
  const record = sealRecord(createKeyring(seeds), secretVersion(), 1, randomBytes);
  const copied = createKeyring({ ...seeds, storeId: randomBytes(16) });
  assert.throws(
    () => openRecord(copied, { ...record, id: recordId(copied, secretVersion()) }),
    EnvelopeError,
  );
});

test('a sealed record tells neither name nor namespace, key nor length of a short value', () => {
  const record = seal(1, {
    namespace: 'canary-namespace',
    name: 'canary-name',
    data: dataOf({ 'canary-key': 'canary' }),
  });
  const bytes = Buffer.concat([record.id, record.sealed]);
  for (const encoding of ['latin1', 'base64', 'hex'] as const) {
    assert.ok(!bytes.toString('latin1').includes(Buffer.from('canary').toString(encoding)));
  }
  assert.equal(
    seal(1, { data: dataOf({ p: 'a' }) }).sealed.length,
    seal(1, { data: dataOf({ p: 'a'.repeat(60) }) }).sealed.length,
  );
});

test('format 1 stays format 1: these exact bytes were sealed by the first release', () => {
  let counter = 0;
  const counting = (length: number) => Buffer.from(Array.from({ length }, () => counter++ & 0xff));
  const record = sealRecord(createKeyring(createSeeds(counting)), secretVersion(), 9, counting);
  const digest = createHash('sha256').update(record.id).update(record.sealed).digest('hex');
  assert.equal(record.id.toString('hex'), '090091ef49768c117c919849d9147b4dcd5b7ae728940a11fee1bce4964ceada');
  assert.equal(
    record.sealed.subarray(0, 29).toString('hex'),
    '0100000001505152535455565758595a5b5c5d5e5f6061626364656667',
  );
  assert.equal(digest, 'e23f25e83683933c7f5aa632a9130aeb2ad762d15aebf0156eef1e365b97f6a1');
});
