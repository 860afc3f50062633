# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""``./dev bench``: how fast the plugin is, as ratios that are measured in one run.

Each case times the plugin's way and a reference in turn, and compares medians, so that a slow machine slows both.
Prints a table, writes bench/results.json, and ends with exit status 1 when a ratio misses its limit.  ``./dev bench
idle guest`` measures these cases alone, and writes nothing.
"""
from __future__ import annotations

import json
import sys

from tools.bench import convergence, drvinfo, environment, guest, hooks, idle, ovs_vifs, published, service, storage
from tools.bench.measure import ROOT

RESULTS = ROOT / 'bench' / 'results.json'
CASES = {'drvinfo': drvinfo, 'published': published, 'hooks': hooks, 'convergence': convergence, 'idle': idle,
         'service': service, 'vifs': ovs_vifs, 'guest': guest, 'environment': environment, 'storage': storage}


def main(names):
    unknown = sorted(set(names) - set(CASES))
    if unknown:
        print(f'no such case: {" ".join(unknown)}; there are: {" ".join(CASES)}', file=sys.stderr)
        return 2
    results = []
    for case in [CASES[name] for name in names or CASES]:
        print(f'measuring: {case.__doc__.splitlines()[0]}', file=sys.stderr, flush=True)
        results += case.results()
    show(results)
    if not names:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps([result._asdict() for result in results], indent=1) + '\n', encoding='utf-8')
    return 0 if all(result.ok for result in results) else 1


def show(results):
    """Print the table."""
    width = max((len(result.name) for result in results), default=0)
    print(f'{"":{width}}  {"ours":>10}  {"reference":>10}  {"ratio":>7}  {"limit":>5}')
    for result in results:
        verdict = f'{result.limit:5}  {"ok" if result.ok else "MISSED"}'
        print(f'{result.name:{width}}  {result.value:7.2f} {result.unit:2}  {result.reference:7.2f} {result.unit:2}  '
              f'{result.ratio:7.2f}  {verdict}')


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
