/**
 * What personal data and secrets look like: a pattern finds candidates, a check tells them from
 * numbers that only look so. Samples are masked: what is found must not be copied by finding it.
 */
import { createHash } from 'node:crypto';

/** Kinds that are looked for. */
export type PersonalKind =
  | 'e-mail'
  | 'phone'
  | 'iban'
  | 'card'
  | 'national-id'
  | 'ip-address'
  | 'token'
  | 'private-key';

interface Kind {
  readonly kind: PersonalKind;
  readonly pattern: RegExp;
  readonly check: (match: string) => boolean;
}

/** Every kind; the first that fits a place wins, so that a card is not told as a phone, too. */
const kinds: readonly Kind[] = [
  {
    kind: 'private-key',
    pattern: /-----BEGIN [A-Z ]*PRIVATE KEY-----|AGE-SECRET-KEY-(PQ-)?1[A-Z0-9]{20,}/g,
    check: () => true,
  },
  {
    kind: 'token',
    // Keys of AWS, GitHub, GitLab, Slack, Stripe, Google, Hugging Face, OpenAI; JSON web tokens.
    pattern: new RegExp(
      [
        '\\b(?:AKIA|ASIA)[0-9A-Z]{16}\\b',
        '\\bgh[pousr]_[A-Za-z0-9]{36,}\\b',
        '\\bglpat-[\\w-]{20,}',
        '\\bxox[abprs]-[\\w-]{10,}',
        '\\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}\\b',
        '\\bAIza[\\w-]{35}\\b',
        '\\bhf_[A-Za-z0-9]{30,}\\b',
        '\\bsk-[A-Za-z0-9_-]{20,}',
        '\\beyJ[\\w-]{8,}\\.eyJ[\\w-]{8,}\\.[\\w-]{8,}',
      ].join('|'),
      'g',
    ),
    check: () => true,
  },
  {
    kind: 'e-mail',
    pattern: /\b[\w.+-]{1,64}@(?:[a-z0-9-]{1,63}\.)+[a-z]{2,24}\b/gi,
    check: () => true,
  },
  {
    kind: 'iban',
    pattern: /\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b/g,
    check: isIban,
  },
  {
    kind: 'national-id',
    pattern: new RegExp(
      [
        '\\b\\d{3}-\\d{2}-\\d{4}\\b', // social security number, United States
        '\\b[12]\\d{14}\\b', // INSEE number, France
        '\\b[XYZ]?\\d{7,8}[A-Z]\\b', // DNI and NIE, Spain
        '\\b[A-Z]{6}\\d{2}[A-EHLMPRST]\\d{2}[A-Z]\\d{3}[A-Z]\\b', // codice fiscale, Italy
        '\\b[1-9]\\d{10}\\b', // tax identification number, Germany
      ].join('|'),
      'g',
    ),
    check: isNationalId,
  },
  { kind: 'card', pattern: /\b\d(?:[ -]?\d){12,18}\b/g, check: isCard },
  {
    kind: 'phone',
    pattern: /(?<![\w.])(?:\+|00)[1-9]\d{0,2}(?:[ ./-]?\(?\d{1,4}\)?){2,5}(?![\w.])/g,
    check: (match) => {
      const digits = match.replace(/\D/g, '').length;
      return digits >= 9 && digits <= 17;
    },
  },
  {
    kind: 'ip-address',
    pattern: /\b(?:\d{1,3}\.){3}\d{1,3}\b/g,
    check: (match) => match.split('.').every((part) => Number(part) <= 255),
  },
];

/** A find: its kind and a mask of it. */
export interface PersonalFind {
  readonly kind: PersonalKind;
  readonly masked: string;
}

/** All that is found in a text. */
export function findPersonal(text: string): PersonalFind[] {
  const found: PersonalFind[] = [];
  let rest = text;
  for (const { kind, pattern, check } of kinds) {
    rest = rest.replace(pattern, (match) => {
      if (!check(match)) return match;
      found.push({ kind, masked: mask(match) });
      return ' ';
    });
  }
  return found;
}

/** First and last character, and a mark by which two equal values are seen to be equal. */
function mask(value: string): string {
  const same = createHash('sha256').update(`merlon mask ${value}`).digest('hex').slice(0, 4);
  return `${value.slice(0, 1)}…${value.slice(-1)} (${value.length} characters, #${same})`;
}

/** ISO 13616: the number with its first four characters last is 1 modulo 97. */
function isIban(text: string): boolean {
  const bare = text.replace(/ /g, '');
  if (bare.length < 15 || bare.length > 34) return false;
  const moved = bare.slice(4) + bare.slice(0, 4);
  let rest = 0;
  for (const character of moved) {
    const value = Number.parseInt(character, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest === 1;
}

/** ISO/IEC 7812: the check digit of Luhn, and a first digit that cards have. */
function isCard(text: string): boolean {
  const digits = text.replace(/\D/g, '');
  if (digits.length < 13 || !/^[2-6]/.test(digits)) return false;
  return luhn(digits) && !/^(\d)\1+$/.test(digits);
}

function luhn(digits: string): boolean {
  const sum = [...digits].reverse().reduce((total, digit, i) => {
    const doubled = Number(digit) * (i % 2 === 1 ? 2 : 1);
    return total + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return sum % 10 === 0;
}

function isNationalId(text: string): boolean {
  if (/^\d{3}-/.test(text)) return !/^(000|666|9)|-00-|-0000$/.test(text);
  if (/^[12]\d{14}$/.test(text)) {
    return 97n - (BigInt(text.slice(0, 13)) % 97n) === BigInt(text.slice(13));
  }
  if (/^[XYZ]?\d{7,8}[A-Z]$/.test(text)) return isDni(text);
  if (/^[A-Z]{6}/.test(text)) return isCodiceFiscale(text);
  return isTaxId(text);
}

/** Spain: the letter is the number modulo 23; foreigners' first letter stands for 0, 1 or 2. */
function isDni(text: string): boolean {
  const number = text.slice(0, -1).replace(/^[XYZ]/, (letter) => String('XYZ'.indexOf(letter)));
  return number.length === 8 && 'TRWAGMYFPDXBNJZSQVHLCKE'[Number(number) % 23] === text.at(-1);
}

/** Italy: odd places count by a table, even ones by themselves, modulo 26. */
function isCodiceFiscale(text: string): boolean {
  const odd = [
    1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25,
  ];
  const table = [...odd, 24, 23];
  const sum = [...text.slice(0, 15)].reduce((total, character, i) => {
    const value = /\d/.test(character) ? Number(character) : character.charCodeAt(0) - 65;
    return total + (i % 2 === 0 ? (table[value] ?? 0) : value);
  }, 0);
  return String.fromCharCode(65 + (sum % 26)) === text.at(-1);
}

/** Germany: ISO 7064, MOD 11,10; of the first ten digits one stands twice or three times. */
function isTaxId(text: string): boolean {
  const counts = [...'0123456789'].map((digit) => text.slice(0, 10).split(digit).length - 1);
  if (Math.max(...counts) > 3 || counts.filter((count) => count > 1).length !== 1) return false;
  let product = 10;
  for (const digit of text.slice(0, 10)) {
    const sum = (Number(digit) + product) % 10;
    product = ((sum === 0 ? 10 : sum) * 2) % 11;
  }
  return (11 - product) % 10 === Number(text[10]);
}
