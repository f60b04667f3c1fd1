"""Environment of the native libraries, set before numpy, FAISS or torch are imported.

One OpenMP thread a call: measured 253 searches/s against 146 with two, because Python threads
already fill the cores. Set by environment, since ``faiss.omp_set_num_threads`` reaches only the
thread that calls it.
"""

import os

SINGLE_THREADED = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TQDM_DISABLE": "1",  # no bars among the log lines
}


def limit_threads() -> None:
    """Set what is not set already; a value of the operator's own wins."""
    for name, value in SINGLE_THREADED.items():
        os.environ.setdefault(name, value)
