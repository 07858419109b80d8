import { describe, expect, it } from 'vitest';
import { loadPolicies } from '../../access/src/index.ts';
import { offered, roles } from '../src/api/roles.ts';

const decide = loadPolicies();
const rows = Object.entries(offered).flatMap(([action, allowed]) =>
  roles.map((role) => ({ action: action as keyof typeof offered, role, allowed })),
);

describe('what the console offers', () => {
  it.each(rows)('is what the policies permit: $role, $action', ({ action, role, allowed }) => {
    const person = {
      kind: 'person' as const,
      id: 'ada',
      workspace: 'main',
      role,
      secondFactor: true,
      scope: '',
    };
    const resource = { id: 'thing', workspace: 'main', broughtBy: 'grace' };
    const { allowed: permitted } = decide(person, action, resource);
    expect((allowed as readonly string[]).includes(role)).toBe(permitted);
  });
});
