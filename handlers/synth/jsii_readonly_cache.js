// Preloaded into Node (NODE_OPTIONS): lets jsii use a package cache that is baked into the image. The only thing that it writes there
// is the time at which a package was last used, which a read-only file system refuses, and which nobody here needs.
const fs = require('fs');
const refused = new Set(['EROFS', 'EACCES', 'EPERM']);
for (const name of ['lutimesSync', 'utimesSync']) {
  const touch = fs[name];
  fs[name] = (...given) => {
    try {
      return touch.apply(fs, given);
    } catch (error) {
      if (!refused.has(error.code)) throw error;
    }
  };
}
