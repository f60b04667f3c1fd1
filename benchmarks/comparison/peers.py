"""What people copy instead of Footnote: the names of all that are measured.

Run by an environment of its own (benchmarks/requirements-peers.txt), which has no Footnote in it.
"""

from peer import Peer
from peers_faiss import LangChain, LangChainEnsemble, LlamaIndex, LlamaIndexFaiss
from peers_stores import Chroma, Haystack, Txtai, TxtaiHybrid

PEERS: dict[str, type[Peer]] = {
    "langchain": LangChain,
    "langchain-ensemble": LangChainEnsemble,
    "llamaindex": LlamaIndex,
    "llamaindex-faiss": LlamaIndexFaiss,
    "chroma": Chroma,
    "txtai": Txtai,
    "txtai-hybrid": TxtaiHybrid,
    "haystack": Haystack,
}
