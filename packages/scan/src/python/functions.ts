/**
 * Which of a file's own functions run when it is imported: those that its module level calls,
 * hands to somebody who calls, or decorates with, and all that these call in turn. Names stand
 * for functions, so two of one name count as one: too many rather than too few.
 */
import type { Token } from './token.ts';

/** The name of what stands outside every function. */
export const moduleLevel = '';

/** Methods that run by making, entering or leaving an object of the class. */
const byMaking = new Set(
  '__init__ __new__ __post_init__ __enter__ __call__ __del__ __exit__'.split(' '),
);
/** Functions that run without a call that anyone can see. */
const byThemselves = new Set(['__init_subclass__', '__set_name__']);

interface Block {
  readonly kind: 'function' | 'class';
  readonly indent: number;
  readonly name: string;
}

/** Follows the functions and classes around the statement that is read. */
export class Functions {
  readonly #own: ReadonlySet<string>;
  readonly #calls = new Map<string, Set<string>>();
  #blocks: Block[] = [];

  constructor(tokens: readonly Token[]) {
    const own = new Set<string>();
    for (const [i, { kind, text }] of tokens.entries()) {
      const isHead = kind === 'name' && (text === 'def' || text === 'class');
      const name = tokens[i + 1];
      if (isHead && name?.kind === 'name') own.add(name.text);
    }
    this.#own = own;
  }

  /** The innermost function around the statement. */
  get current(): string {
    return this.#blocks.findLast(({ kind }) => kind === 'function')?.name ?? moduleLevel;
  }

  /** A line at this indentation ends all that is as deep or deeper. */
  dedent(indent: number): void {
    this.#blocks = this.#blocks.filter((block) => block.indent < indent);
  }

  /** Opens a function; its name is that of its class and its own for what making runs. */
  define(name: string, indent: number): void {
    const around = this.#blocks.at(-1);
    const owner = around?.kind === 'class' ? around.name : null;
    const whole = owner !== null && byMaking.has(name) ? `${owner}.${name}` : name;
    if (owner !== null && byMaking.has(name)) this.#add(owner, whole);
    if (byThemselves.has(name)) this.#add(moduleLevel, whole);
    this.#blocks.push({ kind: 'function', indent, name: whole });
  }

  /** Opens a class; its body runs where it stands, and making one makes its bases. */
  defineClass(name: string, bases: readonly string[], indent: number): void {
    for (const base of bases) if (this.#own.has(base)) this.#add(name, base);
    this.#blocks.push({ kind: 'class', indent, name });
  }

  /** Opens what runs only when the file is started as a program. */
  guard(indent: number): void {
    this.#blocks.push({ kind: 'function', indent, name: '__main__' });
  }

  /** Takes note that the statement calls a name, or hands it on. */
  reach(name: string): void {
    if (this.#own.has(name)) this.#add(this.current, name);
  }

  /** Names of all functions that run by importing the file. */
  atImport(): ReadonlySet<string> {
    const reached = new Set([moduleLevel]);
    for (const caller of reached) {
      for (const called of this.#calls.get(caller) ?? []) reached.add(called);
    }
    return reached;
  }

  #add(caller: string, called: string): void {
    const known = this.#calls.get(caller);
    if (known === undefined) this.#calls.set(caller, new Set([called]));
    else known.add(called);
  }
}

/** Names between the brackets after a class's name; `at` is where they begin. */
export function basesOf(tokens: readonly Token[], at: number): string[] {
  const bases: string[] = [];
  for (const token of tokens.slice(at, at + 40)) {
    if (token.kind === 'line' || token.text === ':') break;
    if (token.kind === 'name') bases.push(token.text);
  }
  return bases;
}

/** True for `if __name__ == '__main__'`, whose body does not run by importing. */
export function isMainGuard(tokens: readonly Token[], at: number): boolean {
  const words = tokens.slice(at + 1, at + 5).map((token) => token.text);
  return words.includes('__name__') && words.includes('__main__');
}

/** How far the line of a token is indented. */
export function indentOf(tokens: readonly Token[], at: number): number {
  for (let i = at; i >= 0; i--) {
    const token = tokens[i];
    if (token?.kind === 'line') return token.indent;
  }
  return 0;
}
