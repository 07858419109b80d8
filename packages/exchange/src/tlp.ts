/**
 * Traffic Light Protocol 2.0 in STIX 2.1: the marking definitions that FIRST and OASIS publish, by
 * extension, with their fixed identifiers.
 */

/** From the most to the least public. */
export const tlpLevels = ['clear', 'green', 'amber', 'amber+strict', 'red'] as const;

/** One level. */
export type Tlp = (typeof tlpLevels)[number];

const extensionId = 'extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d';

const markingIds: Readonly<Record<Tlp, string>> = {
  clear: 'marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487',
  green: 'marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb',
  amber: 'marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421',
  'amber+strict': 'marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003',
  red: 'marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1',
};

/** A marking definition object. */
export interface TlpMarking {
  readonly type: 'marking-definition';
  readonly spec_version: '2.1';
  readonly id: string;
  readonly created: string;
  readonly name: string;
  readonly extensions: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** The marking definition of a level. */
export function tlpMarking(level: Tlp): TlpMarking {
  return {
    type: 'marking-definition',
    spec_version: '2.1',
    id: markingIds[level],
    created: '2022-10-01T00:00:00.000Z',
    name: `TLP:${level.toUpperCase()}`,
    extensions: { [extensionId]: { extension_type: 'property-extension', tlp_2_0: level } },
  };
}

/** True for the name of a level. */
export function isTlp(text: string): text is Tlp {
  return (tlpLevels as readonly string[]).includes(text);
}
