import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseTrackingHierarchy, parseHierarchies } from './cgroups.ts';

const HYBRID = `
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
31 30 0:27 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory
32 30 0:28 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
33 30 0:29 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
`;

test('every mounted cgroup hierarchy is found, and nothing else', () => {
  assert.deepEqual(parseHierarchies(HYBRID), [
    { mountPoint: '/sys/fs/cgroup/memory', version: 1, controllers: ['rw', 'memory'] },
    { mountPoint: '/sys/fs/cgroup/systemd', version: 1, controllers: ['rw', 'name=systemd'] },
    { mountPoint: '/sys/fs/cgroup/unified', version: 2, controllers: [] },
  ]);
  assert.deepEqual(parseHierarchies(''), []);
});

test('processes are tracked where no limit applies: version 2, then the hierarchy of systemd', () => {
  const all = parseHierarchies(HYBRID);
  assert.equal(chooseTrackingHierarchy(all)?.mountPoint, '/sys/fs/cgroup/unified');
  const old = all.filter(({ version }) => version === 1);
  assert.equal(chooseTrackingHierarchy(old)?.mountPoint, '/sys/fs/cgroup/systemd');
  assert.equal(chooseTrackingHierarchy(old.slice(0, 1))?.mountPoint, '/sys/fs/cgroup/memory');
  assert.equal(chooseTrackingHierarchy([]), undefined);
});
