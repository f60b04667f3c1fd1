"""What a process asks of its machine before anything else is imported: threads and open files.

One OpenMP thread a call: measured 253 searches/s against 146 with two, because Python threads
already fill the cores. Set by environment, since ``faiss.omp_set_num_threads`` reaches only the
thread that calls it.
"""

import gc
import os
import sys

if sys.platform != "win32":
    import resource

MOST_FILES = 65_536  # a stream takes one, a model's call one more

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


def share_turns() -> None:
    """Let waiting threads have the interpreter after a millisecond instead of five.

    A stream's event passes through four threads; with five milliseconds a turn, one that computes
    holds up what is ready to be sent.
    """
    sys.setswitchinterval(0.001)


def spare_what_stays() -> None:
    """Let the collector of cycles pass by everything that is loaded now, for good.

    A process holds half a million objects of modules that never go. To look through them takes a
    tenth of a second, in which no thread of the process runs and every stream stands still.
    """
    gc.collect()
    gc.freeze()


def allow_files() -> int:
    """Raise the limit of open files as far as the system lets us; returns what it is now.

    A shell's usual 1,024 are 500 streams, and the one behind them is refused.
    """
    if sys.platform == "win32":
        return 0
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return soft
