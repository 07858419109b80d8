/** Clipping of gradients by their norm (Pascanu et al. 2013). */

/** The L2 norm of all gradients together. */
export function normOf(gradients: Iterable<Float32Array>): number {
  let squares = 0;
  for (const gradient of gradients) {
    for (let i = 0; i < gradient.length; i++) squares += (gradient[i] ?? 0) ** 2;
  }
  return Math.sqrt(squares);
}

/** Shortens gradients in place that together are longer than `normMax`; returns their length. */
export function clip(gradients: ReadonlyMap<string, Float32Array>, normMax: number): number {
  const norm = normOf(gradients.values());
  if (norm <= normMax) return norm;
  const shrink = normMax / norm;
  for (const gradient of gradients.values()) {
    for (let i = 0; i < gradient.length; i++) gradient[i] = (gradient[i] ?? 0) * shrink;
  }
  return norm;
}
