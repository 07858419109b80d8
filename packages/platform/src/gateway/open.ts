/** Joins the parts of the gateway. */
import { join } from 'node:path';
import type { Home } from '../home.ts';
import type { ServeEvent } from '../model.ts';
import type { FedWatch } from '../monitor/watch.ts';
import type { Platform } from '../platform.ts';
import { openBudgets } from './budgets.ts';
import { eventLog } from './event-log.ts';
import type { Figures } from './figures.ts';
import type { Front } from './front.ts';
import type { Recall } from './recall.ts';
import { openSpool } from './spool.ts';
import { gatewayFront } from './v2.ts';

/** What the gateway needs besides the platform. */
export interface GatewayOptions {
  /** Keeps events that the store cannot take. */
  readonly home: Pick<Home, 'folder' | 'rootKey'>;
  readonly watch: FedWatch;
  readonly known: Recall;
  readonly figures: Figures;
  readonly onFault: (error: unknown) => void;
}

/**
 * The way in to what is served; every answer is stored, and shown to the detectors. Events that an
 * earlier run could not store are stored first.
 */
export async function openGateway(platform: Platform, options: GatewayOptions): Promise<Front> {
  const { home, watch, known, figures, onFault } = options;
  const { store, clock } = platform.services;
  const spool = openSpool(join(home.folder, 'spool'), await home.rootKey.derive('spool'));
  const events = eventLog({ store, spool, onFault });
  await events.replay();
  const record = async (event: ServeEvent): Promise<void> => {
    await events.add(event);
    watch.feed(event);
  };
  const budgets = openBudgets(store, clock);
  return gatewayFront(platform, { record, recall: known, budgets, figures, onFault });
}
