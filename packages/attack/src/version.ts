/** The version of these attacks: with the same one the same seed gives the same verdict. */

/** As in package.json, which a test compares. */
export const attackVersion = '0.1.0';
