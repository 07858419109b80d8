/**
 * 7z archives (7-Zip, "7zFormat.txt"): a header at the end, itself packed as a rule, and folders of
 * members that are packed together. Members are audited one by one, as far as their coder is known.
 */
import { type ByteSource, memorySource, windowOf } from '@merlon/core';
import { giveUp, memberName, type Place, tell, tooDeep } from '../audit.ts';
import { nameFault } from '../zip/compare.ts';
import { unfilterDelta } from './delta.ts';
import { BadStream, Feed } from './feed.ts';
import { inflate, type Unpacker, unpackerOf } from './inflate.ts';
import { lzma2Stream, lzmaStream, settingsOf } from './lzma.ts';
import { type Coder, type Folder, type Listing, readListing } from './sevenzip-header.ts';
import { unfilterX86 } from './x86.ts';
import { dictionaryBytesOf } from './xz.ts';

const signatureBytes = 32;
const headerBytesMax = 1 << 26;
const linkAttribute = 0xa000;
const x86Filters = new Set(['04', '03030103']);
const deltaFilter = '03';
/** Filters that move few bytes; of those for programs, only the one for x86 is undone. */
const filterNames: Readonly<Record<string, string>> = {
  '03': 'Delta',
  '04': 'x86',
  '05': 'PowerPC',
  '06': 'IA-64',
  '07': 'ARM',
  '08': 'ARM Thumb',
  '09': 'SPARC',
  '0a': 'ARM64',
  '0b': 'RISC-V',
  '03030103': 'x86',
  '03030205': 'PowerPC',
  '03030401': 'IA-64',
  '03030501': 'ARM',
  '03030701': 'ARM Thumb',
  '03030805': 'SPARC',
};
/** Coders that no reader here knows, by the names people give them. */
const coderNames: Readonly<Record<string, string>> = {
  '030401': 'PPMd',
  '0303011b': 'BCJ2',
  '040109': 'Deflate64',
  '04f71102': 'Brotli',
  '04f71105': 'LZ5',
  '04f71106': 'Lizard',
};

/** Audits every member. */
export async function scanSevenZip(place: Place): Promise<void> {
  try {
    const listing = await readHeaders(place);
    if (listing !== null) await scanFolders(place, listing);
  } catch (thrown) {
    if (!(thrown instanceof BadStream)) throw thrown;
    giveUp(place, `the archive breaks: ${thrown.message}`);
  }
}

async function readHeaders(place: Place): Promise<Listing | null> {
  const { source } = place;
  const feed = new Feed(source, 12);
  const offset = await number64(feed);
  const bytes = await number64(feed);
  if (offset + bytes + signatureBytes > source.size) throw new BadStream('the header lies outside');
  if (offset + bytes + signatureBytes < source.size) {
    const at = offset + bytes + signatureBytes;
    tell(place, 'MRL-ARC-007', { evidence: `${source.size - at} bytes`, offset: at });
  }
  if (bytes > headerBytesMax) throw new BadStream('the header is too long');
  let header = await source.read(signatureBytes + offset, bytes);
  for (let round = 0; round < 4; round++) {
    const listing = readListing(header);
    if (!listing.packedHeader) return listing;
    const [folder] = listing.folders;
    if (folder === undefined) return null;
    const { clear, problem } = await unpackFolder(place, listing, 0);
    if (clear === null || clear.size === 0 || clear.size > headerBytesMax) {
      giveUp(place, `the list of members cannot be read: ${problem ?? 'empty'}`);
      if (folder.coders.some(isEncryption))
        tell(place, 'MRL-ARC-006', { evidence: 'the list of members' });
      return null;
    }
    header = await clear.read(0, clear.size);
  }
  return null;
}

async function scanFolders(place: Place, listing: Listing): Promise<void> {
  const { audit } = place;
  for (const member of listing.members) {
    const fault = nameFault(member.name);
    if (fault !== null) tell(place, 'MRL-ARC-004', { evidence: `${member.name} ${fault}` });
    if (((member.attributes >>> 16) & 0xf000) === linkAttribute) {
      tell(place, 'MRL-ARC-008', { evidence: member.name });
    }
  }
  const filled = listing.members.filter((member) => !member.empty);
  let next = 0;
  for (const [index, folder] of listing.folders.entries()) {
    const sizes = listing.memberSizes[index] ?? [];
    const names = filled.slice(next, next + sizes.length).map((member) => member.name);
    next += sizes.length;
    if (folder.coders.some(isEncryption)) {
      tell(place, 'MRL-ARC-006', { evidence: names[0] ?? 'a member' });
      giveUp(place, 'encrypted');
      continue;
    }
    const { clear, problem } = await unpackFolder(place, listing, index);
    if (problem !== null) giveUp(place, problem);
    let at = 0;
    for (const [i, size] of sizes.entries()) {
      if (++audit.members > audit.limits.membersMax) {
        giveUp(place, 'too many members');
        return;
      }
      const have = Math.min(size, (clear?.size ?? 0) - at);
      if (clear !== null && have > 0) await scanMember(place, windowOf(clear, at, have), names[i]);
      if (have < size && problem === null) giveUp(place, `${names[i] ?? 'a member'} ends early`);
      at += size;
    }
  }
}

async function scanMember(place: Place, source: ByteSource, name = 'member'): Promise<void> {
  const depth = place.depth + 1;
  if (depth > place.audit.limits.depthMax) {
    tooDeep(place);
    return;
  }
  await place.descend({ ...place, source, member: memberName(place, name), origin: 0, depth });
}

/** The clear bytes of a folder, and what stands in the way of them. */
async function unpackFolder(
  place: Place,
  listing: Listing,
  index: number,
): Promise<{ readonly clear: ByteSource | null; readonly problem: string | null }> {
  const folder = listing.folders[index];
  const first = listing.firstStreams[index] ?? 0;
  const stream = listing.streams[first];
  if (folder === undefined || stream === undefined) throw new BadStream('a folder has no stream');
  const start = signatureBytes + stream.offset;
  if (start + stream.bytes > place.source.size) throw new BadStream('a stream lies outside');
  const packed = windowOf(place.source, start, stream.bytes);
  const main = mainCoder(folder);
  if (main === null) {
    const names = folder.coders.map(({ id }) => coderNames[id] ?? `coder ${id}`).join(' and ');
    return { clear: null, problem: `members packed with ${names} cannot be unpacked` };
  }
  const size = folder.sizes[main.index] ?? 0;
  const decoder = coderStream(main.coder, size);
  const filters = folder.coders.filter((coder) => coder !== main.coder);
  const left = filters.filter((coder) => !x86Filters.has(coder.id) && coder.id !== deltaFilter);
  const unpacker: Unpacker = (from) =>
    left.length > 0 ? decoder(from) : filters.reduceRight(unfilter, decoder(from));
  const { source, broken } = await inflate(place, packed, unpacker);
  const names = left.map(({ id }) => filterNames[id] ?? id).join(' and ');
  const unfiltered = left.length === 0 ? null : `the filter ${names} of 7z is not undone`;
  const problem = broken === null ? unfiltered : `unpacking failed: ${broken}`;
  return { clear: source.size === 0 ? memorySource(new Uint8Array(0)) : source, problem };
}

/** Undoes one filter on what comes out of the coder behind it. */
function unfilter(stream: ReturnType<Unpacker>, { id, properties }: Coder) {
  return id === deltaFilter ? unfilterDelta(stream, (properties[0] ?? 0) + 1) : unfilterX86(stream);
}

/** The one coder that packs; filters for programs stand beside it and move few bytes. */
function mainCoder(folder: Folder): { coder: Coder; index: number } | null {
  const rest = [...folder.coders.entries()].filter(([, coder]) => !(coder.id in filterNames));
  const [only] = rest;
  if (rest.length !== 1 || only === undefined)
    return rest.length === 0
      ? { coder: { id: '00', properties: new Uint8Array(0) }, index: 0 }
      : null;
  const known = /^(00|21|030101|040108|040202|04f71101|04f71104)$/.test(only[1].id);
  return known ? { coder: only[1], index: only[0] } : null;
}

function coderStream({ id, properties }: Coder, size: number): Unpacker {
  switch (id) {
    case '21':
      return (packed) => lzma2Stream(new Feed(packed), dictionaryBytesOf(properties[0] ?? 0));
    case '030101': {
      const view = new DataView(properties.buffer, properties.byteOffset, properties.length);
      if (view.byteLength < 5) throw new BadStream('a coder has no properties');
      const settings = settingsOf(view.getUint8(0), view.getUint32(1, true));
      return (packed) => lzmaStream(new Feed(packed), settings, size);
    }
    case '040108':
      return unpackerOf('deflate');
    case '040202':
      return unpackerOf('bzip2');
    case '04f71101':
      return unpackerOf('zstd');
    case '04f71104':
      return unpackerOf('lz4');
    default:
      return unpackerOf('copy');
  }
}

function isEncryption(coder: Coder): boolean {
  return coder.id === '06f10701';
}

async function number64(feed: Feed): Promise<number> {
  const low = await feed.number(4);
  return (await feed.number(4)) * 2 ** 32 + low;
}
