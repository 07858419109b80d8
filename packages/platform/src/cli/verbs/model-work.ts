/** `gradient`: the model with its gradient, as a plain file. */
import { gradientModel, losses, readOnnx, writeOnnx } from '@merlon/graph';
import { once, readBytes, writeChunks } from '../files.ts';
import { usage } from '../usage.ts';
import type { Verb } from '../verb.ts';

export { hardenVerb } from './harden.ts';

/** Writes a model with its gradient. */
export const gradientVerb: Verb = {
  name: 'gradient',
  usage: 'MODEL -o OUT.onnx',
  does: 'writes the model with its loss and input gradient as plain ONNX',
  options: {
    out: { type: 'string', short: 'o', help: 'file to write' },
    loss: { type: 'string', help: `${losses.join(', ')} (default cross-entropy)` },
    output: { type: 'string', help: 'output to differentiate (default: the scores)' },
    shape: { type: 'string', help: 'sizes of the input that the model leaves open: -1,3,320,320' },
  },
  run: async (args) => {
    const [path = ''] = args.exactly('MODEL');
    const out = args.needed('out');
    const loss = args.choice('loss', losses, 'cross-entropy');
    const model = readOnnx(await readBytes(path, 'the model'));
    const [output, shape] = [args.text('output'), args.text('shape')];
    const gradient = await gradientModel(model, {
      loss,
      ...(output !== undefined && { output }),
      ...(shape !== undefined && { shape: sizesOf(shape) }),
    });
    await writeChunks(out, once(writeOnnx(gradient.model)));
    const { graph } = gradient.model;
    const json = {
      inputs: graph.inputs.map((input) => input.name),
      outputs: graph.outputs.map((output) => output.name),
      operators: gradient.operators,
    };
    return { exit: 0, json, text: `${out}: ${json.outputs.join(', ')}` };
  },
};

function sizesOf(text: string): number[] {
  const sizes = text.split(',').map(Number);
  if (sizes.every((size) => Number.isInteger(size) && (size > 0 || size === -1))) return sizes;
  throw usage(`"--shape" expected sizes such as -1,3,320,320, got "${text}"`);
}
