// The files of the demo: a tree that looks like a small router with an application on it. Everything is made from one
// seed, so that every demo is the same.
import type { ByteString } from '../../core/host/host.ts'

export type DemoItem =
  | { readonly path: ByteString; readonly kind: 'file'; readonly bytes: Uint8Array; readonly mode?: number }
  | { readonly path: ByteString; readonly kind: 'symlink'; readonly target: ByteString }
  | { readonly path: ByteString; readonly kind: 'dir'; readonly mode?: number }

/** A small generator of numbers from 0 to 1 (mulberry32); good enough to vary contents. */
export function seededNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const words = (
  'gateway uplink lease router packet bridge window socket sensor valve meter signal harbor kitchen garden cellar attic ' +
  'winter summer monday friday report invoice letter recipe battery antenna channel beacon ladder copper silver'
).split(' ')

const text = (lines: string): Uint8Array => Buffer.from(lines)
const json = (value: unknown): Uint8Array => Buffer.from(`${JSON.stringify(value, null, 2)}\n`)

export const dnsmasq = `# Name service and leases of the home network.
domain-needed
bogus-priv
no-resolv
local=/lan/
domain=lan
expand-hosts
interface=br-lan
dhcp-range=192.0.2.100,192.0.2.200,12h
dhcp-option=option:router,192.0.2.1
server=9.9.9.9
server=149.112.112.112
cache-size=1000
dhcp-leasefile=/var/lib/dnsmasq.leases
log-facility=/var/log/dnsmasq.log
`

export const fstab = `# device        mount   type   options                  dump pass
/dev/root       /       ext4   rw,noatime               0    1
/dev/mmcblk0p3  /home   ext4   rw,noatime,nosuid        0    2
tmpfs           /tmp    tmpfs  rw,nosuid,nodev,size=64M 0    0
`

export const nftables = `#!/usr/sbin/nft -f
flush ruleset

table inet filter {
  chain input {
    type filter hook input priority 0; policy drop;
    ct state established,related accept
    iifname "lo" accept
    iifname "br-lan" tcp dport { 22, 53, 80 } accept
    iifname "br-lan" udp dport { 53, 67 } accept
    icmp type echo-request limit rate 5/second accept
  }
  chain forward {
    type filter hook forward priority 0; policy drop;
    iifname "br-lan" oifname "wan" accept
    ct state established,related accept
  }
}
`

function etcFiles(random: () => number): DemoItem[] {
  const bytes = (length: number) => Uint8Array.from({ length }, () => Math.floor(random() * 256))
  const file = (path: string, content: Uint8Array | string, mode?: number): DemoItem => ({
    path: `etc/${path}`,
    kind: 'file',
    bytes: typeof content === 'string' ? text(content) : content,
    mode,
  })
  return [
    file('dnsmasq.conf', dnsmasq),
    file('fstab', fstab),
    file('nftables.conf', nftables, 0o755),
    file('hostname', 'gateway\n'),
    file('hosts', '127.0.0.1 localhost\n192.0.2.1 gateway gateway.lan\n192.0.2.20 printer printer.lan\n'),
    file('resolv.conf', 'nameserver 127.0.0.1\nsearch lan\n'),
    file('passwd', 'root:x:0:0:root:/root:/bin/sh\nowner:x:1000:1000::/home/owner:/bin/sh\n'),
    file('shadow', bytes(600), 0o600),
    file('dropbear.key', bytes(427), 0o600),
    file('sysctl.conf', 'net.ipv4.ip_forward = 1\nnet.ipv6.conf.all.forwarding = 1\nkernel.panic = 10\n'),
    file('crontabs/root', '*/5 * * * * /usr/bin/probe-uplink\n10 3 * * * /usr/bin/rotate-logs\n', 0o600),
    file('crontabs/owner', '30 6 * * 1-5 /app/gateway/wake.sh\n', 0o600),
    file(
      'config/network.json',
      json({ lan: { bridge: 'br-lan', address: '192.0.2.1/24' }, wan: { device: 'eth0', protocol: 'dhcp' } }),
    ),
    file('config/wireless.json', json({ radio: 0, channel: 36, width: 80, ssid: 'attic', hidden: false })),
    file('config/time.json', json({ zone: 'Europe/Zurich', servers: ['0.pool.ntp.org', '1.pool.ntp.org'] })),
    file('ssh/sshd_config', 'Port 22\nPermitRootLogin prohibit-password\nPasswordAuthentication no\n', 0o600),
    file(
      'ssl/ca.pem',
      `-----BEGIN CERTIFICATE-----\n${Buffer.from(bytes(720))
        .toString('base64')
        .replace(/(.{64})/g, '$1\n')}\n-----END CERTIFICATE-----\n`,
    ),
    ...Array.from({ length: 12 }, (_, i) =>
      file(
        `init.d/S${String(10 + i * 5)}${words[i]}`,
        `#!/bin/sh\n# Starts ${words[i]}.\nexec /usr/sbin/${words[i]}d --foreground\n`,
        0o755,
      ),
    ),
    { path: 'etc/localtime', kind: 'symlink', target: '../usr/share/zoneinfo/Europe/Zurich' },
    { path: 'etc/mtab', kind: 'symlink', target: '/proc/self/mounts' },
  ]
}

function appFiles(random: () => number): DemoItem[] {
  const file = (path: string, content: Uint8Array | string, mode?: number): DemoItem => ({
    path: `app/${path}`,
    kind: 'file',
    bytes: typeof content === 'string' ? text(content) : content,
    mode,
  })
  const readings = Array.from({ length: 200 }, (_, i) => ({
    at: i * 300,
    celsius: Math.round(180 + random() * 60) / 10,
  }))
  return [
    file(
      'gateway/main.js',
      "import { listen } from './server.js'\nimport { rules } from './rules.js'\n\nlisten(8080, rules)\n",
    ),
    file(
      'gateway/server.js',
      'export function listen(port, rules) {\n  // One table of routes, looked at from the top.\n  return { port, rules }\n}\n',
    ),
    file(
      'gateway/rules.js',
      "export const rules = [\n  { path: '/health', to: 'self' },\n  { path: '/meter', to: 'box:meter' },\n]\n",
    ),
    file(
      'gateway/settings.json',
      json({ port: 8080, workers: 2, log: 'info', features: { meter: true, camera: false } }),
    ),
    file('gateway/wake.sh', '#!/bin/sh\nwakeonlan 02:00:00:00:00:01\n', 0o755),
    file('meter/readings.json', json(readings)),
    file(
      'meter/meter.wasm',
      Buffer.concat([
        Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]),
        Buffer.from(Array.from({ length: 40_000 }, () => Math.floor(random() * 256))),
      ]),
    ),
    file('meter/README.md', '# meter\n\nReads the electricity meter every five minutes.\n'),
    ...Array.from({ length: 20 }, (_, i) =>
      file(`dashboard/widgets/${words[i]}.json`, json({ widget: words[i], size: [1 + (i % 3), 1], refresh: 30 + i })),
    ),
    ...Array.from({ length: 10 }, (_, i) =>
      file(
        `dashboard/locale/${['de', 'en', 'es', 'fr', 'it', 'nl', 'pl', 'pt', 'ja', 'zh'][i]}.json`,
        json({ title: words[i + 10], ok: 'OK' }),
      ),
    ),
    { path: 'app/current', kind: 'symlink', target: 'gateway' },
  ]
}

function homeFiles(random: () => number): DemoItem[] {
  const sentence = () =>
    `${Array.from({ length: 6 + Math.floor(random() * 8) }, () => words[Math.floor(random() * words.length)]).join(' ')}.`
  const page = (lines: number) => text(`${Array.from({ length: lines }, sentence).join('\n')}\n`)
  const deep = Array.from({ length: 24 }, (_, i) => `level${String(i + 1).padStart(2, '0')}`).join('/')
  const file = (path: string, bytes: Uint8Array): DemoItem => ({ path: `home/owner/${path}`, kind: 'file', bytes })
  return [
    ...Array.from({ length: 40 }, (_, i) => file(`notes/${words[i % words.length]}-${i + 1}.txt`, page(4 + (i % 20)))),
    ...Array.from({ length: 12 }, (_, i) => file(`letters/2026-${String(i + 1).padStart(2, '0')}.md`, page(12))),
    file(
      'photos/attic.raw',
      Uint8Array.from({ length: 300_000 }, () => Math.floor(random() * 256)),
    ),
    file(
      'photos/garden.raw',
      Uint8Array.from({ length: 180_000 }, () => Math.floor(random() * 256)),
    ),
    file(Buffer.from('notes/Grüße aus Zürich.txt').toString('latin1'), page(3)),
    file('notes/caf\xe9 (latin-1 name).txt', page(2)),
    file(`archive/${deep}/the-deepest-file.txt`, page(1)),
    { path: 'home/owner/today.md', kind: 'symlink', target: 'letters/2026-11.md' },
    { path: 'home/owner/inbox', kind: 'dir', mode: 0o700 },
  ]
}

function usrFiles(random: () => number): DemoItem[] {
  const file = (path: string, content: string, mode?: number): DemoItem => ({
    path: `usr/${path}`,
    kind: 'file',
    bytes: text(content),
    mode,
  })
  return [
    file('bin/probe-uplink', '#!/bin/sh\nping -c 1 -W 2 192.0.2.254 >/dev/null || logger uplink down\n', 0o755),
    file('bin/rotate-logs', '#!/bin/sh\nfor f in /var/log/*.log; do mv "$f" "$f.1"; done\n', 0o755),
    file('share/zoneinfo/Europe/Zurich', 'TZif2 CET-1CEST,M3.5.0,M10.5.0/3\n'),
    ...Array.from({ length: 16 }, (_, i) =>
      file(
        `share/doc/${words[i]}/README`,
        `${words[i]}\n${'='.repeat(words[i].length)}\n\nSee ${words[(i + 3) % words.length]}.\n`,
      ),
    ),
    // The big directory: one small file a reading, as careless programs make them.
    ...Array.from({ length: 2_000 }, (_, i) =>
      file(
        `share/readings/r${String(i).padStart(4, '0')}.csv`,
        `time,value\n${i * 300},${Math.floor(random() * 1_000)}\n`,
      ),
    ),
  ]
}

/** Everything that is there before the history starts. */
export function demoItems(): DemoItem[] {
  const random = seededNumbers(20_261_122)
  return [...etcFiles(random), ...appFiles(random), ...homeFiles(random), ...usrFiles(random)]
}
