/**
 * Reads Python source statement by statement and tells every call with the name that it would have
 * at run time: through imports, aliases, `getattr`, texts put together from pieces. Nothing is run.
 */
import { fold, numberOf } from './fold.ts';
import { basesOf, Functions, indentOf, isMainGuard } from './functions.ts';
import { groupOf } from './groups.ts';
import { type Token, tokensOf } from './token.ts';
import type { Reading, Use } from './use.ts';
import { constant, list, path, taintsOf, text, unknown, type Value } from './value.ts';
import { builtins, combined, insideNames, keywords, outside, reached } from './words.ts';

const usesMax = 20_000;
const depthMax = 60;

/** Reads a source; bounded whatever it is. */
export function readPython(source: string): Reading {
  const reader = new Reader(tokensOf(source));
  reader.run();
  return reader;
}

class Reader implements Reading {
  uses: Use[] = [];
  /** Uses of which it is not yet known whether importing the file is enough for them. */
  readonly #seen: Omit<Use, 'atImport'>[] = [];
  readonly imports: { path: string; offset: number }[] = [];
  readonly inside: { chain: string; offset: number }[] = [];
  readonly #tokens: readonly Token[];
  readonly #names = new Map<string, Value>();
  readonly #functions: Functions;
  /** Modules whose names were all imported. */
  readonly #stars: string[] = [];
  #at = 0;
  #depth = 0;
  /** Brackets of calls around what is read. */
  #brackets = 0;

  constructor(tokens: readonly Token[], functions = new Functions(tokens)) {
    this.#tokens = tokens;
    this.#functions = functions;
  }

  run(): void {
    while (this.#at < this.#tokens.length && this.#seen.length < usesMax) {
      const before = this.#at;
      this.#statement();
      if (this.#at === before) this.#at++;
    }
    const atImport = this.#functions.atImport();
    this.uses = this.#seen.map((use) => ({ ...use, atImport: atImport.has(use.within) }));
  }

  #statement(): void {
    const token = this.#peek();
    if (token === undefined) return;
    if (token.kind === 'line') {
      this.#at++;
      if (this.#peek()?.kind === 'line') return;
      this.#functions.dedent(token.indent);
      return;
    }
    if (token.kind === 'name' && this.#compound(token.text)) return;
    if (token.text === '@' && this.#tokens[this.#at - 1]?.kind === 'line') {
      this.#at++;
      const name = this.#peek();
      if (name?.kind === 'name') this.#functions.reach(name.text);
      const value = this.#expression();
      if (value.path !== '') this.#use('handed', value.path, [], token.offset);
      return;
    }
    const values = this.#assignment();
    for (const value of values) {
      if (value.kind === 'path') this.#use('handed', value.path, [], token.offset);
    }
  }

  /** Statements that begin with a keyword of their own; false for any other. */
  #compound(word: string): boolean {
    if (word === 'import') this.#import();
    else if (word === 'from') this.#from();
    else if (word === 'def') this.#define();
    else if (word === 'class') this.#class();
    else if (word === 'if' && isMainGuard(this.#tokens, this.#at)) {
      this.#functions.guard(indentOf(this.#tokens, this.#at));
      this.#at++;
    } else return false;
    return true;
  }

  /** `a = b = value`; what stands alone or in a returned tuple is handed on. */
  #assignment(): Value[] {
    const targets: string[] = [];
    for (;;) {
      const [name, sign] = [this.#peek(), this.#peek(1)];
      const assigns = sign?.text === '=' || sign?.text === ':=';
      if (name?.kind !== 'name' || !assigns || keywords.has(name.text)) break;
      targets.push(name.text);
      this.#at += 2;
    }
    const before = this.#at;
    const value = this.#expression();
    if (this.#at === before) return [];
    for (const target of targets) this.#names.set(target, value);
    // `with open(…) as name`.
    const named = this.#alias();
    if (named !== null) this.#names.set(named, value);
    if (targets.length > 0) return value.kind === 'path' ? [value] : [];
    return value.kind === 'list' ? value.items.filter((item) => item.kind === 'path') : [];
  }

  #import(): void {
    this.#at++;
    for (;;) {
      const offset = this.#peek()?.offset ?? 0;
      const name = this.#dotted();
      if (name === '') return;
      this.imports.push({ path: name, offset });
      const [first = name] = name.split('.');
      const alias = this.#alias();
      this.#names.set(alias ?? first, path(alias === null ? first : name));
      if (!this.#take(',')) return;
    }
  }

  #from(): void {
    this.#at++;
    const offset = this.#peek()?.offset ?? 0;
    const module = this.#dotted();
    if (this.#peek()?.text !== 'import') return;
    this.#at++;
    this.#take('(');
    if (this.#take('*')) this.#stars.push(module);
    for (let name = this.#peek(); name !== undefined; name = this.#peek()) {
      if (name.kind !== 'name') break;
      this.#at++;
      const whole = `${module}.${name.text}`;
      this.imports.push({ path: whole, offset });
      this.#names.set(this.#alias() ?? name.text, module.startsWith('.') ? unknown() : path(whole));
      if (!this.#take(',')) break;
    }
    this.#take(')');
  }

  #define(): void {
    const indent = indentOf(this.#tokens, this.#at);
    this.#at++;
    // A function of that name is the file's own from here on.
    const name = this.#peek();
    if (name?.kind === 'name' && builtins.has(name.text)) this.#names.set(name.text, unknown());
    this.#functions.define(name?.kind === 'name' ? name.text : '', indent);
    this.#at++;
    this.#parameters();
  }

  /** The head of a class; what stands between its brackets is read as any other expression. */
  #class(): void {
    const indent = indentOf(this.#tokens, this.#at);
    const name = this.#peek(1);
    const bases = basesOf(this.#tokens, this.#at + 2);
    this.#functions.defineClass(name?.kind === 'name' ? name.text : '', bases, indent);
    // The brackets after the name are no call of it.
    this.#at += 2;
  }

  /** Parameters by whose names a function is given what strangers send. */
  #parameters(): void {
    if (this.#peek()?.text !== '(') return;
    for (let ahead = 1; ahead < 40; ahead++) {
      const token = this.#peek(ahead);
      if (token === undefined || token.kind === 'line' || token.text === ')') return;
      if (token.kind === 'name' && outside.test(token.text)) {
        this.#names.set(token.text, unknown(new Set(['outside'])));
      }
    }
  }

  #expression(): Value {
    if (this.#depth > depthMax) return unknown();
    this.#depth++;
    let left = this.#operand();
    for (let token = this.#peek(); token?.kind === 'sign'; token = this.#peek()) {
      if (!/^([-+*/%|&^<>@]|\/\/|\*\*|[=!<>]=)$/.test(token.text)) break;
      this.#at++;
      const right = this.#operand();
      left = combined(token.text, left, right);
    }
    this.#depth--;
    return left;
  }

  #operand(): Value {
    while (/^(-|\+|~|\*|\*\*|not|await|lambda|yield)$/.test(this.#peek()?.text ?? '')) {
      if (this.#peek()?.kind === 'text') break;
      if (this.#peek()?.text === 'lambda')
        while (!/^(:|)$/.test(this.#peek()?.text ?? '')) this.#at++;
      this.#at++;
    }
    let value = this.#atom();
    for (;;) {
      const token = this.#peek();
      if (token?.kind !== 'sign') return value;
      if (token.text === '.') value = this.#attribute(value);
      else if (token.text === '(') value = this.#call(value, null, '');
      else if (token.text === '[') value = this.#subscript(value);
      else return value;
    }
  }

  #atom(): Value {
    const token = this.#peek();
    if (token === undefined || token.kind === 'line') return unknown();
    if (token.kind === 'text') return this.#texts();
    if (token.kind === 'number') {
      this.#at++;
      return numberOf(token.text);
    }
    if (token.kind === 'name') {
      if (keywords.has(token.text) && !/^(None|True|False)$/.test(token.text)) return unknown();
      this.#at++;
      if (this.#brackets > 0 || this.#peek()?.text === '(') this.#functions.reach(token.text);
      const known = this.#names.get(token.text);
      if (known !== undefined) return known;
      if (token.text === '__builtins__') return path('builtins');
      const star = this.#stars.find((module) => groupOf(`${module}.${token.text}`) !== null);
      if (star !== undefined) return path(`${star}.${token.text}`);
      // TorchScript has these without importing them.
      if (token.text === 'torch' || token.text === 'ops') return path(token.text);
      return builtins.has(token.text) ? path(`builtins.${token.text}`) : constant(token.text);
    }
    if (!'([{'.includes(token.text)) return unknown();
    this.#at++;
    const items = this.#items();
    const [only] = items;
    return token.text === '(' && items.length === 1 && only !== undefined ? only : list(items);
  }

  /** Adjacent literals are one; the parts of a formatted one are read as expressions. */
  #texts(): Value {
    let value = '';
    const parts: Value[] = [];
    for (let token = this.#peek(); token?.kind === 'text'; token = this.#peek()) {
      this.#at++;
      let whole = token.text;
      if (token.formatted && this.#depth < depthMax) {
        whole = whole.replace(/\{([^{}]+)\}/g, (_, inner: string) => {
          const part = this.#inner(inner);
          parts.push(part);
          return part.text;
        });
      }
      value += whole;
    }
    return text(value, taintsOf(parts));
  }

  #inner(source: string): Value {
    const reader = new Reader(tokensOf(source), this.#functions);
    for (const [name, value] of this.#names) reader.#names.set(name, value);
    reader.#depth = this.#depth + 1;
    reader.#at = 1;
    const value = reader.#expression();
    for (const use of reader.#seen) this.#seen.push(use);
    return value;
  }

  #attribute(value: Value): Value {
    const name = this.#peek(1);
    this.#at += 2;
    if (name?.kind !== 'name') return value;
    if (insideNames.test(name.text)) {
      const chain = `${value.path}.${name.text}`;
      this.inside.push({ chain, offset: name.offset });
    }
    if (this.#peek()?.text === '(' && this.#peek()?.kind === 'sign') {
      this.#functions.reach(name.text);
      const callee = value.path === '' ? unknown(value.taints) : reached(value, name.text);
      return this.#call(callee, value, name.text);
    }
    return value.path === '' ? unknown(value.taints) : reached(value, name.text);
  }

  #subscript(value: Value): Value {
    this.#at++;
    const colon = this.#tokens.slice(this.#at, this.#at + 4).map((token) => token.text);
    const items = this.#items();
    const [index] = items;
    if (value.kind === 'text' && colon.join('').startsWith('::-1')) {
      return text([...value.text].reverse().join(''), new Set([...value.taints, 'decoded']));
    }
    if (index?.kind === 'text' && value.path !== '') {
      if (value.path === 'sys.modules') return path(index.text);
      const found = reached(value, index.text);
      return { ...found, taints: new Set([...found.taints, 'hidden']) };
    }
    const at =
      value.kind === 'list' && index?.kind === 'number' ? value.items[Number(index.text)] : null;
    return at ?? unknown(taintsOf([value, ...items]));
  }

  #call(callee: Value, receiver: Value | null, method: string): Value {
    const offset = this.#peek()?.offset ?? 0;
    this.#at++;
    const keywordArguments = new Map<string, Value>();
    this.#brackets++;
    const args = this.#items(keywordArguments);
    this.#brackets--;
    const everything = [...args, ...keywordArguments.values()];
    if (callee.path !== '') this.#called(callee, args, offset, keywordArguments);
    for (const value of everything) {
      for (const each of value.kind === 'list' ? value.items : [value]) {
        if (each.kind === 'path') this.#use('handed', each.path, everything, offset);
      }
    }
    return fold(callee, everything, receiver, method);
  }

  /** Everything up to the closing bracket, separated by commas, colons and keywords. */
  #items(named?: Map<string, Value>): Value[] {
    const items: Value[] = [];
    for (let token = this.#peek(); token !== undefined; token = this.#peek()) {
      if (token.kind === 'sign' && ')]}'.includes(token.text)) {
        this.#at++;
        return items;
      }
      if (token.kind === 'line') return items;
      const sign = this.#peek(1)?.text;
      if (token.kind === 'name' && sign === ':=') {
        this.#at += 2;
        const value = this.#expression();
        this.#names.set(token.text, value);
        items.push(value);
        continue;
      }
      const isNamed = token.kind === 'name' && sign === '=';
      if (isNamed && !keywords.has(token.text)) {
        this.#at += 2;
        const value = this.#expression();
        if (named === undefined) items.push(value);
        else named.set(token.text, value);
        continue;
      }
      const before = this.#at;
      const value = this.#expression();
      if (this.#at === before) this.#at++;
      else items.push(value);
    }
    return items;
  }

  #called(
    callee: Value,
    args: readonly Value[],
    offset: number,
    named: ReadonlyMap<string, Value>,
  ): void {
    const hidden = callee.kind === 'path' && callee.taints.has('hidden');
    this.#use('called', callee.path, args, offset, named, hidden);
  }

  #use(
    kind: Use['kind'],
    name: string,
    args: readonly Value[],
    offset: number,
    named: ReadonlyMap<string, Value> = new Map(),
    hidden = false,
  ): void {
    const within = this.#functions.current;
    this.#seen.push({ kind, path: name, args, keywords: named, offset, hidden, within });
  }

  #dotted(): string {
    let name = '';
    for (let token = this.#peek(); token !== undefined; token = this.#peek()) {
      if (token.kind !== 'name' && token.text !== '.') break;
      if (token.kind === 'name' && (keywords.has(token.text) || /\w$/.test(name))) break;
      name += token.text;
      this.#at++;
    }
    return name;
  }

  #alias(): string | null {
    const alias = this.#peek(1);
    if (this.#peek()?.text !== 'as' || alias?.kind !== 'name') return null;
    this.#at += 2;
    return alias.text;
  }

  #take(sign: string): boolean {
    const taken = this.#peek()?.text === sign;
    if (taken) this.#at++;
    return taken;
  }

  #peek(ahead = 0): Token | undefined {
    return this.#tokens[this.#at + ahead];
  }
}
