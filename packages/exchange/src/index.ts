/** The public surface of @merlon/exchange. */
export { ExchangeError, type ExchangeErrorCode } from './error.ts';
export {
  type IncidentReport,
  incidentBundle,
  type StixBundle,
  stixId,
  uuidv5,
} from './incident.ts';
export { isTlp, type Tlp, type TlpMarking, tlpLevels, tlpMarking } from './tlp.ts';
