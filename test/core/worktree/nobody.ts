// Permission bits do not bind root, so tests that are about them run as nobody, who owns what the test makes.

const nobodyId = 65_534

/** From now on permissions count; returns how to end that. */
export function becomeNobody(): () => void {
  if (process.geteuid?.() !== 0) return () => {}
  process.seteuid?.(nobodyId)
  return () => process.seteuid?.(0)
}
