/** Joins everything: the only file that names adapters. */
import { loadPolicies } from '@merlon/access';
import { base64, type Clock, isoTime, systemClock, uuidv7 } from '@merlon/core';
import { openAudits } from './audit/audit.ts';
import type { BackupParts } from './backup/backup.ts';
import type { BlobStore, Replica } from './blob/blob.ts';
import { collectGarbage } from './blob/care.ts';
import { fileReplica, openFileBlobs } from './blob/file.ts';
import { openS3Blobs, openS3Replica, readS3Url } from './blob/s3.ts';
import { localBus } from './bus/local.ts';
import { startWorker } from './confine/worker.ts';
import { openContainment } from './containment.ts';
import { type Control, takeControl } from './control.ts';
import { PlatformError } from './errors.ts';
import { type Figures, openFigures } from './gateway/figures.ts';
import type { GrpcDoors } from './gateway/grpc.ts';
import { inferLane } from './gateway/lane.ts';
import { openGateway } from './gateway/open.ts';
import { recall } from './gateway/recall.ts';
import { type Home, openHome } from './home.ts';
import { createApp } from './http/app.ts';
import { type Doors, type ListenOptions, openDoors } from './http/listen.ts';
import { createInvite } from './http/routes/people.ts';
import { consoleFolder, merlonVersion } from './installation.ts';
import { type JobRunner, jobRunner } from './jobs/runner.ts';
import { jobSteps, nextStep } from './journey.ts';
import { openKeyed, rekeyDatabase } from './keys/database-key.ts';
import { openKeyring } from './keys/keyring.ts';
import { refusalsTo } from './keys/refused.ts';
import type { RootKeySecrets } from './keys/root-keys.ts';
import { clockFault } from './ledger/clock.ts';
import { openLedger } from './ledger/ledger.ts';
import { type Alert, roles } from './model.ts';
import { openWatch } from './monitor/watch.ts';
import type { Channel } from './notify/notice.ts';
import { openOutbox } from './notify/outbox.ts';
import { openIdentity } from './people/identity.ts';
import type { People } from './people/people.ts';
import type { Platform, Settings } from './platform.ts';
import type { Containment } from './respond/playbook.ts';
import { respondTo } from './respond/respond.ts';
import { openHost } from './serve/host.ts';
import { resumeServing } from './serve/serve.ts';
import type { Services } from './services.ts';
import { noticedStore } from './store/noticed.ts';
import type { OpenDatabase } from './store/open.ts';
import { openPostgres } from './store/postgres.ts';
import { openSqlite, snapshotSqlite } from './store/sqlite.ts';
import type { Store } from './store/store.ts';
import { type TourLine, type TourResult, takeTour, tourTaken } from './tour/tour.ts';

/** How to start. */
export interface StartOptions {
  readonly home: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly address?: string;
  readonly behindProxy?: boolean;
  readonly passphrase?: string;
  /** Secrets of the root key's provider. */
  readonly secrets?: RootKeySecrets;
  /** Where a new home keeps its root key: `key-file`, `passphrase`, `pkcs11:…`, … */
  readonly newRootKey?: string;
  /** `postgres://…` instead of the embedded database. */
  readonly databaseUrl?: string;
  readonly webhook?: string;
  /** Further ways in which incidents are told. */
  readonly channels?: readonly Channel[];
  /** `s3://BUCKET/PREFIX` instead of files for the sealed objects. */
  readonly objectsUrl?: string;
  /** A copy of the sealed objects that damaged ones are fetched from: a folder or `s3://…`. */
  readonly replicaUrl?: string;
  /** Verifier keys of witnesses whose cosignatures are kept. */
  readonly witnessKeys?: readonly string[];
  /** Port of the inference protocol over gRPC; without it there is none. */
  readonly grpcPort?: number;
  /** Limits on sign-in attempts (default true); off only in tests. */
  readonly rateLimit?: boolean;
  /** What time it is (default: the system's). */
  readonly clock?: Clock;
  /** Told about faults of our own; they never reach a remote caller. */
  readonly onFault: (error: unknown) => void;
}

/** A running platform. */
export interface Running {
  readonly platform: Platform;
  readonly home: Home;
  readonly origin: string;
  /** Where gRPC answers; null when there is none. */
  readonly grpcPort: number | null;
  /** Link for the first owner; null when there is one. */
  readonly ownerLink: string | null;
  /** Jobs of an interrupted run that were taken up again. */
  readonly jobsResumed: number;
  /** True when the tour was taken to its end. */
  tourTaken(): Promise<boolean>;
  tour(onLine: (line: TourLine) => void): Promise<TourResult>;
  close(): Promise<void>;
}

const jobsAtOnce = 2;

/** Starts the platform in a home; whatever cannot be had is told in one sentence. */
export async function start(options: StartOptions): Promise<Running> {
  const home = await openHome(options.home, {
    ...options.secrets,
    ...(options.passphrase === undefined ? {} : { passphrase: options.passphrase }),
    ...(options.newRootKey === undefined ? {} : { newRootKey: options.newRootKey }),
  });
  const control = await takeControl(home.folder);
  let doors: Doors | null = null;
  let grpc: GrpcDoors | null = null;
  try {
    const where = {
      ...(options.address === undefined ? {} : { address: options.address }),
      ...(options.behindProxy === undefined ? {} : { behindProxy: options.behindProxy }),
    };
    doors = await openDoors({ port: options.port, ...where });
    grpc = await grpcDoors(options.grpcPort, where);
    return await joinParts(options, { home, control, doors, grpc });
  } catch (error) {
    grpc?.close();
    await doors?.close();
    await control.close();
    throw error;
  }
}

interface Taken {
  readonly home: Home;
  readonly control: Control;
  readonly doors: Doors;
  readonly grpc: GrpcDoors | null;
}

/** Loaded when it is asked for, so that nobody else waits for its libraries. */
async function grpcDoors(
  port: number | undefined,
  where: Omit<ListenOptions, 'port'>,
): Promise<GrpcDoors | null> {
  if (port === undefined) return null;
  const { openGrpc } = await import('./gateway/grpc.ts');
  return openGrpc({ port, ...where });
}

async function joinParts(options: StartOptions, taken: Taken): Promise<Running> {
  const { home, control, doors, grpc } = taken;
  const { onFault } = options;
  const { database, store, known } = await openNoticed(options, home);
  const services = await openServices(home, store, options);
  const settings = settingsOf(doors.port);
  const host = openHost(services, onFault);
  const webhook = { address: options.webhook ?? null };
  const containment = openContainment(services, host, webhook);
  const figures = openFigures();
  const respond = responder(services, containment, figures);
  const watch = openWatch(services, respond, onFault);
  const runner = makeRunner(services, options);
  const people = await openPeople(home, database, { ...options, origin: settings.origin });
  const workspaceId = await ensureWorkspace(services);
  const { begin, ...audits } = openAudits({
    ...{ services, runner, workspaceId, replica: await openReplica(options), onFault },
    raise: (alert) => respond(alert, Date.parse(alert.at)),
  });
  const platform: Platform = {
    services,
    ...audits,
    settings,
    people,
    decide: loadPolicies(),
    runner,
    host,
    watch,
    containment,
    webhook,
    workspaceId,
    rekeyDatabase: () => rekeyHome(home, database),
  };
  const front = await openGateway(platform, { home, watch, known, figures, onFault });
  const hosts = hostsOf(options, doors.port);
  const app = createApp(platform, { front, figures, onFault, hosts });
  // Nothing is being uploaded yet, so whatever no row names was left by an interrupted write.
  await collectGarbage(services, options.objectsUrl === undefined ? 0 : sharedRetentionMs);
  await resumeServing(platform, onFault);
  const jobsResumed = await runner.start();
  services.outbox.start();
  const auditing = await begin();
  doors.serve((request) => app.fetch(request), inferLane(front, hosts));
  grpc?.serve(front);
  const running: Running = {
    platform,
    home,
    origin: settings.origin,
    grpcPort: grpc?.port ?? null,
    ownerLink: await ownerLink(platform),
    jobsResumed,
    tourTaken: () => tourTaken(store),
    tour: (onLine) => takeTour(platform, onLine),
    close: async () => {
      grpc?.close();
      await doors.close();
      await auditing.stop();
      await runner.stop();
      await auditing.settle();
      await watch.settle();
      await services.outbox.stop();
      await host.closeAll();
      await control.close();
      await store.close();
      home.rootKey.close();
    },
  };
  serveControl(control, running);
  return running;
}

/** Answers alerts, and counts them. */
function responder(services: Services, containment: Containment, figures: Figures) {
  return async (alert: Alert, sinceMs: number): Promise<void> => {
    figures.detected(alert.detector);
    await respondTo(services, containment, { alert, sinceMs });
  };
}

/** The database, and what the gateway recalls of it until it changes. */
async function openNoticed(options: StartOptions, home: Home) {
  const database = await openDatabase(options, home);
  const known = recall(database.store);
  return { database, known, store: noticedStore(database.store, known.forget) };
}

async function openPeople(
  { rootKey }: Home,
  { db, dialect, store }: OpenDatabase,
  { origin, rateLimit = true }: { readonly origin: string } & Pick<StartOptions, 'rateLimit'>,
): Promise<People> {
  const secret = base64(await rootKey.derive('auth'));
  return openIdentity({ db, dialect, store, secret, origin, rateLimit });
}

async function openServices(home: Home, store: Store, options: StartOptions): Promise<Services> {
  const { clock = systemClock, witnessKeys = [] } = options;
  const { rootKey } = home;
  const blobs = await openBlobs(home, options);
  const ledger = await openLedger({ store, rootKey, clock, witnessKeys });
  const onRefused = refusalsTo(ledger, store);
  const keys = openKeyring({ rootKey, store, blobs, clock, onRefused });
  const bus = localBus();
  const { channels = [], onFault } = options;
  const outbox = openOutbox({ store, clock, bus, channels, onFault });
  const services = { store, blobs, keys, ledger, bus, outbox, clock, startWorker };
  await lookAtClock(services, onFault);
  return services;
}

async function lookAtClock(
  { store, clock }: Services,
  onFault: (error: unknown) => void,
): Promise<void> {
  const behind = await clockFault(store, clock.nowMs());
  if (behind === null) return;
  const hint = 'set the clock of this machine: one-time codes, sessions and retention trust it';
  onFault(new PlatformError('unavailable', behind, { hint }));
}

/** A bucket may be shared with a process that is writing right now. */
const sharedRetentionMs = 24 * 3_600_000;

function openBlobs(home: Home, { objectsUrl }: StartOptions): Promise<BlobStore> {
  return objectsUrl === undefined
    ? openFileBlobs(home.blobFolder)
    : openS3Blobs(readS3Url(objectsUrl));
}

async function openReplica({ replicaUrl }: StartOptions): Promise<Replica | null> {
  if (replicaUrl === undefined) return null;
  return replicaUrl.startsWith('s3://')
    ? openS3Replica(readS3Url(replicaUrl))
    : fileReplica(replicaUrl);
}

async function openDatabase(options: StartOptions, home: Home): Promise<OpenDatabase> {
  if (options.databaseUrl !== undefined) {
    const columnKey = await home.rootKey.derive('columns');
    return openPostgres(options.databaseUrl, { columnKey, onLost: options.onFault });
  }
  return openKeyed(home.folder, home.rootKey, async (key) => rekeyable(home, key));
}

async function rekeyable(home: Home, key: Uint8Array) {
  const database = await openSqlite(home.databasePath, key);
  const { rekey } = database;
  if (rekey === null) throw new PlatformError('internal', 'the embedded database has no key');
  return { ...database, rekey };
}

async function rekeyHome(home: Home, { rekey }: OpenDatabase): Promise<number> {
  if (rekey === null) {
    throw new PlatformError('bad-request', 'the database of this home is a server', {
      hint: 'its storage is encrypted by whoever runs it',
    });
  }
  return rekeyDatabase(home.folder, home.rootKey, { rekey });
}

/** What backups work with, for the command line. */
export const backupParts: BackupParts = {
  snapshot: snapshotSqlite,
  openStore: async (path, key) => (await openSqlite(path, key)).store,
  openBlobs: openFileBlobs,
};

function settingsOf(port: number): Settings {
  return {
    port,
    origin: `http://localhost:${port}`,
    consoleFolder: consoleFolder(),
    version: merlonVersion,
  };
}

function makeRunner(services: Services, options: StartOptions): JobRunner {
  return jobRunner({
    services,
    steps: jobSteps(),
    next: nextStep,
    concurrency: jobsAtOnce,
    onFault: options.onFault,
  });
}

/** Names that this machine is called by; behind a proxy any. */
function hostsOf({ behindProxy }: StartOptions, port: number): ReadonlySet<string> | null {
  if (behindProxy === true) return null;
  return new Set(['localhost', '127.0.0.1', '[::1]'].map((name) => `${name}:${port}`));
}

async function ensureWorkspace({ store, clock }: Services): Promise<string> {
  const [first] = await store.workspaces();
  if (first !== undefined) return first.id;
  const id = uuidv7(clock);
  await store.addWorkspace({ id, name: 'main', createdAt: isoTime(clock.nowMs()) });
  return id;
}

async function ownerLink(platform: Platform): Promise<string | null> {
  const members = await platform.services.store.members(platform.workspaceId);
  if (members.some((member) => member.role === 'owner')) return null;
  return (await createInvite(platform, { createdBy: 'platform', role: 'owner' })).link;
}

function serveControl(control: Control, running: Running): void {
  const { platform } = running;
  control.serve({
    status: () => ({ origin: running.origin, version: merlonVersion }),
    tour: (onLine) => running.tour(onLine),
    invite: async (text) => {
      const role = roles.find((each) => each === text);
      if (role === undefined) {
        const expected = `expected one of ${roles.join(', ')}`;
        throw new PlatformError('bad-request', `"role" ${expected}, got "${text}"`);
      }
      return { link: (await createInvite(platform, { createdBy: 'platform', role })).link };
    },
  });
}
