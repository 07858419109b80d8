/** What becomes of each operator when a gradient reaches it. */
import { loweringsByDomain } from './lower/table.ts';
import { flat, refusals, straightThrough, ungraded } from './operators/status.ts';
import { rules } from './operators/table.ts';

/** What becomes of one operator. */
export interface OperatorStatus {
  /** Empty for the standard domain. */
  readonly domain: string;
  readonly operator: string;
  /**
   * `exact`: the true gradient. `straight-through`: as if it rounded nothing. `zero`: nothing
   * flows back. `refused`: differentiation throws `unsupported-operator`.
   */
  readonly status: 'exact' | 'straight-through' | 'zero' | 'refused';
  /** How it is differentiated, or why not. */
  readonly note: string;
}

/** Operators that only the upgrade from old opsets knows. */
const replaced: Readonly<Record<string, string>> = {
  Scatter: 'as `ScatterElements`',
  Upsample: 'as `Resize`',
};

/** Operators that pass quantised values, and so their straight-through gradients. */
const quantised = /^(QLinear|QuantizeLinear|DynamicQuantize)|Integer$|IntegerToFloat$/;

function statusOf(operator: string): OperatorStatus['status'] {
  return quantised.test(operator) || straightThrough.has(operator) ? 'straight-through' : 'exact';
}

/** Every operator that is known, by domain and name. */
export const operatorStatuses: readonly OperatorStatus[] = [
  ...Object.keys(rules).map((operator): OperatorStatus => {
    return { domain: '', operator, status: statusOf(operator), note: 'by a rule of its own' };
  }),
  ...Object.entries(loweringsByDomain).flatMap(([domain, list]) =>
    Object.keys(list).map((operator): OperatorStatus => {
      return { domain, operator, status: statusOf(operator), note: 'as simpler operators' };
    }),
  ),
  ...Object.entries(replaced).map(([operator, note]): OperatorStatus => {
    return { domain: '', operator, status: 'exact', note };
  }),
  ...[...flat].map((operator): OperatorStatus => {
    return { domain: '', operator, status: 'zero', note: 'flat wherever it has a gradient' };
  }),
  ...ungraded.map((operator): OperatorStatus => {
    return { domain: '', operator, status: 'zero', note: 'its result depends on no float' };
  }),
  ...Object.entries(refusals).map(([name, note]): OperatorStatus => {
    const ml = 'ai.onnx.ml';
    const isMl = name.startsWith(`${ml}.`);
    const operator = isMl ? name.slice(ml.length + 1) : name;
    return { domain: isMl ? ml : '', operator, status: 'refused', note };
  }),
].toSorted((a, b) => (`${a.domain}/${a.operator}` < `${b.domain}/${b.operator}` ? -1 : 1));
