import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EXIT_CODE_OF, type FailureKind } from '../../cli/exit-codes.ts';
import { explainAnswer, type SafeRequest } from '../../cli/explain-answer.ts';
import { explainConnectionError } from '../../cli/explain-connection.ts';
import { explainKubernetesError } from '../../cli/explain-kubernetes.ts';
import { TooManyBytesError } from '../../cli/read-bytes.ts';
import { TunnelError } from '../../cli/tunnel.ts';

const caller = { namespace: 'sotto-system', name: 'sotto-admin' };
const update: SafeRequest = { verb: 'update', namespace: 'shop', name: 'db', caller };

const answered = (status: number, message = 'a reason', request = update) =>
  explainAnswer({ status, text: JSON.stringify({ error: { code: 'any', message } }) }, request);

test('the exit codes are the documented ones', () => {
  assert.deepEqual(EXIT_CODE_OF, {
    negative: 1,
    usage: 2,
    not_found: 3,
    conflict: 4,
    forbidden: 5,
    unreachable: 6,
    refused: 7,
    internal: 8,
    interrupted: 130,
  });
});

test('every answer of Safe that is not a success has its kind and its sentence', () => {
  const expected: readonly (readonly [number, FailureKind, RegExp])[] = [
    [400, 'refused', /^Safe refused the request \(400\): a reason$/],
    [401, 'forbidden', /^Safe does not accept the token of service account sotto-system\/sotto-admin/],
    [403, 'forbidden', /^service account sotto-system\/sotto-admin may not update secret shop\/db$/],
    [404, 'not_found', /^secret shop\/db does not exist$/],
    [405, 'refused', /^Safe refused the request \(405\)/],
    [409, 'conflict', /^somebody else changed secret shop\/db meanwhile, so nothing was done/],
    [412, 'conflict', /Look at it \(kubectl sotto get\), then give the command again$/],
    [413, 'refused', /^secret shop\/db is larger than Safe takes, so nothing was stored: a reason$/],
    [415, 'refused', /^Safe refused the request \(415\)/],
    [429, 'unreachable', /^Safe cannot answer right now: a reason. Try again in a moment/],
    [500, 'unreachable', /^Safe failed \(500\): a reason. Its log says why: kubectl logs -n sotto-system/],
    [503, 'unreachable', /^Safe cannot answer right now/],
    [507, 'refused', /^Safe has no room for secret shop\/db, so nothing was stored/],
  ];
  for (const [status, kind, sentence] of expected) {
    const failure = answered(status);
    assert.equal(failure.kind, kind, String(status));
    assert.match(failure.message, sentence);
  }
});

test('a refusal says which command gives the right and which one checks it', () => {
  const { advice } = answered(403);
  assert.equal(
    advice,
    'Choose another one with --service-account, or have it given the right: kubectl create rolebinding sotto-sotto-admin ' +
      '-n shop --clusterrole=sotto-secrets-admin --serviceaccount=sotto-system:sotto-admin. To check: kubectl auth can-i ' +
      'update safesecrets.sotto.dev/db -n shop --as system:serviceaccount:sotto-system:sotto-admin',
  );
  const everywhere = answered(403, '', { verb: 'list', caller });
  assert.match(everywhere.message, /may not list the secrets of all namespaces$/);
  assert.match(
    everywhere.advice ?? '',
    /clusterrolebinding .* can-i list safesecrets.sotto.dev --all-namespaces --as/,
  );
});

test('a body that is not of Safe is not repeated', () => {
  for (const text of ['<html>Canary</html>', '{"message":"Canary"}', '']) {
    const failure = explainAnswer({ status: 500, text }, update);
    assert.doesNotMatch(failure.message, /Canary/);
  }
});

test('what Safe says is printed as one line, without control characters', () => {
  assert.match(answered(400, 'a\n\u001b[31mred').message, /: a \[31mred$/);
});

const pods = { verb: 'list', resource: 'pods', namespace: 'sotto-system', role: 'sotto-cli' } as const;
const apiException = (code: number) => Object.assign(new Error('HTTP-Code: … Body: Canary'), { code });
const fetchFailed = (code: string) =>
  new TypeError('fetch failed', { cause: Object.assign(new Error('Canary'), { code }) });

test('every failure of the API server has its kind and its sentence, and nothing of its body', () => {
  const expected: readonly (readonly [unknown, FailureKind, RegExp])[] = [
    [apiException(401), 'forbidden', /^the API server does not accept your credentials: sign in again/],
    [apiException(403), 'forbidden', /^you may not list pods in namespace sotto-system$/],
    [apiException(404), 'not_found', /^pods in namespace sotto-system does not exist$/],
    [
      apiException(500),
      'unreachable',
      /^the API server answered 500 when asked to list pods in namespace sotto-system/,
    ],
    [fetchFailed('ECONNREFUSED'), 'unreachable', /^the API server cannot be reached \(ECONNREFUSED\)/],
    [
      fetchFailed('CERT_HAS_EXPIRED'),
      'unreachable',
      /^the API server cannot be reached \(CERT_HAS_EXPIRED\)/,
    ],
    [
      new DOMException('Canary', 'TimeoutError'),
      'unreachable',
      /^the API server cannot be reached \(TimeoutError\)/,
    ],
    [
      new Error('Canary of the plugin'),
      'unreachable',
      /^the API server could not be asked: .* credential plugin failed/,
    ],
  ];
  for (const [error, kind, sentence] of expected) {
    const failure = explainKubernetesError(error, pods);
    assert.equal(failure.kind, kind);
    assert.match(failure.message, sentence);
    assert.doesNotMatch(`${failure.message} ${failure.advice ?? ''}`, /Canary/);
  }
});

test('a missing right names the Role of ours that gives it, or else the verb and resource, and the check', () => {
  assert.equal(
    explainKubernetesError(apiException(403), pods).advice,
    'An administrator of the cluster can bind Role sotto-cli in namespace sotto-system to you. ' +
      'To check: kubectl auth can-i list pods -n sotto-system',
  );
  const token = {
    verb: 'create',
    resource: 'serviceaccounts',
    subresource: 'token',
    name: 'deployer',
    namespace: 'shop',
  } as const;
  const failure = explainKubernetesError(apiException(403), token);
  assert.equal(failure.message, 'you may not create serviceaccounts/token deployer in namespace shop');
  assert.equal(
    failure.advice,
    'An administrator of the cluster can bind a Role in namespace shop with the verb create on serviceaccounts/token to you. ' +
      'To check: kubectl auth can-i create serviceaccounts/deployer --subresource=token -n shop',
  );
  const namespaces = explainKubernetesError(apiException(403), { verb: 'list', resource: 'namespaces' });
  assert.match(namespaces.advice ?? '', /bind a ClusterRole with the verb list on namespaces to you/);
});

test('every way to lose the connection to Safe has its sentence', () => {
  const coded = (code: string) => Object.assign(new Error('Canary'), { code });
  const expected: readonly (readonly [unknown, RegExp])[] = [
    [new TunnelError('Canary'), /^the Safe pod accepts no connection: it is starting, stopping or stuck$/],
    [new Error('x', { cause: new TunnelError('Canary') }), /^the Safe pod accepts no connection/],
    [
      coded('DEPTH_ZERO_SELF_SIGNED_CERT'),
      /^the certificate .* not trusted \(DEPTH_ZERO_SELF_SIGNED_CERT\), so nothing was sent$/,
    ],
    [coded('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), /^the certificate that Safe shows is not trusted/],
    [coded('ERR_TLS_CERT_ALTNAME_INVALID'), /^the certificate that Safe shows is not trusted/],
    [coded('CERT_HAS_EXPIRED'), /^the certificate that Safe shows is not trusted/],
    [new DOMException('Canary', 'TimeoutError'), /^Safe did not answer in time \(--request-timeout\)$/],
    [coded('ECONNRESET'), /^the connection to Safe was lost \(ECONNRESET\): is it restarting\?$/],
    [new Error('Canary'), /^the connection to Safe was lost \(unknown reason\)/],
    [new TooManyBytesError(), /^Safe sent more than fits in an answer$/],
  ];
  for (const [error, sentence] of expected) {
    const failure = explainConnectionError(error, { mayHaveHappened: false });
    assert.equal(failure.kind, 'unreachable');
    assert.match(failure.message, sentence);
    assert.doesNotMatch(`${failure.message} ${failure.advice ?? ''}`, /Canary/);
  }
});

test('a write whose answer got lost is called uncertain', () => {
  const failure = explainConnectionError(new Error(), { mayHaveHappened: true });
  assert.match(failure.message, /Whether it was done is not known: kubectl sotto get tells$/);
});
