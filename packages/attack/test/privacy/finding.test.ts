/** A model that tells members from others, held against policy. */
import { describe, expect, it } from 'vitest';
import { type MembershipReport, membershipFindingOf } from '../../src/index.ts';

const share = { value: 0.1, low: 0.05, high: 0.2 } as never;
const report = (auc: number, low: number, high: number): MembershipReport => ({
  ...{ members: 500, nonmembers: 400, auc, aucInterval: [low, high] },
  ...{ tprAtFpr01: 0.1, tprAtFpr001: 0.025, balancedAccuracy: 0.6 },
  ...{ intervals: { tprAtFpr01: share, tprAtFpr001: share } },
  accuracy: { members: 1, nonmembers: 0.9 },
});

describe('a finding of membership', () => {
  it('says what was seen and what policy allows', () => {
    expect(membershipFindingOf(report(0.71, 0.66, 0.76), 'm.onnx', { aucMax: 0.6 })).toMatchObject({
      ...{ rule: 'MRL-PRV-001', severity: 'high', location: { path: 'm.onnx' } },
      evidence:
        'AUC 0.710 (0.660 to 0.760) on 500 members and 400 others, policy 0.60, ' +
        '2.5 % found at 0.1 % false',
      atlas: ['AML.T0024.000'],
    });
  });
  it('is none where chance may have done it, or policy allows it', () => {
    expect(membershipFindingOf(report(0.63, 0.58, 0.68), '', { aucMax: 0.6 })).toBe(null);
    expect(membershipFindingOf(report(0.99, 0.98, 1), '', { aucMax: 1 })).toBe(null);
  });
  it('takes its severity from policy, and refuses what is no area', () => {
    const policy = { aucMax: 0.5, severity: 'medium' } as const;
    expect(membershipFindingOf(report(0.9, 0.8, 1), '', policy)?.severity).toBe('medium');
    for (const aucMax of [0.4, 1.1, Number.NaN]) {
      expect(() => membershipFindingOf(report(0.9, 0.8, 1), '', { aucMax })).toThrow('aucMax');
    }
  });
});
