/** Functions in place of their calls, in the opset that gradients are emitted in. */
import { functionsOf, inlineFunctions, type OnnxFunction } from '../../onnx/functions.ts';
import { node, type OnnxModel, type OnnxNode } from '../../onnx/model.ts';
import { opsetOf, upgradeGraph } from './upgrade.ts';

/** An upgraded model without functions; each body is upgraded from the opset of its own. */
export function withoutFunctions(model: OnnxModel): OnnxModel {
  const functions = functionsOf(model);
  if (functions.length === 0) return model;
  const opsets = new Map(model.opsets.map(({ domain, version }) => [domain, version]));
  for (const { domain, version } of functions.flatMap((each) => each.opsets)) {
    const own = domain === 'ai.onnx' ? '' : domain;
    opsets.set(own, Math.max(version, opsets.get(own) ?? 0));
  }
  const merged = [...opsets].map(([domain, version]) => ({ domain, version }));
  return { ...inlineFunctions(model, upgradedBody), opsets: merged };
}

/** A body has no initializers, so that new constants become nodes. */
function upgradedBody(of: OnnxFunction): readonly OnnxNode[] {
  const usesStandard = of.opsets.some(({ domain }) => domain === '' || domain === 'ai.onnx');
  if (!usesStandard) return of.nodes;
  const rest = new Uint8Array(0);
  const lists = { initializers: [], inputs: [], outputs: [], values: [], rest };
  const graph = { name: of.name, nodes: of.nodes, ...lists };
  const { nodes, initializers } = upgradeGraph(graph, opsetOf(of), 'merlon/upgraded');
  const constants = initializers.map((tensor) => {
    return node('Constant', [], [tensor.name], { value: { kind: 'tensor', value: tensor } });
  });
  return [...constants, ...nodes];
}
