import { describe, expect, it } from 'vitest';
import {
  type Action,
  actions,
  approvalPolicyDefault,
  loadPolicies,
  type Principal,
  unmet,
} from '../src/index.ts';

const decide = loadPolicies();
const version = { id: 'v', workspace: 'w', broughtBy: 'dev' };
const person = (role: string, change: Partial<Principal> = {}): Principal => ({
  kind: 'person',
  id: 'someone',
  workspace: 'w',
  role,
  secondFactor: true,
  scope: '',
  ...change,
});
const everything = Object.keys(actions) as Action[];
const allowedTo = (principal: Principal): string[] =>
  everything.filter((action) => decide(principal, action, version).allowed);

describe('decisions', () => {
  it('every role may do exactly what the table says', () => {
    const reads = ['read', 'ledger.read'];
    const brings = ['artifact.bring', 'job.run', 'job.cancel', 'finding.update'];
    const serves = ['version.serve', 'version.retire'];
    const keys = ['key.create', 'key.revoke'];
    const people = ['person.invite', 'person.disable'];
    const rest = ['incident.manage'];
    const approve = ['version.approve', 'finding.accept'];
    expect(allowedTo(person('auditor'))).toEqual(reads);
    expect(allowedTo(person('developer'))).toEqual([...reads, ...brings]);
    expect(allowedTo(person('operator'))).toEqual([...reads, ...serves, ...keys, ...rest]);
    expect(allowedTo(person('security'))).toEqual(
      [...reads, ...brings, ...approve, ...serves, ...keys, 'person.disable', ...rest].sort(
        byTable,
      ),
    );
    expect(allowedTo(person('owner'))).toEqual(
      [...reads, ...brings, ...approve, ...serves, ...keys, ...people, ...rest].sort(byTable),
    );
    expect(allowedTo(person('nobody'))).toEqual(reads);
  });
  it('nothing is allowed without a second factor, or in another workspace', () => {
    expect(allowedTo(person('owner', { secondFactor: false }))).toEqual([]);
    expect(allowedTo(person('owner', { workspace: 'other' }))).toEqual([]);
    const answer = decide(person('owner', { workspace: 'other' }), 'read', version);
    expect(answer).toEqual({ allowed: false, because: ['own-workspace-only'] });
  });
  it('nobody approves what they brought in, and no key approves at all', () => {
    expect(decide(person('owner', { id: 'dev' }), 'version.approve', version)).toEqual({
      allowed: false,
      because: ['nobody-approves-what-they-brought'],
    });
    const key = person('owner', { kind: 'key', scope: 'platform', secondFactor: false });
    for (const action of ['version.approve', 'finding.accept'] as const) {
      expect(decide(key, action, version).allowed).toBe(false);
      expect(decide(person('owner', { id: 'dev' }), action, version).allowed).toBe(false);
    }
    expect(decide(key, 'job.run', version).allowed).toBe(true);
  });
  it('an inference key infers and does nothing else, whatever its role', () => {
    const key = person('owner', { kind: 'key', scope: 'inference', secondFactor: false });
    expect(allowedTo(key)).toEqual(['infer']);
  });
  it('refuses text that is not Cedar', () => {
    expect(() => loadPolicies({ a: 'permit everyone' })).toThrow(
      expect.objectContaining({ code: 'bad-policy' }),
    );
  });
  it('a policy that errs refuses', () => {
    const erring = loadPolicies({
      all: 'permit(principal, action, resource);',
      errs: 'forbid(principal, action, resource) when { principal.missing == 1 };',
    });
    expect(erring(person('owner'), 'read', version)).toEqual({ allowed: false, because: ['errs'] });
  });
});

describe('approval policy', () => {
  const evidence = {
    stepsDone: ['intake', 'scan', 'seal', 'assess'],
    broughtBy: 'dev',
    approvers: ['sec'],
    cleanAccuracy: 0.98,
    robustAccuracy: 0.8,
    seriousFindings: 0,
  };
  it('holds when everything holds', () => {
    expect(unmet(approvalPolicyDefault, evidence)).toEqual([]);
  });
  it('tells every fault at once, and absent evidence is a no', () => {
    const policy = { ...approvalPolicyDefault, robustAccuracyMin: 0.7, approvals: 2 };
    const poor = {
      stepsDone: ['intake'],
      broughtBy: 'dev',
      approvers: ['dev', 'sec', 'sec'],
      cleanAccuracy: null,
      robustAccuracy: Number.NaN,
      seriousFindings: 2,
    };
    expect(unmet(policy, poor)).toEqual([
      'step "scan" is not done',
      'step "seal" is not done',
      'step "assess" is not done',
      'clean accuracy expected ≥ 0.5, got none: it was not measured',
      'robust accuracy expected ≥ 0.7, got NaN',
      'open serious findings expected at most 0, got 2',
      'approvals expected 2, got 1',
    ]);
    expect(unmet(policy, poor, { ignoreApprovals: true })).toHaveLength(6);
  });
});

function byTable(a: string, b: string): number {
  return everything.indexOf(a as Action) - everything.indexOf(b as Action);
}
