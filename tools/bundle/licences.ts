// Gathers the licence texts of the packages whose code is in the bundle: their authors ask for that, and whoever
// installs the package gets no node_modules to look them up in.

import fs from 'node:fs'
import path from 'node:path'

/** Licences that may be combined into a program under GPL-3.0-or-later. */
const compatible = new Set(['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', '0BSD', 'CC0-1.0', 'Unlicense'])

interface PackageJson {
  readonly name: string
  readonly version: string
  readonly license?: string
  readonly author?: string | { readonly name?: string }
  readonly repository?: string | { readonly url?: string }
}

/**
 * The text of THIRD-PARTY-LICENSES.txt for a bundle made of `inputs` (paths relative to `root`). Throws when a package
 * has a licence that does not fit ours, or none.
 */
export function licenceTexts(root: string, inputs: readonly string[]): string {
  const folders = new Set(inputs.map(packageFolder).filter(folder => folder !== undefined))
  const sections = [...folders].sort().map(folder => section(path.join(root, folder)))
  return [
    'SentientOS is free software under the GNU General Public License, version 3 or later (see LICENSE).',
    'Its bundle contains code of the packages below, each under its own licence.',
    ...sections,
  ].join(`\n\n${'='.repeat(80)}\n\n`)
}

/** The folder of the package that a file below node_modules belongs to. */
function packageFolder(file: string): string | undefined {
  return /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0]
}

function section(folder: string): string {
  const about = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8')) as PackageJson
  const licence = about.license ?? 'none'
  if (
    !licence
      .replace(/[()]/g, '')
      .split(/ OR | AND /)
      .some(name => compatible.has(name))
  ) {
    throw new Error(`${about.name} ${about.version} is under ${licence}: not known to fit GPL-3.0-or-later`)
  }
  const names = fs.readdirSync(folder).filter(name => /^(licen[cs]e|notice|copying)/i.test(name))
  const texts = names.sort().map(name => fs.readFileSync(path.join(folder, name), 'utf8').trim())
  if (texts.length === 0) texts.push(withoutText(about, licence))
  return [`${about.name} ${about.version} (${licence})`, ...texts].join('\n\n')
}

function withoutText(about: PackageJson, licence: string): string {
  const author = typeof about.author === 'string' ? about.author : about.author?.name
  const repository = typeof about.repository === 'string' ? about.repository : about.repository?.url
  return `The package holds no licence text. Its package.json says: ${licence}, author ${author ?? 'not named'}, ${repository ?? 'no repository'}.`
}
