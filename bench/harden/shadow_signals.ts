/**
 * Signals of a small model that has learnt its rows by heart, and of its shadows, as JSON for
 * bench/harden/shadow_reference.py, which scores them in NumPy and SciPy:
 * node --conditions=source bench/harden/shadow_signals.ts > signals.json
 */
import { signalsOfLearnt } from '../../packages/harden/test/shadow/learnt.ts';

const { table, roles } = await signalsOfLearnt({ models: 16, trained: true });
const logits = table.logits.map((own) => [...own]);
const inside = table.inside.map((own) => [...own]);
process.stdout.write(JSON.stringify({ observed: [...table.observed], logits, inside, ...roles }));
