/** Writes the large inputs of the scan benchmark; their content is random numbers and plain records. */
import { randomFillSync } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

const tensorBytes = 4_000_000;
const tensors = 125;
const records = 1_000_000;

/** Writes what is missing; the names of all inputs come back. */
export function writeInputs(folder: string): string[] {
  mkdirSync(folder, { recursive: true });
  const made: Record<string, (write: (bytes: Uint8Array) => void) => void> = {
    'torch.pt': torchArchive,
    'weights.safetensors': safetensors,
    'weights.gguf': gguf,
    'model.onnx': onnx,
    'arrays.pkl': arrays,
    'records.pkl': recordsPickle,
  };
  for (const [name, make] of Object.entries(made)) {
    const path = join(folder, name);
    if (existsSync(path)) continue;
    const file = openSync(`${path}.part`, 'w');
    make((bytes) => writeSync(file, bytes));
    closeSync(file);
    renameSync(`${path}.part`, path);
  }
  return Object.keys(made).map((name) => join(folder, name));
}

function weights(): Uint8Array {
  return randomFillSync(new Uint8Array(tensorBytes));
}

function little(value: number, bytes: number): Uint8Array {
  const out = new Uint8Array(bytes);
  for (let i = 0, rest = value; i < bytes; i++, rest = Math.floor(rest / 256)) out[i] = rest % 256;
  return out;
}

function join_(...parts: (string | number | Uint8Array)[]): Uint8Array {
  return Buffer.concat(
    parts.map((part) => {
      if (typeof part === 'number') return Uint8Array.of(part);
      return typeof part === 'string' ? Buffer.from(part, 'latin1') : part;
    }),
  );
}

function text(value: string): Uint8Array {
  return join_('X', little(value.length, 4), value);
}

/** A state dictionary of PyTorch: storages outside the stream, one a tensor. */
function stateDict(): Uint8Array {
  const parts: Uint8Array[] = [join_('\x80\x02}(')];
  for (let i = 0; i < tensors; i++) {
    const storage = join_(
      '(',
      text('storage'),
      'ctorch\nFloatStorage\n',
      text(String(i)),
      text('cpu'),
      'J',
      little(tensorBytes / 4, 4),
      'tQ',
    );
    const shape = join_('J', little(tensorBytes / 4, 4), '\x85K\x01\x85');
    const hooks = 'ccollections\nOrderedDict\n)R';
    const tensor = join_(
      'ctorch._utils\n_rebuild_tensor_v2\n(',
      storage,
      'K\x00',
      shape,
      '\x89',
      hooks,
      'tR',
    );
    parts.push(join_(text(`layer.${i}.weight`), tensor));
  }
  return join_(...parts, 'u.');
}

function torchArchive(write: (bytes: Uint8Array) => void): void {
  const directory: Uint8Array[] = [];
  let at = 0;
  const add = (name: string, data: Uint8Array): void => {
    const common = (crc: number): Uint8Array =>
      join_(
        little(0, 2),
        little(0, 2),
        little(0, 4),
        little(crc, 4),
        little(data.length, 4),
        little(data.length, 4),
        little(name.length, 2),
      );
    const crc = crc32(data);
    const local = join_('PK\x03\x04', little(20, 2), common(crc), little(0, 2), name);
    directory.push(
      join_(
        'PK\x01\x02',
        little(20, 2),
        little(20, 2),
        common(crc),
        little(0, 12),
        little(at, 4),
        name,
      ),
    );
    write(local);
    write(data);
    at += local.length + data.length;
  };
  add('archive/data.pkl', stateDict());
  for (let i = 0; i < tensors; i++) add(`archive/data/${i}`, weights());
  add('archive/version', Buffer.from('3\n'));
  const listed = join_(...directory);
  const count = little(directory.length, 2);
  write(
    join_(
      listed,
      'PK\x05\x06',
      little(0, 4),
      count,
      count,
      little(listed.length, 4),
      little(at, 4),
      0,
      0,
    ),
  );
}

function safetensors(write: (bytes: Uint8Array) => void): void {
  const header = Object.fromEntries(
    Array.from({ length: tensors }, (_, i) => [
      `layer.${i}.weight`,
      {
        dtype: 'F32',
        shape: [tensorBytes / 4],
        data_offsets: [i * tensorBytes, (i + 1) * tensorBytes],
      },
    ]),
  );
  const json = JSON.stringify(header);
  write(join_(little(json.length, 8), json));
  for (let i = 0; i < tensors; i++) write(weights());
}

function gguf(write: (bytes: Uint8Array) => void): void {
  const long = (value: string): Uint8Array => join_(little(value.length, 8), value);
  const tokens = join_(
    long('tokenizer.ggml.tokens'),
    little(9, 4),
    little(8, 4),
    little(32_000, 8),
  );
  const words = join_(...Array.from({ length: 32_000 }, (_, i) => long(`token${i}`)));
  const parts = [join_('GGUF', little(3, 4), little(tensors, 8), little(1, 8)), tokens, words];
  for (let i = 0; i < tensors; i++) {
    parts.push(
      join_(
        long(`blk.${i}`),
        little(1, 4),
        little(tensorBytes / 4, 8),
        little(0, 4),
        little(i * tensorBytes, 8),
      ),
    );
  }
  const head = join_(...parts);
  write(join_(head, new Uint8Array((32 - (head.length % 32)) % 32)));
  for (let i = 0; i < tensors; i++) write(weights());
}

function varint(value: number): Uint8Array {
  const out: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) out.push((rest % 128) + 128);
  return Uint8Array.from([...out, rest]);
}

function onnx(write: (bytes: Uint8Array) => void): void {
  const field = (number: number, content: Uint8Array | string): Uint8Array => {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    return join_(varint(number * 8 + 2), varint(bytes.length), bytes);
  };
  const heads = Array.from({ length: tensors }, (_, i) => {
    const name = field(8, `w${i}`);
    const before = join_(varint(8), varint(tensorBytes / 4), varint(16), varint(1), name);
    const raw = join_(varint(9 * 8 + 2), varint(tensorBytes));
    const length = before.length + raw.length + tensorBytes;
    return join_(varint(5 * 8 + 2), varint(length), before, raw);
  });
  const node = field(1, join_(field(1, 'x'), field(2, 'y'), field(4, 'Relu')));
  const total = node.length + heads.reduce((sum, head) => sum + head.length + tensorBytes, 0);
  write(join_(varint(8), varint(8), varint(7 * 8 + 2), varint(total), node));
  for (const head of heads) {
    write(head);
    write(weights());
  }
  write(field(8, join_(field(1, ''), varint(16), varint(17))));
}

function arrays(write: (bytes: Uint8Array) => void): void {
  write(join_('\x80\x04]('));
  for (let i = 0; i < tensors; i++) {
    const dtype = join_(
      'cnumpy\ndtype\n',
      text('f4'),
      '\x89\x88\x87R(K\x03',
      text('<'),
      'NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb',
    );
    const make = 'cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R';
    write(
      join_(
        make,
        '(K\x01J',
        little(tensorBytes / 4, 4),
        '\x85',
        dtype,
        '\x89B',
        little(tensorBytes, 4),
      ),
    );
    write(weights());
    write(join_('tb'));
  }
  write(join_('e.'));
}

/**
 * What `pickle.dumps` writes for a million small dictionaries: the keys once, then from the memo, and
 * values of their own with every record.
 */
function recordsPickle(write: (bytes: Uint8Array) => void): void {
  write(join_('\x80\x04]\x94('));
  const short = (value: string): Uint8Array => join_('\x8c', value.length, value, '\x94');
  let parts: Uint8Array[] = [];
  for (let i = 0; i < records; i++) {
    const key = (name: string, index: number): Uint8Array =>
      i === 0 ? short(name) : join_('h', index);
    const values = [
      join_(key('id', 2), 'J', little(i, 4)),
      join_(key('name', 3), short(`name number ${i}`)),
      join_(key('score', i === 0 ? 5 : 5), 'G', little(i, 8)),
    ];
    parts.push(join_('}\x94(', ...values, 'u'));
    if (parts.length === 1000) {
      write(join_(...parts, i === records - 1 ? 'e.' : 'e('));
      parts = [];
    }
  }
}
