import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import type { ClusterEnvironment } from '../../cluster/inside.ts';

const PAGE = 500;

interface RangeAnswer {
  readonly kvs?: readonly { readonly key: string; readonly value: string }[];
  readonly more?: boolean;
}

/** Every key that etcd holds, with its value, through etcd's own JSON gateway. */
export async function* readEtcd(
  etcd: ClusterEnvironment['etcd'],
): AsyncGenerator<{ key: Buffer; value: Buffer }> {
  let from = Buffer.of(0);
  for (;;) {
    const answer = await range(etcd, from);
    for (const { key, value } of answer.kvs ?? []) {
      yield { key: Buffer.from(key, 'base64'), value: Buffer.from(value, 'base64') };
    }
    const last = answer.kvs?.at(-1);
    if (answer.more !== true || last === undefined) return;
    from = Buffer.concat([Buffer.from(last.key, 'base64'), Buffer.of(0)]);
  }
}

function range(
  { url, ca, certificate, key }: ClusterEnvironment['etcd'],
  from: Buffer,
): Promise<RangeAnswer> {
  const body = JSON.stringify({ key: from.toString('base64'), range_end: 'AA==', limit: PAGE });
  return new Promise((resolve, reject) => {
    const options = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      ca: readFileSync(ca),
      cert: readFileSync(certificate),
      key: readFileSync(key),
    };
    const asking = request(`${url}/v3/kv/range`, options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        resolve(JSON.parse(Buffer.concat(chunks).toString()) as RangeAnswer);
      });
    });
    asking.on('error', reject);
    asking.end(body);
  });
}
