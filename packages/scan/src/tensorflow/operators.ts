/** Operators of TensorFlow that leave the graph, and how bad that is. */

import type { Severity } from '@merlon/core';
import { pattern } from '../text/pattern.ts';
import known from './operators.json' with { type: 'json' };

/** What is wrong with an operator. */
export interface OperatorFault {
  readonly severity: Severity;
  readonly why: string;
}

const table: readonly (readonly [RegExp, Severity, string])[] = [
  [
    /^(PyFunc|PyFuncStateless|EagerPyFunc|NumpyFunc|PyCall|PythonOp|XlaHostCompute)$/,
    'high',
    'calls Python',
  ],
  [pattern('operators.table'), 'high', 'reads or writes files'],
  [pattern('operators.table2'), 'high', 'talks to the network'],
  [
    /^(ShellExecute|ExecuteOp|SystemConfig|LoadLibrary|LoadOpLibrary|CustomOp|DynamicLoad)$/,
    'high',
    'runs code',
  ],
  [pattern('operators.table3'), 'medium', 'reads files'],
  [pattern('operators.table4'), 'medium', 'writes elsewhere'],
];

/** The fault of an operator, or null. */
export function operatorFault(operator: string): OperatorFault | null {
  for (const [names, severity, why] of table) {
    if (names.test(operator)) return { severity, why };
  }
  return null;
}

const names: ReadonlySet<string> = new Set(known.names.flatMap((line) => line.split(' ')));
/** Operators that rewriting and compiling leave behind, which no list of the public ones has. */
const internal = /^(_|Mkl|TPU|Xla|Cudnn|TRTEngineOp|TfLite|Experimental|Encapsulate|IfrtCall)/;

/** True for an operator that TensorFlow does not bring with it; old versions had others. */
export function isCustomOperator(operator: string): boolean {
  return !(names.has(operator) || internal.test(operator) || operator.startsWith('Batch'));
}
