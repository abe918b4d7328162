# Thin wrappers over scripts/ and CMakePresets.json, for daily work.
.PHONY: debug test test-slow bench format tidy docs

debug:
	cmake --preset debug && cmake --build --preset debug && ctest --preset debug -LE slow

test:
	./scripts/test

test-slow:
	./scripts/test --slow

bench:
	.venv/bin/python bench/peers.py
	.venv/bin/python bench/report.py

format:
	./scripts/format

tidy:
	./scripts/tidy

docs:
	./scripts/docs
