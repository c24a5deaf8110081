# Versions of what is run but not linked. Go's own is in go.mod, the one that is
# fetched where there is none in packaging/install-deps.sh; libraries: go.mod.
GOFUMPT     := mvdan.cc/gofumpt@v0.12.0
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

VERSION  := $(or $(shell git describe --tags --always --dirty 2>/dev/null),dev)
PACKAGES := ./... ./testdata/demo
# What has to build and pass without C.
PURE     := ./render ./render/hash ./render/null ./render/scope ./audio ./audio/analysis ./audio/null ./audio/wav \
	./demux ./demux/guess ./demux/pattern ./player ./player/clock ./player/latency ./player/queue ./player/publish ./internal/settings ./testdata/demo
# Whose tests keep time, with screens, sound devices and sockets: they share the
# processor with nothing.
TIMED    := ./audio/null ./audio/sdl ./demux/rtsp ./e2e ./internal/rtsptest ./internal/xvfb ./player/clock ./player/publish/... ./render/sdl

SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

export PLANAR_GO := $(or $(PLANAR_GO),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/planar/go)
# /usr/sbin: there Debian keeps nginx, and a user has it not in the PATH.
export PATH := $(PLANAR_GO)/bin:$(PATH):/usr/local/go/bin:/usr/sbin

# go-sdl2 includes SDL's headers in every file, and those the compiler's vector
# intrinsics: without them its first build takes 32 s instead of 142.
export CGO_CFLAGS ?= -O2 -g -DSDL_DISABLE_IMMINTRIN_H -DSDL_DISABLE_MMINTRIN_H \
	-DSDL_DISABLE_XMMINTRIN_H -DSDL_DISABLE_EMMINTRIN_H -DSDL_DISABLE_PMMINTRIN_H
# GCC sees an overflow in Dear ImGui that its own checks exclude.
export CGO_CXXFLAGS ?= -O2 -g -Wno-stringop-overflow

# FFmpeg's libraries are loaded when they are first needed (demux/ffmpeg/lazy.c).
ifeq ($(shell uname -s),Linux)
export CGO_LDFLAGS ?= -Wl,--as-needed
endif

# Without it each package's tests wait a second at their end for races to be told.
export GORACE ?= atexit_sleep_ms=50

# The program that the end-to-end tests run.
export PLANAR_BIN ?= $(CURDIR)/bin/planar

started := $(shell date +%s)
step = @printf '== %3d s  %s\n' $$(($$(date +%s) - $(started))) '$(1)'
go_build = go build -buildvcs=false -ldflags '-X main.version=$(VERSION)'

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z0-9]*\):[^#]*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 14

.PHONY: build
build: deps-build ## bin/planar
	$(call step,build)
	@$(go_build) -o bin/planar ./cmd/planar

.PHONY: run
run: deps-run build demo/planar-demo.pcm ## play the demo; without a display, take a screenshot of it
	$(call step,run)
	@packaging/run-demo.sh

.PHONY: test
test: deps-test build demo/planar-demo.pcm check pure ## every check and test, under the race detector
	$(call step,go test -race)
	@go test -race -shuffle=on -timeout 15m $$(comm -23 <(go list $(PACKAGES) | sort) <(go list $(TIMED) | sort))
	$(call step,go test -race: one package at a time)
	@go test -race -shuffle=on -p 1 -timeout 15m $(TIMED)

.PHONY: install uninstall
install: build ## program, manual, completions, desktop files: below PREFIX and DESTDIR
	@packaging/install.sh
uninstall: ## take them away again
	@packaging/install.sh uninstall

.PHONY: race
race: deps-test demo/planar-demo.pcm ## all tests, the end-to-end ones on a planar that is itself built with -race
	$(call step,build -race)
	@$(go_build) -race -o bin/planar-race ./cmd/planar
	$(call step,go test -race)
	@PLANAR_BIN=$(CURDIR)/bin/planar-race go test -race -shuffle=on -p 1 -timeout 30m $(PACKAGES)

.PHONY: e2e
e2e: deps-test build demo/planar-demo.pcm ## only the end-to-end tests
	@go test -count=1 -shuffle=on -timeout 15m ./e2e/...

.PHONY: bench
bench: deps-test build ## each stage, from reading to the screen, and whole clips beside ffplay
	@go test -run='^$$' -bench=. -benchmem $(PACKAGES)

.PHONY: lint
lint: deps-build check ## gofmt, vet, gofumpt, staticcheck
	$(call step,gofumpt)
	@bad=$$(go run $(GOFUMPT) -l .); [ -z "$$bad" ] || { echo "not as gofumpt writes it:" $$bad; exit 1; }
	$(call step,staticcheck)
	@go run $(STATICCHECK) $(PACKAGES)

.PHONY: clean
clean: ## remove what was built, keep what was installed
	rm -rf bin demo
	find . -name '*.bad.png' -delete

.PHONY: check
check:
	$(call step,gofmt)
	@bad=$$(gofmt -l .); [ -z "$$bad" ] || { echo "not as gofmt writes it:" $$bad; exit 1; }
	$(call step,go vet)
	@# With -race, so that what it compiles is what the tests need.
	@go vet -race $(PACKAGES)

.PHONY: pure
pure:
	$(call step,vet and test without C)
	@CGO_ENABLED=0 go vet $(PURE)
	@CGO_ENABLED=0 go test $(PURE)

.PHONY: deps-build deps-run deps-test
deps-build deps-run deps-test:
	@packaging/install-deps.sh $(@:deps-%=%)

# Written last, so that its date stands for the pair.
demo/planar-demo.pcm: $(wildcard testdata/demo/*.go)
	$(call step,demo clip)
	@go run ./testdata/demo -o demo
