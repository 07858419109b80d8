/**
 * Losses of two sets of scores, clean and attacked, with their gradients by both, in double
 * precision: TRADES (Zhang et al. 2019, equation 5) and MART (Wang et al. 2020, equation 10).
 */

/** Scores of the same rows, clean and attacked, [N, K]. */
export interface ScorePair {
  readonly clean: Float32Array;
  readonly attacked: Float32Array;
  readonly labels: Int32Array;
}

/** Losses of rows and their gradients by the scores. */
export interface PairLoss {
  readonly losses: Float64Array;
  readonly byClean: Float32Array;
  readonly byAttacked: Float32Array;
}

/** One row, as shares and their logarithms. */
interface Row {
  readonly p: Float64Array;
  readonly logP: Float64Array;
  readonly q: Float64Array;
  readonly logQ: Float64Array;
  /** KL(p ‖ q). */
  readonly divergence: number;
  readonly label: number;
  readonly byClean: Float32Array;
  readonly byAttacked: Float32Array;
}

/** CE(clean) + β · KL(clean ‖ attacked); the gradient goes through both, as in the paper. */
export function tradesLoss(pair: ScorePair, beta: number): PairLoss {
  return overRows(pair, (row) => {
    const { p, q, label, byClean, byAttacked, divergence } = row;
    for (let k = 0; k < p.length; k++) {
      const hot = k === label ? 1 : 0;
      byClean[k] = (p[k] ?? 0) - hot + beta * divergenceByClean(row, k);
      byAttacked[k] = beta * ((q[k] ?? 0) - (p[k] ?? 0));
    }
    return -(row.logP[label] ?? 0) + beta * divergence;
  });
}

/** Kept away from log 0, as in the authors' code. */
const above = 1.0001;
const certain = 1.0000001;

/**
 * BCE(attacked) + λ · KL(clean ‖ attacked) · (1 − p_y), where BCE adds to the cross-entropy
 * −log(1.0001 − greatest wrong share).
 */
export function martLoss(pair: ScorePair, lambda: number): PairLoss {
  return overRows(pair, (row) => {
    const { p, q, label, divergence, byClean, byAttacked } = row;
    const other = greatestBut(q, label);
    const rest = above - (q[other] ?? 0);
    const doubt = certain - (p[label] ?? 0);
    for (let k = 0; k < p.length; k++) {
      const [pk, qk, hot] = [p[k] ?? 0, q[k] ?? 0, k === label ? 1 : 0];
      const margin = ((q[other] ?? 0) * ((k === other ? 1 : 0) - qk)) / rest;
      byAttacked[k] = qk - hot + margin + lambda * doubt * (qk - pk);
      const byDoubt = -divergence * (p[label] ?? 0) * (hot - pk);
      byClean[k] = lambda * (doubt * divergenceByClean(row, k) + byDoubt);
    }
    return -(row.logQ[label] ?? 0) - Math.log(rest) + lambda * divergence * doubt;
  });
}

/** Softmax of scores [N, K]. */
export function sharesOf(scores: Float32Array, classes: number): Float32Array {
  const shares = new Float32Array(scores.length);
  for (let at = 0; at < scores.length; at += classes) {
    shares.set(logShares(scores.subarray(at, at + classes)).map(Math.exp), at);
  }
  return shares;
}

function overRows(pair: ScorePair, lossOf: (row: Row) => number): PairLoss {
  const { clean, attacked, labels } = pair;
  const classes = clean.length / Math.max(1, labels.length);
  const losses = new Float64Array(labels.length);
  const byClean = new Float32Array(clean.length);
  const byAttacked = new Float32Array(clean.length);
  for (const [row, label] of labels.entries()) {
    const [from, to] = [row * classes, (row + 1) * classes];
    const logP = logShares(clean.subarray(from, to));
    const logQ = logShares(attacked.subarray(from, to));
    const [p, q] = [logP.map(Math.exp), logQ.map(Math.exp)];
    const divergence = p.reduce((sum, share, k) => {
      return sum + share * ((logP[k] ?? 0) - (logQ[k] ?? 0));
    }, 0);
    const own = { byClean: byClean.subarray(from, to), byAttacked: byAttacked.subarray(from, to) };
    losses[row] = lossOf({ p, logP, q, logQ, divergence, label, ...own });
  }
  return { losses, byClean, byAttacked };
}

function divergenceByClean({ p, logP, logQ, divergence }: Row, k: number): number {
  return (p[k] ?? 0) * ((logP[k] ?? 0) - (logQ[k] ?? 0) - divergence);
}

function logShares(scores: Float32Array): Float64Array {
  const top = scores.reduce((most, score) => Math.max(most, score), -Infinity);
  const sum = scores.reduce((total, score) => total + Math.exp(score - top), 0);
  return Float64Array.from(scores, (score) => score - top - Math.log(sum));
}

function greatestBut(shares: Float64Array, label: number): number {
  let best = label === 0 ? 1 : 0;
  for (let k = 0; k < shares.length; k++) {
    if (k !== label && (shares[k] ?? 0) > (shares[best] ?? 0)) best = k;
  }
  return best;
}
