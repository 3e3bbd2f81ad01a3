# SPDX-License-Identifier: MIT
# Thin: each goal is one script. CMakePresets.json has the builds, tests/run.d the tests.
.PHONY: build demo demo-kafka demo-clinical demo-telemetra test bench fuzz torture format tidy clean
build:
	@tools/setup build
	@tools/build release

demo: build
	@pipelines/devices/demo.sh

# Real Kafka and S3 servers, the pipeline killed twice on the way: make demo-kafka ROWS=1000000
demo-kafka: build
	@$(if $(ROWS),ROWS=$(ROWS)) $(if $(RATE),RATE=$(RATE)) pipelines/devices/demo-kafka.sh

# Real Kafka and S3 servers, topics to bronze to silver, its figures: make demo-clinical ROWS=100000
demo-clinical: build
	@$(if $(ROWS),ROWS=$(ROWS)) pipelines/clinical/demo.sh

# Real Kafka and PostgreSQL servers, both sides killed on the way: make demo-telemetra ROWS=1000000
demo-telemetra: build
	@$(if $(ROWS),ROWS=$(ROWS)) $(if $(BURSTS),BURSTS=$(BURSTS)) pipelines/telemetra/demo.sh

test:
	@tools/setup test
	@tools/test

# make bench CASE=devices-files DEVICES=100000
bench: build
	@CASE="$(CASE)" DEVICES="$(DEVICES)" tests/bench/run "$(CASE)"

# make fuzz FUZZ_SECONDS=3600: each fuzzer for that long, with its corpus
fuzz:
	@tools/setup test
	@FUZZ_SECONDS="$(or $(FUZZ_SECONDS),600)" tests/run.d/70-fuzz

# The long sizes of docs/reliability.md's tests; make test runs the short ones. Over Kafka only:
# make torture SINK=s3 KILLS=200 (files, s3, kafka, postgres, all)
torture: build
	@TORTURE_SIZE=long SINK="$(SINK)" KILLS="$(KILLS)" SEED="$(SEED)" tests/run.d/50-torture

format:
	@git ls-files '*.c' '*.h' | xargs clang-format -i

tidy:
	@tools/tidy

clean:
	@rm -rf build
