"""Judge a snapshot with all rules, as a scan does, and print one line of JSON: for a process of its own."""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path


def main(folder: Path) -> None:
    """Print seconds per stage, peak memory in MB, findings and assignments judged."""
    began = time.perf_counter()
    from scanner.engine import describe, evaluate
    from scanner.engine.registry import load_rules
    from scanner.facts.snapshot import read

    rules = load_rules()
    store, manifest = read(folder)
    opened = time.perf_counter()
    judgement = evaluate.judge(store, rules)
    judged = time.perf_counter()
    entities = describe.entities_of(store, judgement)
    found = describe.findings(judgement, entities)
    results = describe.results(judgement)
    done = time.perf_counter()
    print(
        json.dumps(
            {
                "assignments": manifest.files["assignments"].rows,
                "rules": len(rules),
                "open": opened - began,
                "judge": judged - opened,
                "findings": done - judged,
                "total": done - began,
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
                "found": len(found),
                "failed": {result.code: result.failed for result in results},
                "faults": [fault.code for fault in judgement.faults],
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
