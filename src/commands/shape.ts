// Descriptions of result data: small enough to be read in the table, exact enough for three uses: the static type of a
// handler's result, the JSON schema in docs/reference, and the check of real results in tests.

interface ShapeBase {
  /** What it means, a phrase; units included. */
  readonly about: string
  /** The field may be left out. */
  readonly optional?: true
}

export interface TextShape extends ShapeBase {
  readonly type: 'text'
  readonly choices?: readonly string[]
  readonly format?: 'date-time' | 'base64'
}

export interface ScalarShape extends ShapeBase {
  readonly type: 'integer' | 'number' | 'boolean' | 'value'
}

export interface ListShape extends ShapeBase {
  readonly type: 'list'
  readonly items: Shape
}

export interface ObjectShape extends ShapeBase {
  readonly type: 'object'
  readonly fields: Readonly<Record<string, Shape>>
}

export interface MapShape extends ShapeBase {
  readonly type: 'map'
  readonly values: Shape
}

export type Shape = TextShape | ScalarShape | ListShape | ObjectShape | MapShape

type OptionalKey<Fields> = { [Key in keyof Fields]: Fields[Key] extends { optional: true } ? Key : never }[keyof Fields]

type ObjectOf<Fields> = { readonly [Key in Exclude<keyof Fields, OptionalKey<Fields>>]: DataOf<Fields[Key]> } & {
  readonly [Key in OptionalKey<Fields>]?: DataOf<Fields[Key]> | undefined
}

/** The data that a shape describes. */
export type DataOf<S> = S extends { type: 'text'; choices: readonly (infer Choice)[] }
  ? Choice
  : S extends { type: 'text' }
    ? string
    : S extends { type: 'integer' | 'number' }
      ? number
      : S extends { type: 'boolean' }
        ? boolean
        : S extends { type: 'value' }
          ? unknown
          : S extends { type: 'list'; items: infer Items }
            ? readonly DataOf<Items>[]
            : S extends { type: 'map'; values: infer Values }
              ? Readonly<Record<string, DataOf<Values>>>
              : S extends { type: 'object'; fields: infer Fields }
                ? ObjectOf<Fields>
                : never

export const text = (about: string) => ({ type: 'text', about }) as const
export const base64 = (about: string) => ({ type: 'text', about, format: 'base64' }) as const
/** An ISO 8601 time with microseconds, UTC. */
export const time = (about: string) => ({ type: 'text', about, format: 'date-time' }) as const
export const integer = (about: string) => ({ type: 'integer', about }) as const
export const number = (about: string) => ({ type: 'number', about }) as const
export const boolean = (about: string) => ({ type: 'boolean', about }) as const
export const value = (about: string) => ({ type: 'value', about }) as const

export function choice<const Choices extends readonly string[]>(choices: Choices, about: string) {
  return { type: 'text', choices, about } as const
}

export function list<const Items extends Shape>(items: Items, about: string) {
  return { type: 'list', items, about } as const
}

export function map<const Values extends Shape>(values: Values, about: string) {
  return { type: 'map', values, about } as const
}

export function object<const Fields extends Readonly<Record<string, Shape>>>(fields: Fields, about = '') {
  return { type: 'object', fields, about } as const
}

export function optional<const S extends Shape>(shape: S) {
  return { ...shape, optional: true } as const
}
