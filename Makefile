# `make check` is what guards main; the other targets are its steps.
.PHONY: check test lint examples e2e bench fuzz

check:
	.ci/run

test:
	go test -race ./...
	go test ./cutover

lint:
	.ci/run linters

examples:
	.ci/run examples

e2e:
	.ci/run e2e

bench:
	go test -run '^$$' -bench . -benchmem ./...

# Every fuzz target for FUZZTIME each.
FUZZTIME ?= 20s
fuzz:
	@for pkg in $$(go list ./...); do \
	  for target in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    echo "== $$pkg $$target"; go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
	  done; done
