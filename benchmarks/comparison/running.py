"""One peer in a process of its own: `python running.py PEER ORDER.json`, one JSON line per figure.

ORDER.json: {"step": "build" | "ask", "folder", "texts", "vectors", "questions", "new", "callers",
"seconds", "most"}. Both steps are their own processes, so that no memory of the one counts for the
other.
"""

import itertools
import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
warnings.filterwarnings("ignore")

from measuring import as_plain, load, pss_mb, seconds_since_start, step  # noqa: E402
from peer import InTurn, Peer, read_texts  # noqa: E402
from peers import PEERS  # noqa: E402


def tell(**figures: Any) -> None:
    print("FIGURE " + json.dumps(figures), flush=True)


def build(peer: Peer, order: dict[str, Any]) -> None:
    texts = read_texts(Path(order["texts"]))
    vectors = np.load(order["vectors"])
    peer.ready()
    with step() as taken:
        peer.build(texts, vectors)
    tell(build=as_plain(taken))


def ask(peer: Peer, order: dict[str, Any]) -> None:
    questions = itertools.cycle(read_texts(Path(order["questions"])))
    peer.open()
    found = peer.ask(next(questions))
    tell(start=round(seconds_since_start(), 2), found=len(found))
    for _ in range(5):
        peer.ask(next(questions))
    for callers in order["callers"]:
        door = InTurn(peer) if peer.takes_turns and callers > 1 else peer
        measured = load(door.ask, questions, callers, order["seconds"], order["most"])
        tell(load=as_plain(measured))
    tell(pss=round(pss_mb()))
    new = read_texts(Path(order["new"]))
    with step() as taken:
        peer.add(new)
    tell(ingest={**as_plain(taken), "passages": len(new)})


def main() -> None:
    name, path = sys.argv[1:]
    order = json.loads(Path(path).read_text(encoding="utf-8"))
    folder = Path(order["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    peer = PEERS[name](folder)
    {"build": build, "ask": ask}[order["step"]](peer, order)
    sys.stdout.flush()
    os._exit(0)  # some of them wait for threads that never end


if __name__ == "__main__":
    main()
