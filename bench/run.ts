// `npm run bench [-- WHAT...] [--files N] [--runs N] [--only NAME,...] [--sizes N,...] [--write]`: measures what is named
// (peers, growth, journal, verbs; all of it when nothing is) and prints tables; --write puts them into docs/benchmarks.md
// with the machine and the date, and the comparison as a picture beside it. Needs dist (npm run build) and GNU time.
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { measureGrowth } from './growth.ts'
import { measurePeers } from './peers.ts'
import { comparisonPicture } from './picture.ts'
import { machineText, reportText } from './report.ts'

const repository = path.dirname(import.meta.dirname)

function main(): void {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      files: { type: 'string', default: '100000' },
      runs: { type: 'string', default: '3' },
      only: { type: 'string' },
      sizes: { type: 'string', default: '10000,100000,300000' },
      scratch: { type: 'string', default: os.tmpdir() },
      write: { type: 'boolean', default: false },
    },
  })
  if (!fs.existsSync('/usr/bin/time')) throw new Error('GNU time is not installed (Debian: time)')
  const wanted = (what: string) => positionals.length === 0 || positionals.includes(what)
  const scratch = fs.mkdtempSync(path.join(values.scratch, 'sentientos-bench-'))
  const say = (text: string) => process.stderr.write(`${text}\n`)
  const common = { runs: Number(values.runs), scratch, repository, say }
  try {
    const files = Number(values.files)
    const peers = wanted('peers') ? measurePeers({ ...common, files, only: values.only?.split(',') }) : undefined
    const growth = wanted('growth')
      ? measureGrowth({ ...common, sizes: values.sizes.split(',').map(Number) })
      : undefined
    const others = ['journal', 'coldVerbs'].filter(wanted).map(name => ({ name, text: ownReport(name) }))
    const text = reportText({ machine: machineText(), date: new Date(), files, peers, growth, others })
    process.stdout.write(text)
    if (values.write) {
      fs.writeFileSync(path.join(repository, 'docs/benchmarks.md'), text)
      if (peers !== undefined)
        fs.writeFileSync(path.join(repository, 'docs/pictures/benchmarks.svg'), comparisonPicture(peers.figures))
    }
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true })
  }
}

/** What a benchmark that stands alone prints. */
function ownReport(name: string): string {
  return execFileSync(process.execPath, [path.join(import.meta.dirname, `${name}.ts`)], { encoding: 'utf8' })
}

main()
