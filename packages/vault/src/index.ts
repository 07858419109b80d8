/** The public surface of @merlon/vault: bytes → bytes, no database and no files. */

export { armor } from './age/armor.ts';
export {
  type ChunkPlace,
  chunkBytes,
  openChunk,
  sealChunk,
  sealedChunkBytes,
} from './age/chunk.ts';
export {
  formatIdentity,
  generateIdentity,
  type IdentityPair,
  isRecipient,
  type OpenIdentity,
  parseIdentities,
  recipientOf,
  type SealRecipient,
} from './age/identity.ts';
// Sealed files (age v1)
export { type OpenOptions, open, type PayloadOptions } from './age/open.ts';
export { passphraseIdentity, passphraseRecipient } from './age/passphrase.ts';
export { findPayload, openRandomAccess, type Payload } from './age/random-access.ts';
export { headerFor, rotate } from './age/rotate.ts';
export {
  type SealedStart,
  type SealOptions,
  seal,
  sealedPayloadBytes,
  startSealing,
} from './age/seal.ts';
export { type OpenFault, openFaultOf, VaultError, type VaultErrorCode } from './error.ts';
// Keys
export { formatKeyFile, keyFileProvider, parseKeyFile } from './keys/key-file.ts';
export {
  newPassphraseParameters,
  type PassphraseParameters,
  type PassphraseWork,
  parsePassphraseParameters,
  passphraseProvider,
  passphraseWorkDefault,
  stretchPassphrase,
} from './keys/passphrase.ts';
export {
  deriveKey,
  type KeyWrapper,
  localProvider,
  newRootKey,
  type RootKeyProvider,
  rootKeyBytes,
  unwrapKey,
  wrapKey,
} from './keys/root.ts';
export { joinShares, splitSecret } from './keys/shares.ts';
export {
  type Checkpoint,
  type OpenedCheckpoint,
  openCheckpoint,
  signCheckpoint,
} from './log/checkpoint.ts';
// Transparency log (RFC 6962, C2SP)
export {
  type Cosignature,
  cosignCheckpoint,
  readCosignatures,
  witnessKeyOf,
} from './log/cosign.ts';
export {
  generateNoteKey,
  type NoteKeyPair,
  type OpenedNote,
  openNote,
  signNote,
  verifierKeyOf,
} from './log/note.ts';
export { checkProof, formatProof, parseProof, type RecordProof } from './log/proof.ts';
export {
  entryBundle,
  newTiles,
  parseTilePath,
  readEntryBundle,
  splitStoredHashIndex,
  type Tile,
  tileData,
  tilePath,
  tileReader,
  tileWidth,
} from './log/tile.ts';
export {
  checkRecord,
  checkTree,
  type HashReader,
  hashBytes,
  nodeHash,
  proveRecord,
  proveTree,
  recordHash,
  storedHashCount,
  storedHashes,
  storedHashIndex,
  treeHash,
} from './log/tree.ts';
// Signatures (OpenSSF Model Signing 1.0)
export {
  type Attestation,
  openAttestation,
  type Provenance,
  provenanceStatement,
  type Subject,
  signAttestation,
  type TestResult,
  testResultStatement,
} from './sign/attestation.ts';
export {
  type BundleVerdict,
  bundleHashing,
  type SignOptions,
  signManifest,
  type VerifyError,
  type VerifyFault,
  type VerifyOptions,
  verifyBundle,
} from './sign/bundle.ts';
export { certificatesOf } from './sign/certificate.ts';
export type { EnvelopeError, Trust } from './sign/dsse.ts';
export { type FileDigest, startFileDigest } from './sign/hash.ts';
export { type Curve, generateSigningKey, publicKeyOf, type SigningKeyPair } from './sign/key.ts';
export {
  type Hashing,
  ignorePathsDefault,
  inSpecificationOrder,
  rootDigest,
  type SignedFile,
} from './sign/manifest.ts';
export { certificateSigner, certified, keySigner, type Signer } from './sign/signer.ts';
