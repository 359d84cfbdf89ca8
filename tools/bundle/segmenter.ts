// Stands in for Intl.Segmenter in the bundle: four packages make one when they load, which costs 12 to 18 ms each
// time a terminal opens. Plain text is cut here; the real one is made when the first other text comes.

import { hasPlainClusters } from './plainText.ts'

// The bundler replaces the written-out name by this class, so the real one is fetched by a computed name.
const { ['Segmenter' as const]: RealSegmenter } = Intl

export class LazySegmenter {
  readonly #settings: readonly [Intl.LocalesArgument?, Intl.SegmenterOptions?]
  #real: Intl.Segmenter | undefined

  constructor(locales?: Intl.LocalesArgument, options?: Intl.SegmenterOptions) {
    this.#settings = [locales, options]
  }

  segment(text: string): Intl.Segments | Iterable<Intl.SegmentData> {
    const graphemes = (this.#settings[1]?.granularity ?? 'grapheme') === 'grapheme'
    if (graphemes && hasPlainClusters(text)) return segmentsOf(text)
    this.#real ??= new RealSegmenter(...this.#settings)
    return this.#real.segment(text)
  }
}

function* segmentsOf(input: string): Generator<Intl.SegmentData> {
  for (let index = 0; index < input.length; index += 1) yield { segment: input.charAt(index), index, input }
}
