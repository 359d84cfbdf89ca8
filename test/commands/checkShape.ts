// Holds real results against the shapes of the table.

import type { Shape } from '../../src/commands/shape.ts'

/** Where the data does not fit the shape; empty when it does. Unknown fields do not fit. */
export function misfits(data: unknown, shape: Shape, at = 'result'): string[] {
  switch (shape.type) {
    case 'value':
      return []
    case 'text':
      return textMisfits(data, shape, at)
    case 'boolean':
      return typeof data === 'boolean' ? [] : [`${at}: no boolean`]
    case 'integer':
      return Number.isSafeInteger(data) ? [] : [`${at}: no integer but ${JSON.stringify(data)}`]
    case 'number':
      return Number.isFinite(data) ? [] : [`${at}: no number but ${JSON.stringify(data)}`]
    case 'list':
      return Array.isArray(data)
        ? data.flatMap((item, i) => misfits(item, shape.items, `${at}[${i}]`))
        : [`${at}: no list`]
    case 'map':
      return isObject(data)
        ? Object.entries(data).flatMap(([key, value]) => misfits(value, shape.values, `${at}.${key}`))
        : [`${at}: no object`]
    case 'object':
      return isObject(data) ? fieldMisfits(data, shape.fields, at) : [`${at}: no object`]
  }
}

function isObject(data: unknown): data is Record<string, unknown> {
  return typeof data === 'object' && data !== null && !Array.isArray(data)
}

function textMisfits(data: unknown, { choices, format }: Extract<Shape, { type: 'text' }>, at: string): string[] {
  if (typeof data !== 'string') return [`${at}: no text but ${JSON.stringify(data)}`]
  if (choices !== undefined && !choices.includes(data)) return [`${at}: "${data}" is none of ${choices.join(', ')}`]
  if (format === 'date-time' && !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/.test(data))
    return [`${at}: "${data}" is no time`]
  if (format === 'base64' && Buffer.from(data, 'base64').toString('base64') !== data) return [`${at}: no base64`]
  return []
}

function fieldMisfits(data: Record<string, unknown>, fields: Readonly<Record<string, Shape>>, at: string): string[] {
  const unknown = Object.keys(data).filter(key => !Object.hasOwn(fields, key))
  return [
    ...unknown.map(key => `${at}.${key}: not in the shape`),
    ...Object.entries(fields).flatMap(([key, field]) => {
      if (data[key] !== undefined) return misfits(data[key], field, `${at}.${key}`)
      return field.optional === true ? [] : [`${at}.${key}: missing`]
    }),
  ]
}
