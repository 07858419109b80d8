/** Vocabulary files: one token a line, its number is its place, as WordPiece tokenizers have it. */
import { AttackError } from '../error.ts';

/** Tokens by number, and which may stand for which. */
export interface Vocabulary {
  readonly tokens: readonly string[];
  /** True when an attack may take `to` for `from`: both ordinary, of one kind, and not one word. */
  exchangeable(from: number, to: number): boolean;
}

const tokensMax = 2_000_000;

/** Reads a vocabulary; throws `invalid-data` when it is empty, too long, or names a token twice. */
export function readVocabulary(text: string): Vocabulary {
  const tokens = text.replace(/\r?\n$/, '').split(/\r?\n/);
  if (text.trim() === '' || tokens.length > tokensMax) {
    const got = text.trim() === '' ? 'none' : tokens.length;
    throw new AttackError(
      'invalid-data',
      `vocabulary expected 1 to ${tokensMax} lines, got ${got}`,
    );
  }
  const seen = new Map<string, number>();
  tokens.forEach((token, number) => {
    const before = seen.get(token);
    if (before !== undefined) {
      const shown = token.slice(0, 40);
      const where = `lines ${before + 1} and ${number + 1}`;
      throw new AttackError('invalid-data', `vocabulary names "${shown}" twice: ${where}`);
    }
    seen.set(token, number);
  });
  const kinds = tokens.map(kindOf);
  return {
    tokens,
    exchangeable: (from, to) => {
      if (from === to || kinds[from] === 'special' || kinds[from] !== kinds[to]) return false;
      return tokens[from]?.toLowerCase() !== tokens[to]?.toLowerCase();
    },
  };
}

/** Special tokens stand in brackets, pieces inside a word begin with ##, new words with Ġ or ▁. */
function kindOf(token: string): string {
  if (token === '' || /^(\[.*\]|<.*>)$/.test(token)) return 'special';
  const start = /^(##|Ġ|▁)/.exec(token)?.[1] ?? '';
  const rest = token.slice(start.length);
  const letters = /^\p{L}+$/u.test(rest) ? 'letters' : /^\p{N}+$/u.test(rest) ? 'digits' : 'signs';
  return `${start} ${letters}`;
}
