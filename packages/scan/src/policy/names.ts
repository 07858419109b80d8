/**
 * One spelling for names that Python knows by several: the renamings that unpicklers apply to
 * protocols 0 to 2 (CPython, Lib/_compat_pickle.py) and aliases inside the standard library.
 */

const modules: Readonly<Record<string, string>> = {
  __builtin__: 'builtins',
  copy_reg: 'copyreg',
  Queue: 'queue',
  SocketServer: 'socketserver',
  ConfigParser: 'configparser',
  repr: 'reprlib',
  commands: 'subprocess',
  whichdb: 'dbm',
  anydbm: 'dbm',
  dbhash: 'dbm.bsd',
  dumbdbm: 'dbm.dumb',
  UserDict: 'collections',
  UserList: 'collections',
  UserString: 'collections',
  cPickle: 'pickle',
  _pickle: 'pickle',
  cProfile: 'cProfile',
  httplib: 'http.client',
  BaseHTTPServer: 'http.server',
  SimpleHTTPServer: 'http.server',
  CGIHTTPServer: 'http.server',
  urllib2: 'urllib.request',
  urlparse: 'urllib.parse',
  xmlrpclib: 'xmlrpc.client',
  DocXMLRPCServer: 'xmlrpc.server',
  SimpleXMLRPCServer: 'xmlrpc.server',
  thread: '_thread',
  dummy_thread: '_dummy_thread',
  Tkinter: 'tkinter',
  _collections: 'collections',
  _functools: 'functools',
  _operator: 'operator',
  _datetime: 'datetime',
  _io: 'io',
  _ast: 'ast',
  _socket: 'socket',
  _winreg: 'winreg',
};

const names: Readonly<Record<string, string>> = {
  'builtins.unicode': 'builtins.str',
  'builtins.long': 'builtins.int',
  'builtins.xrange': 'builtins.range',
  'builtins.unichr': 'builtins.chr',
  'builtins.basestring': 'builtins.str',
  'builtins.reduce': 'functools.reduce',
  'builtins.raw_input': 'builtins.input',
  'builtins.intern': 'sys.intern',
  'itertools.izip': 'builtins.zip',
  'itertools.imap': 'builtins.map',
  'itertools.ifilter': 'builtins.filter',
  'exceptions.StandardError': 'builtins.Exception',
};

/** Module and name in their one spelling; both may be anything, also nonsense. */
export function canonicalName(module: string, name: string): { module: string; name: string } {
  let canonical = Object.hasOwn(modules, module) ? (modules[module] ?? module) : module;
  if (module === 'exceptions') canonical = 'builtins';
  // scikit-learn once brought joblib along.
  canonical = canonical.replace(/^sklearn\.externals\.joblib(?=\.|$)/, 'joblib');
  // NumPy 2 moved its core; old files name the old place and new files the new one.
  if (canonical.startsWith('numpy._core')) canonical = `numpy.core${canonical.slice(11)}`;
  const whole = `${canonical}.${name}`;
  const renamed = Object.hasOwn(names, whole) ? names[whole] : undefined;
  if (renamed === undefined) return { module: canonical, name };
  const dot = renamed.lastIndexOf('.');
  return { module: renamed.slice(0, dot), name: renamed.slice(dot + 1) };
}
