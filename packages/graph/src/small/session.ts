/** A session that computes small runs itself and leaves the others to the runtime. */
import type { OnnxModel } from '../onnx/model.ts';
import type { Session } from '../session.ts';
import type { Tensor, Tensors } from '../tensor.ts';
import { type Plan, planOf } from './plan.ts';
import type { Value } from './value.ts';
import { openArena } from './wasm.ts';

/** Operations up to which a run here is sooner done than the runtime has begun. */
const costMax = 200_000;
/** Plans kept, one for each number of rows. */
const plansMax = 64;

/** True when a run of one row is small. */
export function isSmallModel(model: OnnxModel): boolean {
  return (planOf(model, 1, openArena())?.cost ?? Number.POSITIVE_INFINITY) <= costMax;
}

/** Answers like `runtime`, and sooner where a run is small. */
export function smallSession(model: OnnxModel, runtime: Session): Session {
  const plans = new Map<number, Plan | null>();
  let arena = openArena();
  const rowsMax = Math.floor(costMax / Math.max(1, planFor(1)?.cost ?? Number.POSITIVE_INFINITY));
  return {
    inputs: runtime.inputs,
    outputs: runtime.outputs,
    close: () => runtime.close(),
    run: async (feeds, fetches, into) => {
      const rows = rowsOf(feeds);
      const plan = rows > rowsMax || into !== undefined ? null : planFor(rows);
      const answer = plan === null ? null : answerOf(plan, feeds, fetches);
      return answer ?? runtime.run(feeds, fetches, into);
    },
  };

  function planFor(rows: number): Plan | null {
    const known = plans.get(rows);
    if (known !== undefined) return known;
    if (plans.size >= plansMax) {
      plans.clear();
      arena = openArena();
    }
    const made = planOf(model, rows, arena);
    const plan = made !== null && made.cost <= costMax ? made : null;
    plans.set(rows, plan);
    return plan;
  }

  function rowsOf(feeds: Tensors): number {
    return feeds[runtime.inputs[0]?.name ?? '']?.shape[0] ?? 0;
  }
}

/** Null when the feeds are not those that the plan was made for; the runtime says what is wrong. */
function answerOf(plan: Plan, feeds: Tensors, fetches?: readonly string[]): Tensors | null {
  for (const [name, value] of plan.inputs) {
    if (!fill(value, feeds[name])) return null;
  }
  plan.run();
  const out: Record<string, Tensor> = {};
  for (const name of fetches ?? plan.outputs.keys()) {
    const value = plan.outputs.get(name);
    if (value?.kind !== 'floats') return null;
    out[name] = { type: 'float32', shape: value.shape, data: value.data.slice() };
  }
  return out;
}

function fill(value: Value, tensor: Tensor | undefined): boolean {
  if (tensor === undefined || tensor.data.length !== value.data.length) return false;
  if (!tensor.shape.every((size, axis) => size === value.shape[axis])) return false;
  const { data } = tensor;
  if (value.kind === 'floats') {
    if (!(data instanceof Float32Array)) return false;
    value.data.set(data);
    return true;
  }
  if (!(data instanceof BigInt64Array)) return false;
  for (let i = 0; i < data.length; i++) value.data[i] = Number(data[i]);
  return true;
}
