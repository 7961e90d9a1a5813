"""An edge that waits to be measured: one worker on CPU 0, links l0000 to l0999, X-Forwarded-For believed of loopback.

    python -m loadtests.bench.serve [--links 1000] [--workers 1] [--cpus 0] [-- COMMAND ...]

Prints its address and serves until Ctrl-C. With COMMAND it runs that instead, `{url}` and `{geo}` in it replaced by its
address and by the file of the country database, and ends with its exit code:

    python -m loadtests.bench.serve -- python versus.py --url {url} --geo {geo}
"""

import argparse
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from loadtests.bench import rivals
from loadtests.bench.stage import EDGE_CPU, Edge, Rules


def main() -> int:
    """Serve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--links", type=int, default=1_000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--cpus", default=EDGE_CPU)
    parser.add_argument("command", nargs="*")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="turnout-serve-") as name, ExitStack() as stack:
        folder = Path(name)
        geo = rivals.write_database(folder)
        rules = Rules(folder)
        stack.callback(rules.close)
        rules.put_example(args.links)
        edge = Edge(rules, folder, workers=args.workers, cpus=args.cpus)
        stack.callback(edge.close)
        url = f"http://127.0.0.1:{edge.port}"
        if args.command:
            return subprocess.run([word.format(url=url, geo=geo) for word in args.command], check=False).returncode
        print(f"{url} (countries: {geo}); Ctrl-C stops it", flush=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
    return 0


if __name__ == "__main__":
    sys.exit(main())
