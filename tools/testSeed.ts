// Gives every property test the seed of the run, so that `npm test -- --seed N` draws the same inputs again. Loaded
// into the test processes when SENTIENT_TEST_SEED is set; other tests that draw at random read that variable themselves.

import fc from 'fast-check'

const seed = Number(process.env.SENTIENT_TEST_SEED)
if (Number.isSafeInteger(seed)) fc.configureGlobal({ seed })
