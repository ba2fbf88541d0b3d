/** The version of this program. A test holds it to package.json: a bundle has no package.json beside it. */
export const VERSION = '0.1.0';
