// `npm run bench`: a fresh bundle, then the measurements of bench/run.ts; what can be measured stands there.
import path from 'node:path'
import { main } from '../bench/run.ts'
import { build, isBuildFresh } from './build.ts'

const root = path.dirname(import.meta.dirname)
if (!isBuildFresh(root)) await build(root)
main()
