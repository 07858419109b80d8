/** Identities that open sealed files, named on the command line by the files that hold them. */
import { type OpenIdentity, parseIdentities } from '@merlon/vault';
import { readText } from './files.ts';
import type { Arguments } from './usage.ts';

/** The option that names them. */
export const identityOption = {
  type: 'string',
  short: 'i',
  multiple: true,
  help: 'file with age identities, or a private SSH key',
} as const;

/** The identities of every file that is named; none is no fault here. */
export async function keysIn(args: Arguments): Promise<OpenIdentity[]> {
  const identities: OpenIdentity[] = [];
  for (const path of args.texts('identity')) {
    identities.push(...(await parseIdentities(await readText(path, 'the identity file'))));
  }
  return identities;
}
