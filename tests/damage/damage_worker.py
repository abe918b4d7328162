"""python damage_worker.py MODEL COUNT SEED: imports and builds COUNT copies of a model, each with one wrong byte.

MODEL is an ONNX file or a SavedModel directory. Prints one JSON line per 100 cases, {"done": n, "accepted": n, "codes": {...}}, so that
whoever reads it knows where a crash happened. A case that takes longer than LIMIT_SECONDS ends the process with a
traceback. Memory is bounded from outside (RLIMIT_AS).
"""

import faulthandler
import json
import pathlib
import random
import shutil
import sys
import tempfile

import hone

LIMIT_SECONDS = 10  # a good copy takes a few milliseconds


def main(model: str, count: int, seed: int) -> None:
    source = pathlib.Path(model)
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as scratch:
        copy = pathlib.Path(scratch) / source.name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, copy)
        files = sorted(p for p in copy.rglob("*") if p.is_file()) if source.is_dir() else [copy]
        files = [p for p in files if p.stat().st_size > 0]
        contents = {p: p.read_bytes() for p in files}
        # Files by size, but never less than one case in ten for each: the graph counts, not the weights.
        weights = [max(len(contents[p]), sum(map(len, contents.values())) // 10) for p in files]
        accepted, codes = 0, {}
        for i in range(count):
            file = chance.choices(files, weights)[0]
            data = bytearray(contents[file])
            at = chance.randrange(len(data))
            data[at] ^= chance.randrange(1, 256)
            file.write_bytes(data)
            print(json.dumps({"file": file.name, "at": at, "value": data[at]}), file=sys.stderr)
            faulthandler.dump_traceback_later(LIMIT_SECONDS, exit=True)
            try:
                hone.build(copy, tune=False, threads=1, progress=lambda *_: True)
                accepted += 1
            except hone.Error as error:
                codes[error.code] = codes.get(error.code, 0) + 1
                assert str(error).strip(), "an error without a message"
            faulthandler.cancel_dump_traceback_later()
            file.write_bytes(contents[file])
            if (i + 1) % 100 == 0 or i + 1 == count:
                print(json.dumps({"done": i + 1, "accepted": accepted, "codes": codes}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
