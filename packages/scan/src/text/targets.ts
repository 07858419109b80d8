/** Names that a framework looks up in a configuration and calls: Hydra's `_target_` and its kin. */
import { type Place, tell } from '../audit.ts';
import { classify } from '../policy/classify.ts';
import { groupOf } from '../python/judge.ts';

/** Ways around: functions that look up or call another name that the file gives. */
const indirect =
  /^(hydra\.utils\.(get_method|get_class|get_static_method|get_object|call|instantiate)|hydra\._internal\..*|omegaconf\.OmegaConf\.(load|register_new_resolver)|functools\.(partial|reduce)|operator\.(attrgetter|methodcaller)|importlib\..*|pydoc\.locate|pkgutil\.resolve_name|builtins\.(eval|exec|compile|__import__|getattr|open|input|breakpoint))$/;
const everyday =
  /^(os\.(path\.|getcwd|cpu_count|environ\.get|getenv|sep)|torch\.(optim|nn|utils\.data|device|float|bfloat|load)|tensorflow\.keras|keras|logging\.|transformers\.|datasets\.|pathlib\.|multiprocessing\.cpu_count|sklearn\.|numpy\.|pandas\.)/;

/** Judges a name; what is merely unknown is the business of whoever runs the framework. */
export function scanTarget(place: Place, key: string, target: string, pointer: string): void {
  const dot = target.lastIndexOf('.');
  const [module, name] = [target.slice(0, dot), target.slice(dot + 1)];
  const group = groupOf(target);
  const grave = group !== null && group !== 'load' && group !== 'write';
  if (!grave && !indirect.test(target) && everyday.test(target)) return;
  const found = classify(module, name, place.audit.policy);
  const effect = found.kind === 'dangerous' ? found.effect : null;
  const weak =
    effect === 'load' || effect === 'introspect' || group === 'load' || group === 'write';
  if (grave || indirect.test(target) || (effect !== null && !weak)) {
    tell(place, 'MRL-CFG-001', { evidence: `${key}: ${target}`, pointer });
  } else if (key.startsWith('_') && (group !== null || effect !== null)) {
    tell(place, 'MRL-CFG-001', { evidence: `${key}: ${target}`, pointer, severity: 'high' });
  }
}
