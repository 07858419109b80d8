/** Errors of the exchange engine. */
import { MerlonError } from '@merlon/core';

/** Codes of exchange errors. */
export type ExchangeErrorCode = 'bad-report';

/** What was to be shared cannot be told in the standard's terms. */
export class ExchangeError extends MerlonError<ExchangeErrorCode> {}
