/** Limits of an audit: whatever the file, time and memory stay within them. */

/** How much an audit of one file may spend before it answers `incomplete`. */
export interface ScanLimits {
  /** Clear bytes that may come out of all compressed members together. */
  readonly inflatedBytesMax: number;
  /** Members of all archives together. */
  readonly membersMax: number;
  /** Archives within archives. */
  readonly depthMax: number;
  /** Pickle opcodes of all streams together. */
  readonly opcodesMax: number;
  /** Estimated bytes that one pickle machine may keep. */
  readonly retainedBytesMax: number;
  /** Time that an audit may take, where a clock is given. */
  readonly timeMsMax: number;
  /** Findings that are told; more are only counted. */
  readonly findingsMax: number;
  /** Texts (JSON, templates) that are parsed as a whole. */
  readonly textBytesMax: number;
}

/** Bounds that ordinary models never meet; a pickle of a million records took 6 s and 0.5 GB. */
export const scanLimitsDefault: ScanLimits = {
  inflatedBytesMax: 2 ** 31,
  membersMax: 20_000,
  depthMax: 8,
  opcodesMax: 50_000_000,
  retainedBytesMax: 2 ** 23,
  timeMsMax: 120_000,
  findingsMax: 200,
  textBytesMax: 2 ** 26,
};
